"""How many rows a snapshot's files hold, told from the files as they lie in S3 now."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

import pyarrow as pa
from botocore.exceptions import ClientError

from dynamo_assets.errors import ManifestError
from dynamo_assets.export.formats import file_format
from dynamo_assets.export.s3_files import S3File

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def rows_in_file(s3: S3Client, bucket: str, key: str, format: str) -> int:
    """How many rows a data file holds: by its footer where the format has one, else by reading it.

    Args:
        s3: Where it lies.
        bucket: Its bucket.
        key: Its key.
        format: A request's `format`.

    Raises:
        ManifestError: The object does not exist, or is no file of the format, or is cut short.
    """
    try:
        size = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
        with io.BufferedReader(S3File(s3, bucket, key, size)) as file:
            return file_format(format).count_rows(file)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in {"404", "NoSuchKey"}:
            raise
        raise ManifestError(f"s3://{bucket}/{key}: the manifest names this file, and it does not exist") from error
    # fastavro raises whatever a damaged file happens to break.
    except (ValueError, OSError, EOFError, KeyError, TypeError, IndexError, zlib.error, pa.ArrowException) as error:
        raise ManifestError(f"s3://{bucket}/{key}: not a complete {format} file: {error}") from error
