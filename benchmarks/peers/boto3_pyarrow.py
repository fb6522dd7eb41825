"""boto3's client, `TypeDeserializer` and pyarrow, written by someone who knows the table and means it to be fast.

The schema is given in advance, nested values become JSON text, rows go to Parquet (zstd) in row groups while the scan
goes on, and the file is uploaded at the end.
"""

from __future__ import annotations

import json
import tempfile
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from boto3.dynamodb.types import Binary, TypeDeserializer

from benchmarks.peers.arguments import parse_arguments
from benchmarks.tables import TABLES, Kind

ROW_GROUP_ROWS = 10_000


def _plain(value: Any) -> Any:
    """What `json` cannot write by itself."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Binary):
        return b64encode(value.value).decode()  # pyright: ignore[reportAttributeAccessIssue]
    return sorted(value)


_encode = json.JSONEncoder(default=_plain, ensure_ascii=False).encode
_STRING: tuple[pa.DataType, Callable[[Any], Any] | None] = (pa.string(), None)
_COLUMNS: dict[Kind, tuple[pa.DataType, Callable[[Any], Any] | None]] = {
    "string": _STRING,
    "integer": (pa.int64(), int),
    "decimal": (pa.decimal128(38, 18), None),
    "boolean": (pa.bool_(), None),
    "binary": (pa.binary(), attrgetter("value")),
    "text": (pa.string(), str),
    "json": (pa.string(), _encode),
}


class Rows:
    """Rows, kept by column: where most columns of most rows are null, only the values cost something."""

    def __init__(self, columns: dict[str, Kind]):
        self.schema = pa.schema([(name, _COLUMNS[kind][0]) for name, kind in columns.items()])
        self.count = 0
        self._columns = {name: ([], _COLUMNS[kind][1]) for name, kind in columns.items()}
        self._deserialize = TypeDeserializer().deserialize

    def add(self, item: dict[str, Any]) -> None:
        for name, typed in item.items():
            value = self._deserialize(typed)
            values, convert = self._columns[name]
            if missing := self.count - len(values):
                values.extend([None] * missing)
            values.append(value if convert is None or value is None else convert(value))
        self.count += 1

    def take(self) -> pa.Table:
        arrays = []
        for (values, _), field in zip(self._columns.values(), self.schema, strict=True):
            values.extend([None] * (self.count - len(values)))
            arrays.append(pa.array(values, field.type))
            values.clear()
        self.count = 0
        return pa.table(arrays, schema=self.schema)


def main() -> None:
    options = parse_arguments()
    rows = Rows(dict(TABLES[options.table.rpartition("-")[0]].columns))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.parquet")
        with pq.ParquetWriter(path, rows.schema, compression="zstd") as writer:
            for page in boto3.client("dynamodb").get_paginator("scan").paginate(TableName=options.table):
                for item in page["Items"]:
                    rows.add(item)
                if rows.count >= ROW_GROUP_ROWS:
                    writer.write_table(rows.take())
            if rows.count:
                writer.write_table(rows.take())
        boto3.client("s3").upload_file(str(path), options.bucket, options.key)


if __name__ == "__main__":
    main()
