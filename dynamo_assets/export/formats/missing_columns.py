"""Batches of which a file has not all columns: those that it lacks are null."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

BATCH_ROWS = 65_536
"""About so many rows a batch has that is read from a file."""


def without_columns(rows: int) -> pa.RecordBatch:
    """So many rows of a file that has none of the columns."""
    return pa.RecordBatch.from_arrays([pa.nulls(rows)], names=[""])


def with_missing(batches: Iterable[pa.RecordBatch], columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The same batches with just these columns, in this order."""
    for batch in batches:
        found = set(batch.schema.names)
        arrays = [
            batch.column(field.name) if field.name in found else pa.nulls(batch.num_rows, field.type)
            for field in columns
        ]
        yield pa.RecordBatch.from_arrays(arrays, names=columns.names)
