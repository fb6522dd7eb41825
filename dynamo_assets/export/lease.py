"""A label given in advance, held by one attempt for as long as it lives.

A scan that dies leaves a claim behind, and the next one takes another second. A point-in-time snapshot has no other
label to take: so its claim is renewed while the attempt lives, and who finds one that was not renewed for long may
take it over. Ages are told by S3's clock alone: an object's `LastModified` beside the `Date` of the answer.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.errors import ExportError, PlanError
from dynamo_assets.export.claim import Claim
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.s3_files import read_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RENEW_SECONDS = 15.0
GIVE_UP_SECONDS = 60.0
"""An attempt that could not renew its lease for so long ends itself."""
STALE_SECONDS = 120.0
"""A lease that was not renewed for so long is taken over; twice as long, so that its holder has ended by then."""
LOOK_SECONDS = 5.0
# S3 answers 412 where the object is another, 409 where somebody writes it at this moment, 404 where it is gone.
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}
_GONE = {"NoSuchKey", "404"}


class Lease(Claim):
    """The claim of an attempt that renews it, while its context lasts.

    Args:
        s3: Where claims lie.
        request: The table, the label and the attempt.
        etag: Of the claim that this attempt wrote.
    """

    def __init__(self, s3: S3Client, request: ExportRequest, etag: str):
        super().__init__(s3, request, request.snapshot_timestamp or "")
        self._etag = etag
        self._renewed_at = time.monotonic()
        self._lost = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def check(self) -> None:
        """Costs nothing; to be called often.

        Raises:
            ExportError: Another attempt has the label, or may have it soon.
        """
        if self._lost or time.monotonic() - self._renewed_at > GIVE_UP_SECONDS:
            raise ExportError(
                f"table {self._request.table}: this attempt could not renew its claim of snapshot "
                f"{self._request.snapshot_timestamp}, and another one may take it over; it ends itself"
            )

    def confirm(self) -> None:
        """Renews at once: for `STALE_SECONDS` from here on nobody else touches the snapshot.

        Raises:
            ExportError: Another attempt has the label.
        """
        self._renew()
        self.check()

    def _keep(self) -> None:
        while not self._ended.wait(RENEW_SECONDS):
            # What is not renewed in time ends the attempt; see `check`.
            with suppress(BotoCoreError, ClientError):
                self._renew()

    def _renew(self) -> None:
        with self._lock:
            asked_at = time.monotonic()
            etag = _write(self._s3, self._request, IfMatch=self._etag)
            if etag is None:
                self._lost = True
            else:
                self._etag, self._renewed_at = etag, asked_at


def take_lease(
    s3: S3Client, request: ExportRequest, *, pause: Callable[[float], None], on_wait: Callable[[str], None]
) -> Lease | None:
    """Makes a label this attempt's own; waits for an attempt that holds it and lives, or died a moment ago.

    Args:
        s3: Where claims and manifests lie.
        request: The table, the label and the attempt.
        pause: Waits some seconds; may raise.
        on_wait: Hears once why it waits.

    Returns:
        The lease, or None where the snapshot is complete.

    Raises:
        PlanError: The bucket does not exist.
    """
    try:
        return _take(s3, request, pause, on_wait)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchBucket":
            raise
        raise PlanError(
            f"table {request.table}: bucket {request.bucket} does not exist; create it, or correct the setting"
        ) from error


def _take(
    s3: S3Client, request: ExportRequest, pause: Callable[[float], None], on_wait: Callable[[str], None]
) -> Lease | None:
    told = False
    while not _is_complete(s3, request):
        if etag := _write(s3, request, IfNoneMatch="*"):
            return Lease(s3, request, etag)
        held = _look(s3, request)
        if held is None:
            continue
        age, etag = held
        if age > STALE_SECONDS:
            if etag := _write(s3, request, IfMatch=etag):
                return Lease(s3, request, etag)
            continue
        if not told:
            on_wait(
                f"Another attempt holds snapshot {request.snapshot_timestamp}, and renewed its claim {age:.0f} s ago: "
                f"waiting until the snapshot is complete, or the claim is {STALE_SECONDS:.0f} s old"
            )
            told = True
        pause(LOOK_SECONDS)
    return None


def _key(request: ExportRequest) -> str:
    return request.layout.claim_key(request.name, request.snapshot_timestamp or "")


def _write(s3: S3Client, request: ExportRequest, **condition: Any) -> str | None:
    """Writes the claim; returns its entity tag, or None where it is another's."""
    now = datetime.now(UTC).isoformat()
    claim = {"attempt": request.attempt, "renewed_at": now, "table": request.table}
    try:
        answer = s3.put_object(Bucket=request.bucket, Key=_key(request), Body=json.dumps(claim).encode(), **condition)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _TAKEN | _GONE:
            raise
        return _own(s3, request)
    return answer["ETag"]


def _own(s3: S3Client, request: ExportRequest) -> str | None:
    """The claim's entity tag where it is this attempt's: a write whose answer was lost meets itself when repeated."""
    try:
        etag = s3.head_object(Bucket=request.bucket, Key=_key(request))["ETag"]
        claim = json.loads(read_object(s3, request.bucket, _key(request), IfMatch=etag))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _GONE | _TAKEN:
            raise
        return None
    return etag if claim.get("attempt") == request.attempt else None


def _look(s3: S3Client, request: ExportRequest) -> tuple[float, str] | None:
    """How many seconds ago the claim was renewed, and its entity tag; None where it is gone."""
    try:
        head: Mapping[str, Any] = s3.head_object(Bucket=request.bucket, Key=_key(request))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _GONE:
            raise
        return None
    now = parsedate_to_datetime(head["ResponseMetadata"]["HTTPHeaders"]["date"])
    return (now - head["LastModified"]).total_seconds(), head["ETag"]


def _is_complete(s3: S3Client, request: ExportRequest) -> bool:
    key = request.layout.manifest_key(request.name, request.snapshot_timestamp or "")
    return s3.list_objects_v2(Bucket=request.bucket, Prefix=key)["KeyCount"] > 0
