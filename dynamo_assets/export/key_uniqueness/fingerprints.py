"""Keys as numbers of 64 bits: the same for equal keys, and almost never the same for others, whoever chose the keys.

A key's bytes are taken as words of 16 bits, and the fingerprint is the sum of each word times a random number of its
place, modulo 2**64 (multilinear hashing). The random numbers are drawn anew for every check. So two different keys have
one fingerprint with a probability of at most 2**-49, whatever the keys, and the fingerprints spread evenly.

Arrow has no hash function that one could call, but it multiplies and adds: there is no Python object for any row.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

import pyarrow as pa

from dynamo_assets.export.kernels import kernels

PIECE_ROWS = 16_384
"""So many rows are computed at once: what that takes stays in the processor's cache."""
STEP_BYTES = 32
"""Texts are cut into pieces of this length, so that a long one does not make all others as long."""
_WORD_BYTES = 2
_NUMBER_BYTES = 8


class Fingerprints:
    """Computes fingerprints; those of two instances cannot be compared."""

    def __init__(self) -> None:
        self._seed = secrets.token_bytes(32)
        self._rows = pa.array(range(PIECE_ROWS), pa.uint64())

    def of(self, arrays: Sequence[pa.Array]) -> pa.Array:
        """The fingerprints of rows, as unsigned numbers of 64 bits.

        Args:
            arrays: The columns of the key, nothing in them null.
        """
        rows = len(arrays[0])
        pieces = [
            self._of_piece([array.slice(begin, PIECE_ROWS) for array in arrays]) for begin in range(0, rows, PIECE_ROWS)
        ]
        return pa.concat_arrays(pieces) if pieces else pa.array([], pa.uint64())

    def _of_piece(self, arrays: Sequence[pa.Array]) -> pa.Array:
        total = None
        for number, array in enumerate(arrays):
            if pa.types.is_string(array.type) or pa.types.is_binary(array.type):
                part = self._of_texts(number, array.cast(pa.binary()))
            else:
                part = self._of_numbers(number, array)
            total = part if total is None else kernels.add(total, part)
        return total

    def _of_numbers(self, column: int, array: pa.Array) -> pa.Array:
        width = array.type.bit_width // 8
        _, data = array.buffers()
        return self._sums(data.slice(array.offset * width, len(array) * width), len(array), width, f"{column} 0")

    def _of_texts(self, column: int, array: pa.Array) -> pa.Array:
        # Without the length, a text and the same with zeros at its end would be alike.
        weight = pa.scalar(int.from_bytes(self._weights(f"{column} length", _NUMBER_BYTES), "little"), pa.uint64())
        lengths = kernels.binary_length(array)
        by_length = kernels.multiply(lengths.cast(pa.uint64()), weight)
        sums: list[pa.Array] = []
        masks: list[pa.Array] = []
        while True:
            longest = kernels.max(lengths).as_py()
            sums.append(self._of_beginnings(array, longest, f"{column} {len(sums)}"))
            if longest <= STEP_BYTES:
                break
            masks.append(kernels.greater(lengths, STEP_BYTES))
            # An end must be given: without one pyarrow 26 fails.
            array = kernels.binary_slice(array.filter(masks[-1]), STEP_BYTES, longest)
            lengths = kernels.binary_length(array)
        total = sums.pop()
        while sums:
            part, longer = sums.pop(), masks.pop()
            total = kernels.replace_with_mask(part, longer, kernels.add(part.filter(longer), total))
        return kernels.add(by_length, total)

    def _of_beginnings(self, array: pa.Array, longest: int, place: str) -> pa.Array:
        width = max(_WORD_BYTES, min(STEP_BYTES, longest + longest % _WORD_BYTES))
        if longest > STEP_BYTES:
            array = kernels.binary_slice(array, 0, STEP_BYTES)
        # Padding works on bytes, and takes only what is called a string.
        text = pa.Array.from_buffers(pa.string(), len(array), array.buffers(), offset=array.offset)
        padded = kernels.ascii_rpad(text, width, padding="\0")
        return self._sums(padded.buffers()[2], len(array), width, place)

    def _sums(self, data: pa.Buffer, rows: int, width: int, place: str) -> pa.Array:
        """Of each row the sum of its words times their weights.

        Args:
            data: The rows' bytes, one after another.
            rows: How many there are.
            width: How many bytes each has.
            place: Which weights count.
        """
        words = width // _WORD_BYTES
        weights = pa.py_buffer(self._weights(place, words * _NUMBER_BYTES) * rows)
        products = kernels.multiply(
            pa.Array.from_buffers(pa.uint16(), rows * words, [None, data]).cast(pa.uint64()),
            pa.Array.from_buffers(pa.uint64(), rows * words, [None, weights]),
        )
        last = kernels.add(
            kernels.multiply(self._rows.slice(0, rows), pa.scalar(words, pa.uint64())),
            pa.scalar(words - 1, pa.uint64()),
        )
        # Sums of all words so far, which may overflow; their differences are right all the same.
        ends = kernels.cumulative_sum(products).take(last)
        begins = pa.concat_arrays([pa.array([0], pa.uint64()), ends.slice(0, rows - 1)])
        return kernels.subtract(ends, begins)

    def _weights(self, place: str, size: int) -> bytes:
        return hashlib.shake_256(self._seed + place.encode()).digest(size)
