"""Snapshots in S3 as the pipeline of 2019 left them: names, marks and contents as its writers make them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import orc

UUID = "3f0d8a52-1d1e-4f63-9d0b-2f6f0b8f4f10"
Rows = Sequence[Mapping[str, Any]]


def parquet(rows: Rows, schema: pa.Schema) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema), buffer, compression="snappy")
    return buffer.getvalue()


def orc_file(rows: Rows, schema: pa.Schema) -> bytes:
    buffer = io.BytesIO()
    orc.write_table(pa.Table.from_pylist(list(rows), schema), buffer, compression="snappy")
    return buffer.getvalue()


def avro(rows: Rows, fields: Sequence[Mapping[str, Any]]) -> bytes:
    schema = {"type": "record", "name": "topLevelRecord", "fields": fields}
    buffer = io.BytesIO()
    fastavro.writer(buffer, fastavro.parse_schema(schema), rows, codec="deflate")
    return buffer.getvalue()


def json_lines(rows: Rows) -> bytes:
    def line(row: Mapping[str, Any]) -> str:
        text = json.dumps({key: value for key, value in row.items() if value is not None}, separators=(",", ":"))
        return text + "\n"

    return "".join(map(line, rows)).encode()


def csv_lines(header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """As Spark's writer does: quotes where they are needed, quotes within escaped with a backslash."""

    def cell(value: object) -> str:
        text = "" if value is None else str(value)
        if any(each in text for each in ',"'):
            return '"' + text.replace('"', '\\"') + '"'
        return text

    return "".join(",".join(map(cell, row)) + "\n" for row in [header, *rows]).encode()


class OriginalSnapshots:
    """What lies below one output prefix."""

    def __init__(self, s3: Any, bucket: str, prefix: str):
        self._s3, self.bucket, self.prefix = s3, bucket, prefix

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}/"

    def add(self, minute: str, files: Mapping[str, bytes], *, success: bool = False, **options: str) -> str:
        """A snapshot of one minute, its files put with options of S3's; returns its folder's key."""
        folder = f"{self.prefix}/snapshot_timestamp={minute}/"
        for name, body in files.items():
            self._s3.put_object(Bucket=self.bucket, Key=folder + name, Body=body, **options)
        self._s3.put_object(Bucket=self.bucket, Key=f"{folder.rstrip('/')}_$folder$", Body=b"")
        if success:
            self._s3.put_object(Bucket=self.bucket, Key=f"{folder}_SUCCESS", Body=b"")
        return folder

    def objects(self) -> dict[str, str]:
        """Everything below the prefix, with entity tags."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=f"{self.prefix}/")
        return {entry["Key"]: entry["ETag"] for page in pages for entry in page.get("Contents", [])}
