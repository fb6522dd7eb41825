"""The key columns of a snapshot's files: which they are, and their values as they are stored."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from dynamo_assets.errors import ManifestError
from dynamo_assets.export.data_file import opened
from dynamo_assets.export.formats import readable_format
from dynamo_assets.export.manifest import Manifest, ManifestFile
from dynamo_assets.export.request import DECIMAL

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AHEAD_BYTES = {"parquet": 0, "orc": 64 * 1024}
"""How much at least a request fetches, where a format's files are not read from one end to the other. Of ORC each of a
stripe's streams is read by itself, and the key columns' lie side by side as a rule."""
STREAM_BYTES = 8 * 1024 * 1024
BUFFER_BYTES = 64 * 1024
_TYPES = {"string": pa.string(), "int": pa.int32(), "bigint": pa.int64(), "double": pa.float64(), "binary": pa.binary()}


@dataclass(frozen=True)
class KeyColumns:
    """The key columns of a snapshot.

    Attributes:
        attributes: The key attributes, the partition key first.
        schema: Their columns' names in the files, and their types, in the same order.
        lossy: The attributes whose values lost digits in a conversion that the table's settings asked for.
    """

    attributes: tuple[str, ...]
    schema: pa.Schema
    lossy: tuple[str, ...]

    @classmethod
    def of(cls, manifest: Manifest) -> KeyColumns | None:
        """What a manifest says of them; None where it does not name the key attributes, as those of old do not.

        Raises:
            ManifestError: It names an attribute that has no column, or one of a type that no key has.
        """
        if not manifest.keys:
            return None
        columns = {column.attribute: column for column in manifest.columns}
        fields = []
        for attribute in manifest.keys:
            column = columns.get(attribute)
            kind = column and _arrow_type(column.type)
            if column is None or kind is None:
                raise ManifestError(
                    f"table {manifest.table}: the manifest of snapshot {manifest.snapshot_timestamp} has "
                    f"{'no column' if column is None else f'a column of type {column.type}'} for the key attribute "
                    f"{attribute!r}"
                )
            fields.append((column.file_name, kind))
        lossy = tuple(attribute for attribute in manifest.keys if columns[attribute].lossy)
        return cls(tuple(manifest.keys), pa.schema(fields), lossy)


def _arrow_type(athena: str) -> pa.DataType | None:
    if match := DECIMAL.fullmatch(athena):
        return pa.decimal128(int(match[1]), int(match[2]))
    return _TYPES.get(athena)


class KeyReader:
    """Reads the key columns of one file.

    Args:
        s3: Where it lies.
        bucket: Its bucket.
        format: A manifest's `file_format`.
        columns: The key columns.

    Attributes:
        fetched_bytes: How much of the file was fetched, once it is read.
    """

    def __init__(self, s3: S3Client, bucket: str, format: str, columns: KeyColumns):
        self._s3, self._bucket, self._format = s3, bucket, format
        self._schema = columns.schema
        self.fetched_bytes = 0

    def batches(self, file: ManifestFile) -> Iterator[pa.RecordBatch]:
        """The key columns of all rows, some rows at a time.

        Raises:
            ManifestError: The file is not there, is no file of its format, or is cut short; or a key column of it has
                another type than the manifest says, so that its values cannot be told from those of other files.
        """
        ahead = AHEAD_BYTES.get(self._format, STREAM_BYTES)
        with opened(self._s3, self._bucket, file.key, self._format, ahead=ahead) as raw:
            stream = raw if self._format in AHEAD_BYTES else io.BufferedReader(raw, BUFFER_BYTES)
            for batch in readable_format(self._format).read_columns(stream, self._schema):  # pyright: ignore[reportArgumentType]
                self._require_types(file, batch)
                yield batch
            self.fetched_bytes += raw.fetched_bytes

    def _require_types(self, file: ManifestFile, batch: pa.RecordBatch) -> None:
        for expected, found in zip(self._schema, batch.schema, strict=True):
            if found.type != expected.type:
                raise ManifestError(
                    f"s3://{self._bucket}/{file.key}: column {expected.name} is of type {found.type}, and by the "
                    f"manifest it is {expected.type}"
                )
