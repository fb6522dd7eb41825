"""What one file in S3 is: its format, its columns, its records, as the crawler's built-in classifiers see it.

Parquet and ORC are read from their footers, Avro from its header, JSON and CSV from a sample, gzip unpacked for the
last two. AWS's further formats (XML, Ion, logs) and compressions are refused: the crawl fails and names the file. So it
does for a file that is damaged, of which AWS would make a table of classification UNKNOWN or none at all.
"""

from __future__ import annotations

import codecs
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import orc

from dynamo_assets.errors import SandboxError
from dynamo_assets.export.s3_files import S3File
from dynamo_assets.sandbox.crawlers.avro_types import columns_of
from dynamo_assets.sandbox.crawlers.classifiers import CsvClassifier
from dynamo_assets.sandbox.crawlers.schema_merge import merge_columns
from dynamo_assets.sandbox.crawlers.text_inference import TextSchema, infer_text
from dynamo_assets.sandbox.glue_catalog.hive_types import from_arrow, parse

SAMPLE_BYTES = 1024 * 1024
SAMPLE_BYTES_MAX = 10 * SAMPLE_BYTES
"""Glue reads a megabyte of a text file, and on, megabyte by megabyte, where that holds no whole record."""

_GZIP_MAGIC = b"\x1f\x8b"
_OTHER_COMPRESSIONS = {
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xff\x06\x00\x00sNaPpY": "snappy",
    b"\xfd7zXZ": "xz",
}


@dataclass(frozen=True)
class FileSchema:
    """One file, classified.

    Attributes:
        classification: `parquet`, `orc`, `avro`, `json` or `csv`.
        compression: Of the file as a whole: `none` or `gzip`.
        columns: Names in lower case, as Glue has them, with their types.
        attributes: The columns' names as the file spells them.
        records: Counted where a footer or the whole text says so, else estimated from the sample.
        record_bytes: The size of all records, uncompressed where the file says so.
        parameters: What the catalog says of the format besides.
        avro_schema: An Avro file's own.
        serde: What a classifier says reads the file, where it says so.
    """

    classification: str
    compression: str
    columns: Mapping[str, pa.DataType]
    attributes: tuple[str, ...]
    records: int
    record_bytes: int
    parameters: Mapping[str, str] = field(default_factory=dict)
    avro_schema: Mapping[str, Any] = field(default_factory=dict)
    serde: str = ""

    @property
    def format(self) -> tuple[tuple[str, str], ...]:
        """What two files must share to be of one table."""
        return (
            ("classification", self.classification),
            ("compression", self.compression),
            *sorted(self.parameters.items()),
        )


def classify(s3: Any, bucket: str, key: str, size: int, classifiers: Sequence[CsvClassifier] = ()) -> FileSchema:
    """Reads as much of an object as tells what it is.

    Args:
        s3: A boto3 client.
        bucket: The object's bucket.
        key: The object's key.
        size: The object's size in bytes, more than 0.
        classifiers: Tried before the built-in ones.

    Raises:
        SandboxError: It is damaged, or of no format the sandbox reads; names the object.
        ClientError: S3 would not give it.
    """
    reader = S3File(s3, bucket, key, size)
    try:
        return _read(reader, size, classifiers)
    # fastavro and pyarrow raise whatever a damaged file happens to break.
    except (ValueError, KeyError, TypeError, IndexError, EOFError, OSError, zlib.error, pa.ArrowException) as error:
        raise SandboxError(f"s3://{bucket}/{key} cannot be classified: {_one_line(error)}") from error


def _read(reader: S3File, size: int, classifiers: Sequence[CsvClassifier]) -> FileSchema:
    head = reader.read(10)
    reader.seek(0)
    for magic, read in _BINARY_FORMATS.items():
        if head.startswith(magic):
            return read(reader, size)
    for magic, name in _OTHER_COMPRESSIONS.items():
        if head.startswith(magic):
            raise ValueError(f"it is compressed with {name}, which the sandbox does not read")
    return _read_text(reader, size, classifiers, gzipped=head.startswith(_GZIP_MAGIC))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _hive_columns(schema: Mapping[str, pa.DataType]) -> dict[str, pa.DataType]:
    """The columns as Hive can hold them, in lower case; two that then have one name become one."""
    columns = []
    for name, data_type in schema.items():
        try:
            columns.append({name.lower(): data_type if data_type == pa.null() else parse(from_arrow(data_type))})
        except ValueError as error:
            raise ValueError(f"column {name!r}: {error}") from error
    return merge_columns(columns)


def _of_arrow(classification: str, schema: pa.Schema, records: int, record_bytes: int) -> FileSchema:
    columns = _hive_columns({column.name: column.type for column in schema})
    return FileSchema(classification, "none", columns, tuple(schema.names), records, record_bytes)


def _read_parquet(reader: S3File, _size: int) -> FileSchema:
    metadata = pq.read_metadata(reader)
    record_bytes = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    return _of_arrow("parquet", metadata.schema.to_arrow_schema(), metadata.num_rows, record_bytes)


def _read_orc(reader: S3File, size: int) -> FileSchema:
    file = orc.ORCFile(reader)
    return _of_arrow("orc", file.schema, file.nrows, size)


def _read_avro(reader: S3File, size: int) -> FileSchema:
    blocks = fastavro.block_reader(io.BufferedReader(reader, SAMPLE_BYTES))
    schema: Any = blocks.writer_schema
    attributes = columns_of(schema)
    records = sum(block.num_records for block in blocks)
    return FileSchema("avro", "none", _hive_columns(attributes), tuple(attributes), records, size, avro_schema=schema)


_BINARY_FORMATS: dict[bytes, Callable[[S3File, int], FileSchema]] = {
    b"PAR1": _read_parquet,
    b"ORC": _read_orc,
    b"Obj\x01": _read_avro,
}


class _Text:
    """The text of a file, decoded as its bytes arrive."""

    def __init__(self, *, gzipped: bool):
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._gunzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if gzipped else None
        self.value = ""
        self.bytes = 0

    def add(self, raw: bytes, *, last: bool) -> None:
        data = self._unpack(raw) if self._gunzip else raw
        if last and self._gunzip and not self._gunzip.eof:
            raise ValueError("its gzip stream is cut off")
        self.bytes += len(data)
        self.value += self._decode(data, last)

    def _unpack(self, raw: bytes) -> bytes:
        data = b""
        while raw:
            assert self._gunzip is not None
            if self._gunzip.eof:  # gzip files may be concatenated
                self._gunzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            data += self._gunzip.decompress(raw)
            raw = self._gunzip.unused_data
        return data


def _read_text(reader: S3File, size: int, classifiers: Sequence[CsvClassifier], *, gzipped: bool) -> FileSchema:
    text, taken = _Text(gzipped=gzipped), 0
    inferred: TextSchema | None = None
    while inferred is None and taken < size and text.bytes < SAMPLE_BYTES_MAX:
        raw = reader.read(min(SAMPLE_BYTES, size - taken))
        taken += len(raw)
        text.add(raw, last=taken == size)
        inferred = infer_text(text.value, complete=taken == size, classifiers=classifiers)
    if inferred is None:
        raise ValueError("it is none of parquet, orc, avro, json (objects) and csv (at least two columns and two rows)")
    return FileSchema(
        classification=inferred.classification,
        compression="gzip" if gzipped else "none",
        columns=_hive_columns(inferred.columns),
        attributes=tuple(inferred.columns),
        records=round(inferred.records * size / taken),
        record_bytes=round(text.bytes * size / taken),
        parameters=inferred.parameters,
        serde=inferred.serde,
    )
