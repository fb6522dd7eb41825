"""Fingerprints that occur more than once among any number of them, in bounded memory.

Up to `HELD` are held in memory. When there are more they go to files, a bucket of the fingerprints' range each, and the
buckets are looked at one after another: 8 bytes on disk for each. As fingerprints spread evenly, buckets are of one
size, about `HELD` at most as long as there are no more than `HELD * 2**MAX_BITS`, 8 billion; beyond that they grow.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from dynamo_assets.errors import VerificationError
from dynamo_assets.export.kernels import kernels

HELD = 2 * 1024 * 1024
"""So many are held: 16 MB, and four times that while they are divided into buckets."""
MIN_BITS = 4
MAX_BITS = 12
_BITS = 64
# A bucket is divided once more, into parts of which the table that tells repeated ones fits the processor's cache.
_PART_BITS = 8


class FingerprintStore:
    """Keeps fingerprints, and then tells the repeated ones. Threads may add at the same time.

    Args:
        folder: Where files go when they are many.
        expected: About how many there will be.

    Attributes:
        spilled_bytes: How much was written to disk.
    """

    def __init__(self, folder: Path, expected: int):
        self._folder = folder
        self._bucket_bits = min(MAX_BITS, max(MIN_BITS, (expected // HELD).bit_length()))
        self._held: list[pa.Array] = []
        self._held_rows = 0
        self._lock = threading.Lock()
        self.spilled_bytes = 0

    def add(self, fingerprints: pa.Array) -> None:
        """Keeps some.

        Raises:
            VerificationError: The disk is full.
        """
        with self._lock:
            self._held.append(fingerprints)
            self._held_rows += len(fingerprints)
            if self._held_rows >= HELD:
                self._spill()

    def repeated(self) -> Iterator[pa.Array]:
        """Each fingerprint that was added more than once, in arrays of any length, some of them empty.

        Raises:
            VerificationError: The disk is full, or cannot be read.
        """
        if not self.spilled_bytes:
            yield from _repeated(self._take(), 0)
            return
        self._spill()
        for bucket in range(2**self._bucket_bits):
            path = self._path(bucket)
            if path.exists():
                yield from _repeated(self._read(path), self._bucket_bits)

    def _take(self) -> pa.Array:
        held = pa.concat_arrays(self._held) if self._held else pa.array([], pa.uint64())
        self._held, self._held_rows = [], 0
        return held

    def _spill(self) -> None:
        for bucket, part in _divided(self._take(), 0, self._bucket_bits):
            data = part.buffers()[1].slice(part.offset * 8, len(part) * 8)
            try:
                with self._path(bucket).open("ab") as file:
                    file.write(data)
            except OSError as error:
                raise VerificationError(
                    f"the keys could not be compared, for want of disk: {error}. {self.spilled_bytes / 1e6:,.0f} MB of "
                    f"them lay in {self._folder}, 8 bytes a row; make room there, or set TMPDIR to a larger disk"
                ) from error
            self.spilled_bytes += data.size

    def _read(self, path: Path) -> pa.Array:
        bucket = pa.array([], pa.uint64())
        try:
            with path.open("rb") as file:
                while data := file.read(HELD * 8):
                    some = pa.Array.from_buffers(pa.uint64(), len(data) // 8, [None, pa.py_buffer(data)])
                    bucket = pa.concat_arrays([bucket, some]) if len(bucket) else some
                    if len(bucket) > HELD:
                        bucket = _twice_at_most(bucket)
            path.unlink()
        except OSError as error:
            raise VerificationError(f"the keys could not be compared: {error}") from error
        return bucket

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{bucket:04d}"


def _repeated(fingerprints: pa.Array, told: int) -> Iterator[pa.Array]:
    """Those that occur more than once.

    Args:
        fingerprints: Fingerprints.
        told: How many of the first bits are the same in all of them.
    """
    for _, part in _divided(fingerprints, told, _PART_BITS):
        if kernels.count_distinct(part).as_py() < len(part):
            counted = kernels.value_counts(part)
            yield counted.field("values").filter(kernels.greater(counted.field("counts"), 1))
        else:
            yield part.slice(0, 0)


def _twice_at_most(fingerprints: pa.Array) -> pa.Array:
    """The same, of repeated ones no more than it takes to tell: a key that every row has makes a bucket too large."""
    counted = kernels.value_counts(fingerprints)
    values = counted.field("values")
    return pa.concat_arrays([values, values.filter(kernels.greater(counted.field("counts"), 1))])


def _divided(fingerprints: pa.Array, told: int, bits: int) -> Iterator[tuple[int, pa.Array]]:
    """Fingerprints by some of their bits, of all those that have any.

    Args:
        fingerprints: Fingerprints.
        told: How many bits are left out first.
        bits: How many bits tell them apart.
    """
    left = kernels.shift_left(fingerprints, pa.scalar(told, pa.uint64()))
    buckets = kernels.shift_right(left, pa.scalar(_BITS - bits, pa.uint64())).cast(pa.uint16())
    # Few different numbers are sorted by counting them, which takes next to no time.
    ordered = fingerprints.take(kernels.array_sort_indices(buckets))
    counted = kernels.value_counts(buckets)
    begin = 0
    for bucket, rows in sorted(zip(*(counted.field(name).to_pylist() for name in ("values", "counts")), strict=True)):
        yield bucket, ordered.slice(begin, rows)
        begin += rows
