"""A data file of a snapshot, opened as it lies in S3 now; what is not there, or is no file of its format, is named."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.errors import ManifestError
from dynamo_assets.export.s3_files import S3File

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = {"404", "NoSuchKey"}
# fastavro raises whatever a damaged file happens to break.
DAMAGED = (ValueError, OSError, EOFError, KeyError, TypeError, IndexError, zlib.error, pa.ArrowException)


@contextmanager
def opened(s3: S3Client, bucket: str, key: str, format: str, *, ahead: int | None = None) -> Iterator[S3File]:
    """A data file for the body to read. What goes wrong there is taken for the file's fault.

    Args:
        s3: Where it lies.
        bucket: Its bucket.
        key: Its key.
        format: A request's `format`.
        ahead: See `S3File`.

    Raises:
        ManifestError: The object does not exist, or is no file of the format, or is cut short.
        ClientError, BotoCoreError: S3 did not answer, or would not give it; that is not the file's fault.
    """
    file = None
    try:
        size = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
        with S3File(s3, bucket, key, size, ahead) as file:
            yield file
    except (ClientError, BotoCoreError, *DAMAGED) as error:
        # Arrow's ORC reader makes an error of its own of what S3 says, as if the file were to blame.
        cause = (file and file.failure) or error
        if isinstance(cause, ClientError) and cause.response.get("Error", {}).get("Code") in _GONE:
            raise ManifestError(f"s3://{bucket}/{key}: the manifest names this file, and it does not exist") from error
        if isinstance(cause, ClientError | BotoCoreError):
            raise cause from None
        raise ManifestError(f"s3://{bucket}/{key}: not a complete {format} file: {error}") from error
