"""What a data file says of itself, read from its footer without reading its data."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from dynamo_assets.errors import ManifestError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TAIL_BYTES = 64 * 1024
_TRAILER_BYTES = 8  # the footer's length in four bytes, then "PAR1"


def parquet_rows(s3: S3Client, bucket: str, key: str) -> int:
    """How many rows a Parquet file in S3 holds, by its footer.

    Raises:
        ManifestError: The object does not exist or is no Parquet file.
    """
    try:
        tail = _tail(s3, bucket, key, _TAIL_BYTES)
        (footer_bytes,) = struct.unpack("<I", tail[-_TRAILER_BYTES:-4])
        if footer_bytes + _TRAILER_BYTES > len(tail):
            tail = _tail(s3, bucket, key, footer_bytes + _TRAILER_BYTES)
        return pq.read_metadata(io.BytesIO(tail)).num_rows
    except s3.exceptions.NoSuchKey as error:
        raise ManifestError(f"s3://{bucket}/{key}: the manifest names this file, and it does not exist") from error
    except (pa.ArrowInvalid, struct.error) as error:
        raise ManifestError(f"s3://{bucket}/{key}: not a Parquet file: {error}") from error


def _tail(s3: S3Client, bucket: str, key: str, length: int) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=-{length}")["Body"].read()
