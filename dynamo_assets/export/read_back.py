"""Data files of the core's own, read again: only of formats that keep every value as it was given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import orc

READ_ROWS = 20_000


def batches(file: Path | IO[bytes], format: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a file, some at a time, in the file's order.

    Args:
        file: The file; of an open one only what is asked for is read.
        format: One of `dynamo_assets.export.request.READ_BACK_FORMATS`.
        columns: These columns alone.
    """
    yield from {"parquet": _of_parquet, "orc": _of_orc}[format](file, columns)


def column_names(path: Path, format: str) -> list[str]:
    """The names of a file's columns, in its order."""
    if format == "orc":
        return orc.ORCFile(path).schema.names
    with pq.ParquetFile(path) as file:
        return file.schema_arrow.names


def _of_parquet(source: Path | IO[bytes], columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(source) as file:
        yield from file.iter_batches(batch_size=READ_ROWS, columns=None if columns is None else list(columns))


def _of_orc(source: Path | IO[bytes], columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    file = orc.ORCFile(source)
    for number in range(file.nstripes):
        stripe = file.read_stripe(number, columns=None if columns is None else list(columns))
        for begin in range(0, stripe.num_rows, READ_ROWS):
            yield stripe.slice(begin, READ_ROWS)
