"""Batches to Parquet files in S3: streamed through a temporary file, of a target size, in bounded memory."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from dynamo_assets.export.convert import widen
from dynamo_assets.export.decode import Batch
from dynamo_assets.export.manifest import ManifestFile
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A row group is held in memory until it is written. Rows and bytes are not enough to bound it: in a wide, sparse table
# it is the nulls that weigh.
ROW_GROUP_ROWS = 100_000
ROW_GROUP_BYTES = 32 * 1024 * 1024
ROW_GROUP_CELLS = 4_000_000


@dataclass(frozen=True)
class DataFile:
    """A finished file and the schema that it was written with."""

    file: ManifestFile
    schema: TableSchema


class FileWriter:
    """Writes batches one after another, into as few files as the target size and the schema's growth allow.

    Use it as a context manager: leaving it by an exception removes what is not uploaded yet.

    Args:
        s3: Where files go.
        request: Bucket, target size, and the options that types follow from.
        stem: What the keys begin with; a number and the format's suffix follow.
        schema: The schema of every file; otherwise that of the newest batch when a file is opened.
    """

    def __init__(self, s3: S3Client, request: ExportRequest, stem: str, schema: TableSchema | None = None):
        self.files: list[DataFile] = []
        self._s3 = s3
        self._request = request
        self._stem = stem
        self._schema = schema
        self._pending: list[Batch] = []
        self._pending_rows = self._pending_bytes = 0
        self._open: _ParquetFile | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="dynamo-assets-export-")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            self._open.writer.close()
        self._folder.cleanup()

    def write(self, batch: Batch) -> None:
        """Adds rows; batches must come in the order in which their schemas grew."""
        self._pending.append(batch)
        self._pending_rows += batch.rows
        self._pending_bytes += sum(array.nbytes for array in batch.arrays.values())
        if (
            self._pending_rows >= ROW_GROUP_ROWS
            or self._pending_bytes >= ROW_GROUP_BYTES
            or self._pending_rows * len(batch.schema.columns) >= ROW_GROUP_CELLS
        ):
            self._flush()

    def finish(self) -> list[DataFile]:
        """Writes and uploads what is left; returns all files."""
        self._flush()
        self._close()
        return self.files

    def _flush(self) -> None:
        if not self._pending:
            return
        schema = self._schema or self._pending[-1].schema
        if self._open is not None and not self._open.schema.same_columns(schema):
            self._close()
        if self._open is None:
            self._open = _ParquetFile(Path(self._folder.name, f"{len(self.files)}.parquet"), schema)
        # The newest facts tell most about the rows: a field known to be NULL only may be known as S by now.
        self._open.schema = schema
        table = _table(self._pending, schema, self._request)
        self._pending, self._pending_rows, self._pending_bytes = [], 0, 0
        self._open.write(table)
        if self._open.path.stat().st_size >= self._request.target_file_bytes:
            self._close()

    def _close(self) -> None:
        if self._open is None:
            return
        done, self._open = self._open, None
        done.writer.close()
        key = f"{self._stem}-{len(self.files):04d}.parquet"
        self.files.append(DataFile(upload(self._s3, self._request.bucket, key, done.path, done.rows), done.schema))
        done.path.unlink()


class _ParquetFile:
    def __init__(self, path: Path, schema: TableSchema):
        self.path = path
        self.schema = schema
        self.rows = 0
        self.writer: Any = pq.ParquetWriter(
            path, schema.arrow, compression="zstd", write_statistics=True, write_page_index=True
        )

    def write(self, table: pa.Table) -> None:
        self.writer.write_table(table, row_group_size=max(1, table.num_rows))
        self.rows += table.num_rows


def _table(batches: list[Batch], schema: TableSchema, request: ExportRequest) -> pa.Table:
    columns = []
    for attribute, column in schema.columns.items():
        chunks = []
        for batch in batches:
            array = batch.arrays.get(attribute)
            if array is None:
                chunks.append(pa.nulls(batch.rows, column.type))
            else:
                narrow = batch.schema.columns[attribute]
                chunks.append(array if narrow is column else widen(array, narrow, column, request))
        columns.append(pa.chunked_array(chunks, column.type))
    return pa.table(columns, schema=schema.arrow)


def upload(s3: S3Client, bucket: str, key: str, path: Path, rows: int) -> ManifestFile:
    """Puts one finished file where it belongs.

    Args:
        s3: Uploads in parts where the file is large.
        bucket: The bucket.
        key: The object's key.
        path: The local file.
        rows: How many rows it has.
    """
    with path.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    s3.upload_file(str(path), bucket, key)
    return ManifestFile(key=key, rows=rows, bytes=path.stat().st_size, sha256=sha256)


def _read(path: Path, schema: TableSchema) -> Iterator[Batch]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=20_000):
            yield Batch(batch.num_rows, dict(zip(schema.columns, batch.columns, strict=True)), schema)


def write_empty(s3: S3Client, request: ExportRequest, stem: str, schema: TableSchema) -> DataFile:
    """A file with columns and no rows: the snapshot of an empty table."""
    with tempfile.TemporaryDirectory(prefix="dynamo-assets-export-") as folder:
        path = Path(folder, "empty.parquet")
        pq.write_table(schema.arrow.empty_table(), path, compression="zstd")
        return DataFile(upload(s3, request.bucket, f"{stem}-0000.parquet", path, 0), schema)


def rewrite(s3: S3Client, request: ExportRequest, narrow: DataFile, wide: TableSchema, stem: str) -> list[DataFile]:
    """Writes a file again with the wider types of its snapshot. The old one stays.

    Args:
        s3: Where the file is read from and written to.
        request: The export's options.
        narrow: The file as it is.
        wide: The snapshot's schema; only the columns that the file has are written.
        stem: What the new keys begin with.
    """
    schema = TableSchema({attribute: wide.columns[attribute] for attribute in narrow.schema.columns})
    with tempfile.TemporaryDirectory(prefix="dynamo-assets-export-") as folder:
        path = Path(folder, "narrow.parquet")
        s3.download_file(request.bucket, narrow.file.key, str(path))
        with FileWriter(s3, request, stem, schema) as writer:
            for batch in _read(path, narrow.schema):
                writer.write(batch)
            return writer.finish()
