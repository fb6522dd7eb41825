"""Keeps a reader at its share of the table's capacity."""

from __future__ import annotations

import time
from collections.abc import Callable


class Throttle:
    """A token bucket over *consumed* read units: what a page cost is known only once it is there, and is paid for then.

    Args:
        units_per_second: The share of the rate that this reader has.
        clock: A monotonic clock, in seconds.
        sleep: Waits for a number of seconds.
    """

    # What was not used for longer than this is not saved up: a stall must not be followed by a burst.
    BURST_SECONDS = 1.0

    def __init__(
        self,
        units_per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self._rate = units_per_second
        self._clock = clock
        self._sleep = sleep
        self._asked_at = self._paid_until = clock()

    def wait(self) -> None:
        """Returns once everything consumed so far has been paid for."""
        if (due := self._paid_until - self._clock()) > 0:
            self._sleep(due)
        self._asked_at = self._clock()

    def consumed(self, units: float) -> None:
        """Takes note of the read units that the request made since `wait` has reported."""
        self._paid_until = max(self._paid_until, self._asked_at - self.BURST_SECONDS) + units / self._rate
