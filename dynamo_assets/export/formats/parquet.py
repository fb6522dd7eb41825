"""Parquet: compressed with zstd, with statistics and a page index, with dictionaries where they pay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from dynamo_assets.export.formats.missing_columns import BATCH_ROWS, with_missing, without_columns
from dynamo_assets.export.kernels import kernels

SUFFIX = ".parquet"
SELF_DESCRIBING = True

_SAMPLE_ROWS = 4096
_DISTINCT_SHARE = 0.5
"""A column of which more than this share of the values differ is written as it is: its dictionary would be as large as
the column, and making it takes a fifth of the time."""


class ParquetWriter:
    """Writes one file; each table becomes a row group."""

    def __init__(self, path: Path, schema: pa.Schema):
        self._path = path
        self._schema = schema
        self._writer: Any = None

    def write(self, table: pa.Table) -> None:
        """Adds a row group."""
        if self._writer is None:
            self._writer = self._open(_repetitive(table.slice(0, _SAMPLE_ROWS)))
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))

    def close(self) -> None:
        """Finishes the file."""
        if self._writer is None:
            self._writer = self._open([])
        self._writer.close()

    def _open(self, dictionaries: list[str]) -> pq.ParquetWriter:
        return pq.ParquetWriter(
            self._path,
            self._schema,
            compression="zstd",
            use_dictionary=dictionaries,  # pyright: ignore[reportArgumentType] - a list of columns is taken, too
            write_statistics=True,
            write_page_index=True,
        )


open_writer = ParquetWriter


def _repetitive(sample: pa.Table) -> list[str]:
    """The columns, as Parquet's dotted paths, of whose values many are alike."""
    return [
        path
        for field in sample.schema
        for path, values in _leaves(field.name, sample.column(field.name).combine_chunks())
        if not pa.types.is_boolean(values.type)
        and _distinct(values) <= _DISTINCT_SHARE * max(1, len(values) - values.null_count)
    ]


def _leaves(path: str, array: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    if isinstance(array, pa.StructArray):
        for field, child in zip(array.type, array.flatten(), strict=True):
            yield from _leaves(f"{path}.{field.name}", child)
    elif isinstance(array, pa.ListArray):
        yield from _leaves(f"{path}.list.element", array.flatten())
    else:
        yield path, array


def _distinct(values: pa.Array) -> int:
    return kernels.count_distinct(values, mode="only_valid").as_py()


def count_rows(file: IO[bytes]) -> int:
    """How many rows a file holds, by its footer."""
    return pq.read_metadata(file).num_rows


def read_columns(file: IO[bytes], columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Reads some columns, a row group after another; see `FileFormat`."""
    # Buffered in advance, the chunks of a row group that lie side by side are one read, of no more than they are.
    with pq.ParquetFile(file, pre_buffer=True) as whole:
        names = [name for name in columns.names if name in whole.schema_arrow.names]
        for number in range(whole.num_row_groups):
            yield from with_missing(_of_row_group(whole, number, names), columns)


def _of_row_group(whole: pq.ParquetFile, number: int, names: list[str]) -> Iterator[pa.RecordBatch]:
    if names:
        yield from whole.iter_batches(BATCH_ROWS, row_groups=[number], columns=names, use_threads=False)
    else:
        yield without_columns(whole.metadata.row_group(number).num_rows)
