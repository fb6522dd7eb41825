"""A snapshot's label, held by one attempt: two scans that begin in one second get two labels."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.errors import ExportError, PlanError
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.s3_files import read_object
from dynamo_assets.naming import format_snapshot

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TRIES = 120
# S3 answers 412 where the object exists, 409 where somebody creates it at this moment.
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Claim:
    """A label that is one attempt's own. Use it as a context manager.

    Args:
        s3: Where claims lie.
        request: The table and the attempt.
        label: The label.
    """

    def __init__(self, s3: S3Client, request: ExportRequest, label: str):
        self.label = label
        self._s3 = s3
        self._request = request

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def check(self) -> None:
        """Raises where the label may be another attempt's by now: never, where no other may take it over."""

    def confirm(self) -> None:
        """As `check`, and certain: asks S3 where it has to."""

    def release(self) -> None:
        """Gives the label back, after the files are gone."""
        key = self._request.layout.claim_key(self._request.name, self.label)
        self._s3.delete_object(Bucket=self._request.bucket, Key=key)


def claim_label(
    s3: S3Client,
    request: ExportRequest,
    *,
    now: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> Claim:
    """Makes a label this attempt's own, by an S3 conditional write, before its first file and its first read.

    Args:
        s3: Where claims lie.
        request: The table, and its label where it is fixed beforehand.
        now: The wall clock.
        sleep: Waits for a number of seconds.

    Returns:
        The claim, of the fixed label, or of the second in which it succeeded.

    Raises:
        PlanError: The fixed label is taken, or the bucket does not exist.
        ExportError: No second was free for two minutes.
    """
    if request.snapshot_timestamp is not None:
        if not _claim(s3, request, request.snapshot_timestamp, now()):
            raise PlanError(_taken_message(request, request.snapshot_timestamp))
        return Claim(s3, request, request.snapshot_timestamp)
    for _ in range(TRIES):
        instant = now()
        if _claim(s3, request, label := format_snapshot(instant), instant):
            return Claim(s3, request, label)
        sleep(1 - instant.microsecond / 1e6)
    raise ExportError(f"table {request.table}: every second of the last {TRIES} was claimed by other exports")


def no_bucket(request: ExportRequest) -> PlanError:
    """What is wrong where S3 answers NoSuchBucket."""
    return PlanError(
        f"table {request.table}: bucket {request.bucket} does not exist; create it, or correct the setting"
    )


def _claim(s3: S3Client, request: ExportRequest, label: str, instant: datetime) -> bool:
    claim = {"attempt": request.attempt, "started_at": instant.isoformat(), "table": request.table}
    key = request.layout.claim_key(request.name, label)
    try:
        s3.put_object(Bucket=request.bucket, Key=key, Body=json.dumps(claim).encode(), IfNoneMatch="*")
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code == "NoSuchBucket":
            raise no_bucket(request) from error
        if code not in _TAKEN:
            raise
        # A claim whose answer was lost on the way is met again when boto3 repeats the request.
        return _owner(s3, request, key) == request.attempt
    except BaseException:
        # Interrupted, or no answer came: whether the claim was made is not known, and nobody will use it.
        with suppress(BotoCoreError, ClientError):
            if _owner(s3, request, key) == request.attempt:
                Claim(s3, request, label).release()
        raise
    return True


def _owner(s3: S3Client, request: ExportRequest, key: str) -> str | None:
    try:
        return json.loads(read_object(s3, request.bucket, key)).get("attempt")
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchKey":
            raise
        return None


def _taken_message(request: ExportRequest, label: str) -> str:
    layout = request.layout
    return (
        f"table {request.table}: snapshot {label} is taken by another export. If it has a manifest "
        f"({layout.uri(layout.manifest_key(request.name, label))}) it is complete; if not, and nothing is running, "
        f"delete {layout.uri(layout.claim_key(request.name, label))} and try again"
    )
