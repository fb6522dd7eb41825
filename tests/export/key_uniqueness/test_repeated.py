"""Repeated numbers are found, however many there are and however few may be held."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamo_assets.errors import VerificationError
from dynamo_assets.export.key_uniqueness import repeated
from dynamo_assets.export.key_uniqueness.repeated import FingerprintStore

numbers = st.integers(0, 2**64 - 1) | st.integers(0, 5) | st.integers(0, 5).map(lambda n: 2**64 - 1 - n)


def found(store: FingerprintStore) -> list[int]:
    return [number for some in store.repeated() for number in some.to_pylist()]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(numbers, max_size=20), max_size=8), st.integers(1, 60), st.integers(0, 2**40))
def test_repeated_numbers_are_found_once_each_whatever_is_held(
    tmp_path_factory: pytest.TempPathFactory, some: list[list[int]], held: int, expected: int
) -> None:
    counted = Counter(number for each in some for number in each)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeated, "HELD", held)
        patch.setattr(repeated, "MAX_BITS", 6)
        folder = tmp_path_factory.mktemp("spill")
        store = FingerprintStore(folder, expected)
        for each in some:
            store.add(pa.array(each, pa.uint64()))
        assert sorted(found(store)) == sorted(number for number, times in counted.items() if times > 1)
    assert (store.spilled_bytes > 0) == (counted.total() >= held)
    assert not list(folder.iterdir())


def test_a_number_that_comes_for_ever_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated, "HELD", 100)
    store = FingerprintStore(tmp_path, 1000)
    for number in range(500):
        store.add(pa.array([7] * 99 + [number + 8], pa.uint64()))
    sizes: list[int] = []
    twice_at_most = repeated._twice_at_most

    def noting(fingerprints: pa.Array) -> pa.Array:
        sizes.append(len(fingerprints))
        return twice_at_most(fingerprints)

    monkeypatch.setattr(repeated, "_twice_at_most", noting)
    assert found(store) == [7]
    assert 0 < max(sizes) < 1000


def test_a_full_disk_is_said_to_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated, "HELD", 1)
    for bucket in range(16):
        (tmp_path / f"{bucket:04d}").symlink_to("/dev/full")
    with pytest.raises(VerificationError, match=rf"No space left on device.*{tmp_path}.*make room there"):
        FingerprintStore(tmp_path, 1).add(pa.array([1, 2], pa.uint64()))
