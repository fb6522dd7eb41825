"""The data files of a native export, found by its manifests and fetched; their checksums are not looked at."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3


def fetch(bucket: str, summary_key: str, folder: Path) -> Iterator[Path]:
    """Fetches one after another, each when it is asked for.

    Args:
        bucket: Where the export lies.
        summary_key: The key of its `manifest-summary.json`.
        folder: Where the files go.
    """
    s3 = boto3.client("s3")
    summary = json.load(s3.get_object(Bucket=bucket, Key=summary_key)["Body"])
    files = s3.get_object(Bucket=bucket, Key=summary["manifestFilesS3Key"])["Body"].read()
    for line in files.splitlines():
        key = json.loads(line)["dataFileS3Key"]
        path = folder / key.rpartition("/")[2]
        with path.open("wb") as copy:
            shutil.copyfileobj(s3.get_object(Bucket=bucket, Key=key)["Body"], copy, 1024 * 1024)
        yield path
