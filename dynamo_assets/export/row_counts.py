"""How many rows a snapshot's files hold, told from the files as they lie in S3 now."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from dynamo_assets.export.data_file import opened
from dynamo_assets.export.formats import readable_format

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def rows_in_file(s3: S3Client, bucket: str, key: str, format: str) -> int:
    """How many rows a data file holds: by its footer where the format has one, else by reading it.

    Args:
        s3: Where it lies.
        bucket: Its bucket.
        key: Its key.
        format: A manifest's `file_format`.

    Raises:
        ManifestError: The object does not exist, or is no file of the format, or is cut short.
    """
    with opened(s3, bucket, key, format) as raw, io.BufferedReader(raw) as file:
        return readable_format(format).count_rows(file)
