"""The one way this package waits for something in AWS: poll, with a deadline, able to be cancelled."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol, TypeVar

from dynamo_assets.aws.cancellation import pause
from dynamo_assets.errors import AwsTimeoutError

T = TypeVar("T")


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

    Early polls come quickly, later ones up to `interval_seconds` apart: short work is noticed soon, long work costs
    few calls.

    Args:
        poll: Returns None for "not yet".
        what: What is awaited, for the message: "Orders: crawl of ...".
        timeout: From now, on a clock that never jumps.
        interval_seconds: The longest time between two polls.
        pause: Waits between polls.

    Raises:
        AwsTimeoutError: Nothing came within the time limit.
    """
    deadline = time.monotonic() + timeout.total_seconds()
    delay = min(0.1, interval_seconds)
    while (result := poll()) is None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise AwsTimeoutError(f"{what} did not end within its time limit of {timeout}; raise `time_limit`")
        # Steps of one tick begin together; without the spread they would ask together for ever.
        pause(min(delay * random.uniform(0.8, 1.2), remaining))  # noqa: S311 - not a secret
        delay = min(delay * 1.5, interval_seconds)
    return result
