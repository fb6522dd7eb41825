"""Keeps an export at its share of the table's capacity, all of its units together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Throttle:
    """A token bucket over *consumed* read units, shared by all units of one export.

    What a page costs is known only once it is there. So a unit reserves what it expects before it asks for a page, and
    with its next reservation hands in the difference to what DynamoDB says the page consumed: the sum is exact, and
    however many units ask at once, together they never get ahead of the rate.

    Args:
        units_per_second: The rate.
        clock: A monotonic clock, in seconds.
    """

    # What was not used for longer than this is not saved up: a stall must not be followed by a burst.
    BURST_SECONDS = 1.0

    def __init__(self, units_per_second: float, *, clock: Callable[[], float] = time.monotonic):
        self._rate = units_per_second
        self._clock = clock
        self._paid_until = clock()
        self._lock = threading.Lock()

    def reserve(self, units: float, correction: float = 0.0) -> float:
        """Takes its turn behind everything reserved so far.

        Args:
            units: What the next request is expected to consume.
            correction: What the last one consumed beyond its own reservation; may be negative.

        Returns:
            How many seconds to wait before the request.
        """
        with self._lock:
            now = self._clock()
            turn = max(self._paid_until + correction / self._rate, now - self.BURST_SECONDS)
            self._paid_until = turn + units / self._rate
            return max(0.0, turn - now)
