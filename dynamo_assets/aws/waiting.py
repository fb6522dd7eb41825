"""The one way this package waits for something in AWS: poll, with a deadline, able to be cancelled and to stop it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol, TypeVar

from botocore.exceptions import ClientError

from dynamo_assets.aws.cancellation import pause
from dynamo_assets.errors import AwsTimeoutError

T = TypeVar("T")

THROTTLED = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"})
"""What AWS says where too much is asked of it: nothing was done, and the same may be asked again."""

MAX_INTERVAL_SECONDS = 60.0
_SHARE_OF_WAIT = 0.05


class Pause(Protocol):
    """Waits some seconds; raises when the run has been cancelled meanwhile."""

    def __call__(self, seconds: float, /) -> None: ...  # noqa: D102


def wait_until(
    poll: Callable[[], T | None],
    *,
    what: str,
    timeout: timedelta,
    interval_seconds: float = 2.0,
    pause: Pause = pause,
) -> T:
    """Calls `poll` until it returns something.

    Early polls come quickly, later ones up to `interval_seconds` apart: short work is noticed soon. From then on the
    pauses grow with the wait, to a twentieth of it and a minute at most: hundreds of tables ask for one account, which
    may make a few calls a second (docs/orchestration.md), and the end of hours may be noticed a minute later.

    A poll that AWS throttles, even after boto3's own repetitions, is one that returned None: work of hours
    is not to be lost to a busy minute.

    Args:
        poll: Returns None for "not yet".
        what: What is awaited, for the message: "Orders: crawl of ...".
        timeout: From now, on a clock that never jumps.
        interval_seconds: The longest time between two polls, until the wait is long.
        pause: Waits between polls.

    Raises:
        AwsTimeoutError: Nothing came within the time limit.
    """
    deadline = time.monotonic() + timeout.total_seconds()
    delay, waited = interval_seconds / 50, 0.0
    while True:
        result, throttled = _poll(poll)
        if result is not None:
            return result
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            because = f" ({throttled})" if throttled else ""
            raise AwsTimeoutError(
                f"{what} did not end within its time limit of {timeout}{because}; raise `time_limit`"
            ) from throttled
        # Steps of one tick begin together; without the spread they would ask together for ever.
        pause(min(delay * random.uniform(0.8, 1.2), remaining))  # noqa: S311 - not a secret
        waited += delay
        delay = min(delay * 1.5, max(interval_seconds, min(waited * _SHARE_OF_WAIT, MAX_INTERVAL_SECONDS)))


def _poll(poll: Callable[[], T | None]) -> tuple[T | None, ClientError | None]:
    try:
        return poll(), None
    except ClientError as error:
        if not is_throttled(error):
            raise
        return None, error


def is_throttled(error: Exception) -> bool:
    """Whether AWS was only asked too much."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in THROTTLED


@contextmanager
def stopping(stop: Callable[[], object], *, what: str) -> Iterator[None]:
    """Whatever breaks the wait in the body off, what was waited for is stopped; where it cannot be, the error says so.

    Args:
        stop: Stops it; must not wait.
        what: What it is, for the message.
    """
    try:
        yield
    except BaseException as error:
        try:
            stop()
        except Exception as failed:
            told = f"{what} could not be stopped and goes on: {failed}"
            if isinstance(error, AwsTimeoutError):
                raise AwsTimeoutError(f"{error}. {told}") from failed
            error.add_note(told)
        raise
