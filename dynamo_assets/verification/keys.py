"""The check `keys`: no key is null, and none stands twice in the snapshot."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from dagster import DagsterExecutionInterruptedError

from dynamo_assets.aws.cancellation import current_cancellation, in_turn
from dynamo_assets.errors import ManifestError, VerificationError
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.verification.finding import KEYS, Finding, finding_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from dynamo_assets.export.key_uniqueness.findings import DuplicatedKey, KeyFindings

AT_ONCE = 2
"""Snapshots that are read at once in one process: it takes the processor and some 300 MB."""
ADVICE = (
    "Every item has its own key in DynamoDB, so the export or the files are at fault. Materialize the slot again, and "
    "report it with this snapshot's manifest"
)

_turns = threading.BoundedSemaphore(AT_ONCE)


def check_keys(s3: S3Client, bucket: str, manifest: Manifest) -> tuple[Finding, dict[str, int]]:
    """Reads the key columns of all files.

    Memory stays bounded whatever the snapshot's size: see `dynamo_assets.export.key_uniqueness.check`.

    Args:
        s3: Where the files lie.
        bucket: Their bucket.
        manifest: The snapshot's.

    Returns:
        What was found, and how many rows each file has, by its key; no rows where the files could not be read.
    """
    # It brings pyarrow, 50 MB that a process which only loads the definitions need not pay for.
    from dynamo_assets.export.key_uniqueness.check import check_keys as read_keys  # noqa: PLC0415

    cancellation = current_cancellation()

    def on_progress(_: int) -> None:
        if cancellation.requested:
            raise DagsterExecutionInterruptedError("The run was cancelled")

    try:
        with in_turn(_turns):
            found = read_keys(s3, manifest, bucket, on_progress=on_progress)
    except (ManifestError, VerificationError) as error:
        return Finding(KEYS, False, f"the keys could not be read: {error}"), {}
    if found.cannot_tell:
        # An older version of this package took it, and wrote down no keys.
        return Finding(KEYS, False, f"it cannot be told whether keys are unique: {found.cannot_tell}", "warn"), {}
    return _finding(found), dict(found.rows_by_file)


def _finding(found: KeyFindings) -> Finding:
    problems = []
    if found.null_rows:
        problems.append(f"{found.null_rows:,} rows without a key, the first in {found.null_file}")
    if found.duplicated:
        least = "at least " if found.is_at_least else ""
        shown = ", ".join(map(_spoken, found.shown))
        problems.append(f"{least}{found.duplicated:,} keys stand in more than one row: {shown}")
    advice = ADVICE
    if found.lossy:
        advice = f"The settings make {', '.join(found.lossy)} lose digits, so that keys become alike: change that"
    return finding_of(
        KEYS,
        problems,
        good=f"{found.rows:,} rows, each with a key of its own",
        advice=advice,
        figures={"bytes_read_for_keys": found.fetched_bytes, "bytes_spilled_for_keys": found.spilled_bytes},
    )


def _spoken(key: DuplicatedKey) -> str:
    values = ", ".join(f"{attribute}={value!r}" for attribute, value in key.values.items())
    return f"{values} in {key.rows} rows of {' and '.join(key.files)}"
