"""One file of an old snapshot, looked at once: its format, rows, columns and checksum."""

from __future__ import annotations

import hashlib
import io
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError
from pyarrow import orc

from dynamo_assets.adoption.avro_schema import arrow_schema
from dynamo_assets.adoption.old_folders import OldFile
from dynamo_assets.adoption.text_columns import CsvLook, JsonLook
from dynamo_assets.aws.cancellation import pause
from dynamo_assets.errors import AdoptionError
from dynamo_assets.export.data_file import DAMAGED
from dynamo_assets.export.formats.packed_text import line_blocks, packed_as
from dynamo_assets.export.manifest import ManifestFile
from dynamo_assets.export.s3_files import S3File
from dynamo_assets.verification.folders import ROWS_IN_FOOTER

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MAGIC = {b"PAR1": "parquet", b"ORC": "orc", b"Obj\x01": "avro"}
_BLOCK_BYTES = 8 * 1024 * 1024
_PACKED = (".gz", ".bz2", ".snappy", ".deflate", ".lz4", ".zst")
# What S3 answers where an object is not the one any more that was listed.
_CHANGED = {"PreconditionFailed", "412", "NoSuchKey", "404"}


@dataclass(frozen=True)
class Looked:
    """What a file is.

    Attributes:
        file: As the manifest is to name it.
        format: Its format.
        schema: The columns of a format that has types.
        avro: Avro's own schema, as it stands in the file.
        csv: What the lines of CSV are.
        json: What the lines of JSON hold.
    """

    file: ManifestFile
    format: str
    schema: pa.Schema | None = None
    avro: str = ""
    csv: CsvLook | None = None
    json: JsonLook | None = None


def look(s3: S3Client, bucket: str, old: OldFile, *, checksum: bool = True) -> Looked:
    """Looks at a file. Of Parquet and ORC only the footer is fetched where nothing else is wanted of the content.

    Args:
        s3: Where it lies.
        bucket: Its bucket.
        old: The file.
        checksum: Whether its SHA-256 is wanted: S3's own where it has one, otherwise the file is read.

    Raises:
        AdoptionError: Nothing can be made of it; names it.
    """
    pause(0)  # a run that is stopped ends between two files
    try:
        kept = s3.head_object(Bucket=bucket, Key=old.key, ChecksumMode="ENABLED").get("ChecksumSHA256", "")
        # Of an object that was uploaded in parts S3 has only the checksum of the parts' checksums.
        sha256 = b64decode(kept).hex() if kept and "-" not in kept else ""
        if sha256 or not checksum:
            with io.BufferedReader(S3File(s3, bucket, old.key, old.size)) as remote:
                if (found := _format_of(remote)) in ROWS_IN_FOOTER:
                    return _looked(remote, found, old, sha256, kept)
        with _fetched(s3, bucket, old) as (local, content):
            return _looked(local, _format_of(local) or _format_of_text(local, old), old, content, kept)
    except AdoptionError as error:
        raise AdoptionError(f"s3://{bucket}/{old.key}: {error}") from error
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _CHANGED:
            raise
        raise AdoptionError(f"s3://{bucket}/{old.key}: it was changed at this moment; is its run at work?") from error
    except DAMAGED as error:
        raise AdoptionError(f"s3://{bucket}/{old.key}: it is damaged, or cut short: {error}") from error


@contextmanager
def _fetched(s3: S3Client, bucket: str, old: OldFile) -> Iterator[tuple[IO[bytes], str]]:
    """A copy of a file for as long as the body lasts, and its SHA-256: it is fetched once, and memory stays small."""
    content = hashlib.sha256()
    with tempfile.TemporaryFile(prefix="dynamo-assets-adoption-") as copy:
        for block in s3.get_object(Bucket=bucket, Key=old.key, IfMatch=old.etag)["Body"].iter_chunks(_BLOCK_BYTES):
            pause(0)
            content.update(block)
            copy.write(block)
        copy.seek(0)
        yield copy, content.hexdigest()


def _format_of(file: IO[bytes]) -> str:
    """A format that its files begin with; empty where it is text."""
    beginning = file.read(4)
    file.seek(0)
    return next((name for magic, name in _MAGIC.items() if beginning.startswith(magic)), "")


def _format_of_text(file: IO[bytes], old: OldFile) -> str:
    """CSV or JSON.

    Raises:
        AdoptionError: Athena would not unpack it, or it is XML.
    """
    packed, suffix = packed_as(file), f".{old.key.rsplit('.', 1)[-1]}"
    if packed != (suffix if suffix in _PACKED else ""):
        told = f"packed as {packed}" if packed else "packed with neither gzip nor bzip2"
        raise AdoptionError(f"it is {told}, and its name says otherwise: Athena goes by the name")
    beginning = next(line_blocks(file), b"").lstrip()
    file.seek(0)
    if beginning.startswith(b"<"):
        raise AdoptionError("it is XML, which Athena cannot read")
    return "json" if beginning.startswith(b"{") else "csv"


def _looked(file: IO[bytes], format: str, old: OldFile, sha256: str, kept: str) -> Looked:
    csv, json, schema, avro = None, None, None, ""
    if format == "parquet":
        parquet = pq.ParquetFile(file)
        rows, schema = parquet.metadata.num_rows, parquet.schema_arrow
    elif format == "orc":
        whole = orc.ORCFile(file)
        rows, schema = whole.nrows, whole.schema
    elif format == "avro":
        blocks = fastavro.block_reader(file)
        # As it stands in the file: what fastavro makes of it has marks of its own.
        avro = blocks.metadata["avro.schema"]
        schema = arrow_schema(blocks.writer_schema)  # pyright: ignore[reportArgumentType]
        rows = sum(block.num_records for block in blocks)
    elif format == "json":
        json = JsonLook()
        for lines in line_blocks(file):
            json.add(lines.splitlines())
        rows = json.rows
    else:
        csv = CsvLook()
        for lines in line_blocks(file):
            csv.add(lines.removesuffix(b"\n").split(b"\n"))
        rows = csv.rows
    named = ManifestFile(old.key, rows, old.size, sha256, checksum=kept, etag="" if kept else old.etag)
    return Looked(named, format, schema, avro, csv, json)
