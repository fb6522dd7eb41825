"""Batches to data files in S3: streamed through a temporary file, of a target size, in bounded memory."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.parquet as pq
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import FlexibleChecksumError

from dynamo_assets.errors import ExportError
from dynamo_assets.export.decoding import Batch
from dynamo_assets.export.decoding.convert import widen
from dynamo_assets.export.formats import Writer, file_format
from dynamo_assets.export.manifest import ManifestFile
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema
from dynamo_assets.export.spool import Spool

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Rows are held in memory until they are a row group. Rows and bytes are not enough to bound it: in a wide, sparse table
# it is the nulls that weigh.
ROW_GROUP_ROWS = 100_000
ROW_GROUP_BYTES = 16 * 1024 * 1024
ROW_GROUP_CELLS = 4_000_000
COPY_ROWS = 20_000
DOWNLOAD_ATTEMPTS = 5


@dataclass(frozen=True)
class DataFile:
    """A finished file and the schema that it was written with."""

    file: ManifestFile
    schema: TableSchema


@dataclass
class _OpenFile:
    path: Path
    schema: TableSchema
    writer: Writer
    rows: int = 0


class FileWriter:
    """Writes batches one after another, into as few files as the target size and the schema's growth allow.

    Use it as a context manager: leaving it by an exception removes what is not uploaded yet.

    Args:
        s3: Where files go.
        request: Bucket, target size, and the options that types follow from.
        stem: What the keys begin with; a number and the format's suffix follow.
        format: The format of the files.
        schema: The schema of every file; otherwise that of the newest batch when a file is opened.
    """

    def __init__(self, s3: S3Client, request: ExportRequest, stem: str, format: str, schema: TableSchema | None = None):
        self.files: list[DataFile] = []
        self._s3 = s3
        self._request = request
        self._stem = stem
        self._format = file_format(format)
        self._schema = schema
        self._newest = schema or TableSchema({})
        self._pending: list[Batch] = []
        self._pending_rows = self._pending_bytes = 0
        self._open: _OpenFile | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="dynamo-assets-export-")
        self._spool = Spool(Path(self._folder.name))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            self._open.writer.close()
        self._folder.cleanup()

    def write(self, batch: Batch) -> None:
        """Adds rows; batches must come in the order in which their schemas grew."""
        self._newest = batch.schema
        if self._schema is None and self._spool.wants(batch):
            self._spool.add(batch)
            if self._spool.is_full:
                self._unspool()
        else:
            self._unspool()
            self._hold(batch)

    def finish(self) -> list[DataFile]:
        """Writes and uploads what is left; returns all files."""
        self._unspool()
        self._flush()
        self._close()
        return self.files

    def _unspool(self) -> None:
        for batch in self._spool.take():
            self._hold(batch)

    def _hold(self, batch: Batch) -> None:
        """Keeps rows in memory until they are a row group."""
        self._pending.append(batch)
        self._pending_rows += batch.rows
        self._pending_bytes += sum(array.nbytes for array in batch.arrays.values())
        if (
            self._pending_rows >= ROW_GROUP_ROWS
            or self._pending_bytes >= ROW_GROUP_BYTES
            or self._pending_rows * len(self._newest.columns) >= ROW_GROUP_CELLS
        ):
            self._flush()

    def write_empty(self, schema: TableSchema) -> list[DataFile]:
        """A file with columns and no rows: the snapshot of an empty table."""
        self._open = self._begin(schema)
        return self.finish()

    def _begin(self, schema: TableSchema) -> _OpenFile:
        path = Path(self._folder.name, str(len(self.files)))
        return _OpenFile(path, schema, self._format.open_writer(path, schema.arrow))

    def _flush(self) -> None:
        if not self._pending:
            return
        schema = self._schema or self._newest
        if self._open is not None and not self._open.schema.same_columns(schema):
            self._close()
        if self._open is None:
            self._open = self._begin(schema)
        # The newest facts tell most about the rows: a field known to be NULL only may be known as S by now.
        self._open.schema = schema
        table = _table(self._pending, schema, self._request)
        self._pending, self._pending_rows, self._pending_bytes = [], 0, 0
        self._open.writer.write(table)
        self._open.rows += table.num_rows
        if self._open.path.stat().st_size >= self._request.target_file_bytes:
            self._close()

    def _close(self) -> None:
        if self._open is None:
            return
        done, self._open = self._open, None
        done.writer.close()
        key = f"{self._stem}-{len(self.files):04d}{self._format.SUFFIX}"
        try:
            file = upload(self._s3, self._request.bucket, key, done.path, done.rows)
        except S3UploadFailedError as error:
            raise ExportError(f"table {self._request.table}: {error}") from error
        self.files.append(DataFile(file, done.schema))
        done.path.unlink()


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
    sha256 = _sha256(path)
    # S3 compares this with what arrives, and keeps it (user guide, "Checking object integrity").
    s3.upload_file(str(path), bucket, key, ExtraArgs={"ChecksumAlgorithm": "SHA256"})
    kept = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED").get("ChecksumSHA256", "")
    return ManifestFile(key=key, rows=rows, bytes=path.stat().st_size, sha256=sha256, checksum=kept)


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def fetch(s3: S3Client, bucket: str, file: ManifestFile, path: Path) -> bool:
    """Fetches a data file; whether it is the one that its manifest names, on any of several tries.

    Args:
        s3: Where it lies.
        bucket: Its bucket.
        file: What the manifest says of it.
        path: Where it goes.
    """
    for _ in range(DOWNLOAD_ATTEMPTS):
        try:
            s3.download_file(bucket, file.key, str(path))
        except FlexibleChecksumError:
            continue
        # S3 gives no checksum of a part, and a large file is fetched in parts.
        if _sha256(path) == file.sha256:
            return True
    return False


def _download(s3: S3Client, bucket: str, file: ManifestFile, path: Path) -> None:
    if not fetch(s3, bucket, file, path):
        raise ExportError(
            f"s3://{bucket}/{file.key} is not what this export wrote there, each time that it was fetched"
        )


def copy_rows(s3: S3Client, bucket: str, source: DataFile, writer: FileWriter) -> None:
    """Reads a file that a unit wrote and gives its rows to a writer of the snapshot's own schema.

    Args:
        s3: Where the file is.
        bucket: Its bucket.
        source: The file.
        writer: Made with a schema, of which the file's is a narrower form.

    Raises:
        ExportError: It cannot be fetched as it was written.
    """
    with tempfile.TemporaryDirectory(prefix="dynamo-assets-export-") as folder:
        path = Path(folder, "unit.parquet")
        _download(s3, bucket, source.file, path)
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=COPY_ROWS):
                columns = zip(source.schema.columns, batch.columns, strict=True)
                writer.write(Batch(batch.num_rows, dict(columns), source.schema))
