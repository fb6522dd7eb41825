"""The manifests of a native export: what DynamoDB says it wrote, verified before anything of it is used.

    <prefix>/AWSDynamoDB/<ExportId>/manifest-summary.json, .md5
    <prefix>/AWSDynamoDB/<ExportId>/manifest-files.json, .md5           JSON lines: a data file in each

The guide ("DynamoDB table export output format") calls the checksum files `.checksum`; listings of real exports show
`.md5`, which is what AWS's own loader reads (awslabs/amazon-dynamodb-tools). Either is taken here.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec
from botocore.exceptions import ClientError

from dynamo_assets.errors import IntegrityError
from dynamo_assets.export.s3_files import read_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

CHECKSUM_SUFFIXES = (".md5", ".checksum")
_MISSING = {"NoSuchKey", "NoSuchBucket", "404"}


@dataclass(frozen=True)
class ExportedFile:
    """One data file: its key, how many lines it has, and its MD5 in base64, as the manifest says."""

    key: str
    items: int
    md5: str


@dataclass(frozen=True)
class NativeExport:
    """One completed native export.

    Attributes:
        arn: The export's ARN.
        table_arn: The table's ARN.
        until: The instant whose state it holds, or up to which an incremental one holds changes.
        since: From when on it holds changes; None for a full export.
        view: Which images an incremental one has: `NEW_IMAGE` or `NEW_AND_OLD_IMAGES`; empty for a full export.
        items: How many lines all files have.
        billed_bytes: The size that DynamoDB bills.
        files: All data files, those without a line included.
    """

    arn: str
    table_arn: str
    until: datetime
    since: datetime | None
    view: str
    items: int
    billed_bytes: int
    files: tuple[ExportedFile, ...]


class _Summary(msgspec.Struct, rename="camel"):
    export_arn: str
    table_arn: str
    manifest_files_s3_key: str
    output_format: str
    item_count: int
    billed_size_bytes: int = 0
    export_time: datetime | None = None
    export_from_time: datetime | None = None
    export_to_time: datetime | None = None
    output_view: str = ""


class _File(msgspec.Struct, rename="camel"):
    item_count: int
    md5_checksum: str
    data_file_s3_key: str


def read_native_export(s3: S3Client, bucket: str, summary_key: str) -> NativeExport:
    """Reads and verifies both manifests of an export.

    Args:
        s3: Where it lies.
        bucket: Its bucket.
        summary_key: The key of its `manifest-summary.json`, which DescribeExport gives as `ExportManifest`.

    Raises:
        IntegrityError: A manifest is missing, is not what its checksum says, or the two do not agree.
    """
    summary = _decode(_verified(s3, bucket, summary_key), _Summary, f"s3://{bucket}/{summary_key}")
    files_key = summary.manifest_files_s3_key
    lines = _verified(s3, bucket, files_key).splitlines()
    entries = [_decode(line, _File, f"s3://{bucket}/{files_key}") for line in lines if line.strip()]
    if summary.output_format != "DYNAMODB_JSON":
        raise IntegrityError(
            f"s3://{bucket}/{summary_key}: the export is in {summary.output_format}, not DYNAMODB_JSON"
        )
    if (counted := sum(entry.item_count for entry in entries)) != summary.item_count:
        raise IntegrityError(
            f"s3://{bucket}/{files_key}: its files have {counted} items, and s3://{bucket}/{summary_key} says "
            f"{summary.item_count}; export that instant again"
        )
    if len({entry.data_file_s3_key for entry in entries}) != len(entries):
        raise IntegrityError(f"s3://{bucket}/{files_key} names a file twice; export that instant again")
    until = summary.export_time or summary.export_to_time
    if until is None:
        raise IntegrityError(f"s3://{bucket}/{summary_key} does not say which instant was exported")
    return NativeExport(
        arn=summary.export_arn,
        table_arn=summary.table_arn,
        until=until,
        since=summary.export_from_time,
        view=summary.output_view,
        items=summary.item_count,
        billed_bytes=summary.billed_size_bytes,
        files=tuple(ExportedFile(entry.data_file_s3_key, entry.item_count, entry.md5_checksum) for entry in entries),
    )


def md5_base64(content: bytes) -> str:
    """A checksum as the manifests have it."""
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def _verified(s3: S3Client, bucket: str, key: str) -> bytes:
    content = _read(s3, bucket, key)
    if content is None:
        raise IntegrityError(f"s3://{bucket}/{key} is missing: the export is not complete, or was removed in part")
    for suffix in CHECKSUM_SUFFIXES:
        checksum = _read(s3, bucket, key.removesuffix(".json") + suffix)
        if checksum is not None:
            break
    else:
        raise IntegrityError(f"s3://{bucket}/{key} has no checksum file beside it, so it cannot be trusted")
    if md5_base64(content) != checksum.decode(errors="replace").strip():
        raise IntegrityError(f"s3://{bucket}/{key} is not what its checksum says; export that instant again")
    return content


def _read(s3: S3Client, bucket: str, key: str) -> bytes | None:
    try:
        return read_object(s3, bucket, key)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _MISSING:
            raise
        return None


def _decode(text: bytes, kind: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise IntegrityError(f"{where} is no manifest of a native export: {error}") from error
