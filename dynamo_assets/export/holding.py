"""Something that one holder has at a time, for as long as the holder lives: an object of S3 that is renewed.

Who finds that it was not renewed for long may take it over. Ages are told by S3's clock alone: an object's
`LastModified` beside the `Date` of the answer.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.errors import ExportError
from dynamo_assets.export.s3_files import read_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RENEW_SECONDS = 15.0
GIVE_UP_SECONDS = 60.0
"""A holder that could not renew for so long ends itself."""
STALE_SECONDS = 120.0
"""What was not renewed for so long is taken over; twice as long, so that its holder has ended by then."""
LOOK_SECONDS = 5.0
# S3 answers 412 where the object is another, 409 where somebody writes it at this moment, 404 where it is gone.
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}
_GONE = {"NoSuchKey", "404"}


@dataclass(frozen=True)
class Held:
    """What is held, and who wants it.

    Attributes:
        bucket: Where the object lies.
        key: Its key.
        attempt: Whoever wants it; one that meets its own name holds it already.
        owner: Whose it is, for messages: "table Orders".
        what: What it is, for messages: "snapshot 2026-11-23T10:00:00".
        until: What ends the waiting for it, for messages.
    """

    bucket: str
    key: str
    attempt: str
    owner: str
    what: str
    until: str = "it is given back"


class Hold:
    """What is held is this attempt's, and renewed while its context lasts.

    Args:
        s3: Where the object lies.
        held: What is held.
        etag: Of the object that this attempt wrote.
    """

    def __init__(self, s3: S3Client, held: Held, etag: str):
        self._s3 = s3
        self._held = held
        self._etag = etag
        self._renewed_at = time.monotonic()
        self._lost = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="hold", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def check(self) -> None:
        """Costs nothing; to be called often.

        Raises:
            ExportError: Another attempt has it, or may have it soon.
        """
        if self._lost or time.monotonic() - self._renewed_at > GIVE_UP_SECONDS:
            raise ExportError(
                f"{self._held.owner}: this attempt could not renew its claim of {self._held.what}, and another one "
                "may take it over; it ends itself"
            )

    def confirm(self) -> None:
        """Renews at once: for `STALE_SECONDS` from here on nobody else touches what is held.

        Raises:
            ExportError: Another attempt has it.
        """
        self._renew()
        self.check()

    def release(self) -> None:
        """Gives it back, where it is still this attempt's."""
        with self._lock:
            if not self._lost and _own(self._s3, self._held):
                self._s3.delete_object(Bucket=self._held.bucket, Key=self._held.key)

    def _keep(self) -> None:
        while not self._ended.wait(RENEW_SECONDS):
            # What is not renewed in time ends the attempt; see `check`.
            with suppress(BotoCoreError, ClientError):
                self._renew()

    def _renew(self) -> None:
        with self._lock:
            asked_at = time.monotonic()
            etag = _write(self._s3, self._held, IfMatch=self._etag)
            if etag is None:
                self._lost = True
            else:
                self._etag, self._renewed_at = etag, asked_at


def take_hold(
    s3: S3Client,
    held: Held,
    *,
    pause: Callable[[float], None],
    on_wait: Callable[[str], None],
    is_done: Callable[[], bool] = lambda: False,
) -> Hold | None:
    """Makes something this attempt's own; waits for a holder that lives, or died a moment ago.

    Args:
        s3: Where the object lies.
        held: What is wanted, and by whom.
        pause: Waits some seconds; may raise.
        on_wait: Hears once why it waits.
        is_done: Whether it need not be held any more.

    Returns:
        The hold, or None where it is done.
    """
    told = False
    while not is_done():
        if etag := _write(s3, held, IfNoneMatch="*"):
            return Hold(s3, held, etag)
        found = _look(s3, held)
        if found is None:
            continue
        age, etag = found
        if age > STALE_SECONDS:
            if etag := _write(s3, held, IfMatch=etag):
                return Hold(s3, held, etag)
            continue
        if not told:
            on_wait(
                f"Another attempt holds {held.what}, and renewed its claim {age:.0f} s ago: "
                f"waiting until {held.until}, or the claim is {STALE_SECONDS:.0f} s old"
            )
            told = True
        pause(LOOK_SECONDS)
    return None


@contextmanager
def one_at_a_time(
    s3: S3Client, held: Held, *, pause: Callable[[float], None], on_wait: Callable[[str], None]
) -> Iterator[Hold]:
    """Has something for as long as the context lasts; see `take_hold`."""
    hold = take_hold(s3, held, pause=pause, on_wait=on_wait)
    assert hold is not None, "nothing but having it ends the waiting"
    try:
        with hold:
            yield hold
    finally:
        # What is not given back is free when it has not been renewed for two minutes.
        with suppress(BotoCoreError, ClientError):
            hold.release()


def take_if_free(s3: S3Client, held: Held, *, stale_seconds: float | None = None) -> Hold | None:
    """As `take_hold`, and never waits.

    Args:
        s3: Where the object lies.
        held: What is wanted, and by whom.
        stale_seconds: From which age on a claim is nobody's any more; by default `STALE_SECONDS`.

    Returns:
        The hold, or None where another one has it.
    """
    found = _look(s3, held)
    if found is None:
        etag = _write(s3, held, IfNoneMatch="*")
    else:
        age, etag = found
        stale = age > (STALE_SECONDS if stale_seconds is None else stale_seconds)
        etag = _write(s3, held, IfMatch=etag) if stale else _own(s3, held)
    return Hold(s3, held, etag) if etag else None


def _write(s3: S3Client, held: Held, **condition: Any) -> str | None:
    """Writes the claim; returns its entity tag, or None where it is another's."""
    now = datetime.now(UTC).isoformat()
    claim = {"attempt": held.attempt, "renewed_at": now, "of": held.owner}
    try:
        answer = s3.put_object(Bucket=held.bucket, Key=held.key, Body=json.dumps(claim).encode(), **condition)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _TAKEN | _GONE:
            raise
        return _own(s3, held)
    return answer["ETag"]


def _own(s3: S3Client, held: Held) -> str | None:
    """The claim's entity tag where it is this attempt's: a write whose answer was lost meets itself when repeated."""
    try:
        etag = s3.head_object(Bucket=held.bucket, Key=held.key)["ETag"]
        claim = json.loads(read_object(s3, held.bucket, held.key, IfMatch=etag))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _GONE | _TAKEN:
            raise
        return None
    return etag if claim.get("attempt") == held.attempt else None


def _look(s3: S3Client, held: Held) -> tuple[float, str] | None:
    """How many seconds ago the claim was renewed, and its entity tag; None where it is gone."""
    try:
        head: Mapping[str, Any] = s3.head_object(Bucket=held.bucket, Key=held.key)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _GONE:
            raise
        return None
    now = parsedate_to_datetime(head["ResponseMetadata"]["HTTPHeaders"]["date"])
    return (now - head["LastModified"]).total_seconds(), head["ETag"]
