"""Avro: compressed with deflate, every column a union with null."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import fastavro
import pyarrow as pa
from fastavro.read import SchemaResolutionError
from fastavro.write import Writer

SUFFIX = ".avro"
SELF_DESCRIBING = True

_ROWS_AT_ONCE = 10_000
_NAMES = {"string": "string", "int32": "int", "int64": "long", "double": "double", "bool": "boolean", "binary": "bytes"}


def avro_schema(schema: pa.Schema) -> dict[str, Any]:
    """The Avro schema of Arrow columns. All of them may be null, and are null where an older file lacks them."""
    return {"type": "record", "name": "item", "fields": [_field(column, "item") for column in schema]}


def _field(column: pa.Field, within: str) -> dict[str, Any]:
    return {"name": column.name, "type": _nullable(column.type, f"{within}.{column.name}"), "default": None}


def _nullable(kind: pa.DataType, path: str) -> list[Any]:
    return ["null", _type(kind, path)]


def _type(kind: pa.DataType, path: str) -> Any:
    if pa.types.is_struct(kind):
        # Within one schema no two records may have one name, so it is the path: all but its end is a namespace.
        return {"type": "record", "name": path, "fields": [_field(part, path) for part in kind]}
    if pa.types.is_list(kind):
        return {"type": "array", "items": _nullable(kind.value_type, path)}
    if pa.types.is_decimal(kind):
        return {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
    return _NAMES[str(kind)]


class AvroWriter:
    """Writes one file."""

    def __init__(self, path: Path, schema: pa.Schema):
        self._file = path.open("wb")
        self._writer = Writer(self._file, fastavro.parse_schema(avro_schema(schema)), codec="deflate")

    def write(self, table: pa.Table) -> None:
        """Adds rows."""
        for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            for row in batch.to_pylist():
                self._writer.write(row)

    def close(self) -> None:
        """Finishes the file."""
        if not self._file.closed:
            self._writer.flush()
            self._file.close()


open_writer = AvroWriter


def count_rows(file: IO[bytes]) -> int:
    """How many rows a file holds, by the headers of its blocks."""
    return sum(block.num_records for block in fastavro.block_reader(file))


def read_columns(file: IO[bytes], columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Reads some columns, the others passed over; see `FileFormat`."""
    try:
        # Of an adopted file the record is called otherwise, and only one of the same name is taken for the same.
        written: Any = fastavro.reader(file).writer_schema
        file.seek(0)
        # A reader's schema without the other fields makes no objects of them.
        wanted = {**avro_schema(columns), "name": written["name"]}
        rows = fastavro.reader(file, fastavro.parse_schema(wanted))
        for some in _chunks(rows):
            arrays = [pa.array([row[field.name] for row in some], field.type) for field in columns]
            yield pa.RecordBatch.from_arrays(arrays, names=columns.names)
    except SchemaResolutionError as error:
        raise ValueError(f"its columns have other types: {error}") from error


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(rows)
    while some := list(islice(left, _ROWS_AT_ONCE)):
        yield some
