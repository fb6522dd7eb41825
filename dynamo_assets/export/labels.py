"""Labels of snapshots as S3 lists them: sorted as text, so that a listing can begin anywhere in a long history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dynamo_assets.naming import format_snapshot

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def last_label(labels: Callable[[str | None], Iterator[str]], instant: datetime) -> str | None:
    """The last of a sorted listing that can begin anywhere: it looks back a day, then ten, and so on from an instant.

    Args:
        labels: Lists the labels after the one that it is given; all of them for None.
        instant: Where it begins to look back.
    """
    for days in (1, 10, 100, None):
        after = format_snapshot(instant - timedelta(days=days)) if days else None
        if newest := max(labels(after), default=None):
            return newest
    return None


def labels_below(s3: S3Client, bucket: str, prefix: str, *, after: str | None = None) -> Iterator[str]:
    """The labels by which the documents in a folder are named, oldest first.

    Args:
        s3: Where they lie.
        bucket: Their bucket.
        prefix: The folder, with a slash at its end.
        after: Only labels greater than this.
    """
    start: dict[str, Any] = {"StartAfter": f"{prefix}{after}.json"} if after else {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **start):
        for entry in page.get("Contents", []):
            label = entry.get("Key", "")[len(prefix) :]
            if label.endswith(".json") and "/" not in label:
                yield label.removesuffix(".json")
