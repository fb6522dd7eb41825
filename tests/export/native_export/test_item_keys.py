from __future__ import annotations

from decimal import Decimal
from itertools import combinations, product
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.export.native_export import item_keys
from dynamo_assets.export.native_export.item_keys import key_of, keys_of, places_of

NUMBERS = [Decimal(text) for text in ("0", "7", "-20", "1.5", "-0.5", "100", "1E-18", "1E-8", "9223372036854775807")]
DECIMAL = pa.decimal128(38, 18)


@pytest.mark.parametrize("kind", [DECIMAL, pa.string()])
def test_a_number_is_the_same_key_whatever_its_columns_type_and_its_spelling(kind: pa.DataType) -> None:
    array = pa.array(NUMBERS if kind == DECIMAL else [f"{n:E}" for n in NUMBERS], kind)
    expected = [key_of({"k": {"N": str(n)}}, {"k": "N"}) for n in NUMBERS]
    assert keys_of([array], ["N"]).to_pylist() == expected
    assert len(set(expected)) == len(NUMBERS)


def test_integers_of_a_bigint_are_the_keys_that_dynamodb_writes() -> None:
    assert keys_of([pa.array([0, -7, 2**63 - 1])], ["N"]).to_pylist() == [b"0", b"-7", b"9223372036854775807"]
    assert key_of({"k": {"N": "1E2"}}, {"k": "N"}) == key_of({"k": {"N": "100.0"}}, {"k": "N"}) == b"100"
    assert key_of({"k": {"N": "-0"}}, {"k": "N"}) == b"0"


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=6), min_size=1, max_size=20))
def test_numbers_are_alike_where_their_values_are(numbers: list[Decimal]) -> None:
    texts = keys_of([pa.array([str(number) for number in numbers])], ["N"]).to_pylist()
    for (one, text), (other, again) in combinations(zip(numbers, texts, strict=True), 2):
        assert (one == other) == (text == again)


def test_no_two_keys_of_two_attributes_are_alike() -> None:
    parts = ["", "a", ":", "1:a", "2::", "ä"]
    pairs = list(product(parts, parts))
    documents = [{"pk": {"S": one}, "sk": {"S": other}} for one, other in pairs]
    expected = [key_of(document, {"pk": "S", "sk": "S"}) for document in documents]
    assert len(set(expected)) == len(pairs)
    columns = [pa.array([pair[i] for pair in pairs]) for i in (0, 1)]
    assert keys_of(columns, ["S", "S"]).to_pylist() == expected


def test_binary_is_a_key_by_its_bytes() -> None:
    assert key_of({"k": {"B": "AP8="}}, {"k": "B"}) == b"\x00\xff"
    assert keys_of([pa.array([b"\x00\xff"])], ["B"]).to_pylist() == [b"\x00\xff"]


@pytest.mark.parametrize("document", [{}, {"k": {"N": "1"}}])
def test_a_document_without_the_key_is_refused(document: Any) -> None:
    with pytest.raises(KeyError):
        key_of(document, {"k": "S"})


@pytest.mark.parametrize("block_bytes", [1, 1000])
def test_keys_are_looked_up_block_by_block_in_their_order(monkeypatch: Any, block_bytes: int) -> None:
    monkeypatch.setattr(item_keys, "BLOCK_BYTES", block_bytes)
    found = [pa.array([b"a", b"b"]), pa.array([], pa.binary()), pa.array([b"c"]), pa.array([b"d", b"a"])]
    wanted = pa.array([b"a", b"d", b"x", b"y"])
    places = pa.chunked_array(places_of(found, wanted), pa.int32())
    assert places.to_pylist() == [0, None, None, 1, 0]
    nothing = pa.chunked_array(places_of(found, pa.array([], pa.binary())), pa.int32())
    assert nothing.to_pylist() == [None] * 5
