"""Fingerprints are alike for keys that are alike, and for no others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamo_assets.export.key_uniqueness import fingerprints
from dynamo_assets.export.key_uniqueness.fingerprints import Fingerprints
from tests.export.formats.arrow_tables import DECIMAL, scalars

KINDS = [pa.string(), pa.binary(), pa.int64(), DECIMAL, pa.float64()]
_LONG = st.builds(
    lambda stem, length, end: (stem * length)[:length] + end,
    st.sampled_from(["a", "ab", "\0", "日本"]),
    st.integers(0, 140),
    st.sampled_from(["", "\0", "\0\0", "x", "é"]),
)


def key_values(kind: pa.DataType) -> st.SearchStrategy[Any]:
    some = scalars(kind)
    if kind == pa.string():
        return some | _LONG
    if kind == pa.binary():
        return some | _LONG.map(str.encode)
    # DynamoDB has no negative zero.
    return some.map(lambda number: number + 0.0) if kind == pa.float64() else some


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_two_rows_have_one_fingerprint_just_if_their_keys_are_equal(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=2))
    rows = data.draw(st.lists(st.tuples(*map(key_values, kinds)), min_size=1, max_size=12))
    rows += data.draw(st.lists(st.sampled_from(rows), max_size=5))
    first = data.draw(st.integers(0, len(rows) - 1))
    arrays = [pa.array([row[at] for row in rows], kind).slice(first) for at, kind in enumerate(kinds)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprints, "PIECE_ROWS", data.draw(st.integers(1, 20)))
        found = Fingerprints().of(arrays).to_pylist()
    assert len(found) == len(rows) - first
    assert len(set(found)) == len(set(rows[first:]))
    assert len(set(zip(found, rows[first:], strict=True))) == len(set(rows[first:]))


def test_parts_of_a_key_are_not_run_together() -> None:
    a, b = pa.array(["ab", "a", "", "abc"]), pa.array(["c", "bc", "abc", ""])
    assert len(set(Fingerprints().of([a, b]).to_pylist())) == 4


@pytest.mark.parametrize("kind", KINDS[:3])
def test_parts_of_a_key_do_not_change_places(kind: pa.DataType) -> None:
    a, b = pa.array([1, 2]).cast(pa.string()).cast(kind), pa.array([2, 1]).cast(pa.string()).cast(kind)
    assert len(set(Fingerprints().of([a, b]).to_pylist())) == 2


def test_neighbours_among_numbers_and_texts_are_all_told_apart() -> None:
    rows = range(50_000)
    for array in (
        pa.array(rows, pa.int64()),
        pa.array([Decimal(row) for row in rows], DECIMAL),
        pa.array([f"a customer with a name that is long enough {row:09d}" for row in rows]),
    ):
        assert len(set(Fingerprints().of([array]).to_pylist())) == len(rows)


def test_every_check_has_fingerprints_of_its_own() -> None:
    """So nobody can choose keys for a table that have one fingerprint."""
    key = [pa.array(["a"])]
    assert Fingerprints().of(key) != Fingerprints().of(key)


def test_no_rows_have_no_fingerprints() -> None:
    assert Fingerprints().of([pa.array([], pa.string())]).to_pylist() == []
