"""Columns of which few rows have a value: rows of dicts turned into them, and their values put among nulls.

In Python the work grows with the values only, however many rows have none: what lies between them is filled by the
length of a run, in C.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from dynamo_assets.export.kernels import kernels

Columns = dict[str, tuple[list[int], list[Any]]]
"""Of each attribute the rows that have it, and their values."""

_BITS = tuple(1 << bit for bit in range(8))


def transpose(maps: Iterable[Mapping[str, Any] | None], columns: Columns | None = None, first_row: int = 0) -> Columns:
    """Rows of dicts to columns.

    Args:
        maps: The rows.
        columns: What they are added to.
        first_row: The number of the first row.
    """
    columns = {} if columns is None else columns
    for row, fields in enumerate(maps, first_row):
        if fields:
            for name, value in fields.items():
                if name in columns:
                    rows, values = columns[name]
                    rows.append(row)
                    values.append(value)
                else:
                    columns[name] = ([row], [value])
    return columns


def spread(array: pa.Array, rows: Sequence[int], length: int) -> pa.Array:
    """Puts values at their rows, and nulls everywhere else.

    Args:
        array: The values.
        rows: Where they belong, ascending.
        length: How many rows there are.
    """
    if len(rows) == length:
        return array
    kind = array.type
    if array.null_count or array.offset or pa.types.is_nested(kind) or pa.types.is_null(kind):
        return _taken(array, rows, length)
    valid = pa.py_buffer(_bits(rows, length))
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        _, offsets, data = array.buffers()
        buffers = [valid, pa.py_buffer(_spread_offsets(offsets, rows, length)), data]
    elif pa.types.is_boolean(kind):
        trues = [row for row, value in zip(rows, array.to_pylist(), strict=True) if value]
        buffers = [valid, pa.py_buffer(_bits(trues, length))]
    else:
        buffers = [valid, pa.py_buffer(_spread_words(array.buffers()[1], kind.bit_width // 8, rows, length))]
    return pa.Array.from_buffers(kind, length, buffers, length - len(rows))


def _taken(array: pa.Array, rows: Sequence[int], length: int) -> pa.Array:
    mask = pa.Array.from_buffers(pa.bool_(), length, [None, pa.py_buffer(_bits(rows, length))])
    numbers = pa.array(range(len(rows)), pa.int32())
    return array.take(kernels.replace_with_mask(pa.nulls(length, pa.int32()), mask, numbers))


def _bits(rows: Iterable[int], length: int) -> bytearray:
    bits = bytearray((length + 7) // 8)
    for row in rows:
        bits[row >> 3] |= _BITS[row & 7]
    return bits


def _spread_offsets(offsets: pa.Buffer, rows: Sequence[int], length: int) -> bytes:
    """Each value begins where the one before it ends, however many rows lie between them."""
    begins = struct.iter_unpack("4s", memoryview(offsets)[: 4 * (len(rows) + 1)])
    runs, done = [], 0
    for row, (begin,) in zip((*rows, length), begins, strict=True):
        runs.append(begin * (row + 1 - done))
        done = row + 1
    return b"".join(runs)


def _spread_words(words: pa.Buffer, width: int, rows: Sequence[int], length: int) -> bytearray:
    spread_out = bytearray(length * width)
    begin = 0
    for row in rows:
        spread_out[row * width : (row + 1) * width] = words[begin : begin + width]
        begin += width
    return spread_out
