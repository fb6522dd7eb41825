"""How fast one split may read.

Inferred from the public emr-dynamodb-connector (`ReadIopsCalculator`, `RateController`, `TokenBucket`), whose option
`dynamodb.throughput.read.percent` and 0.5 and 40,000 are Glue's too: the allowed units are divided evenly among all
splits, rounded down, at least one unit a second each. A split saves up what it does not use for five seconds, starts
with that much, asks for at most 25 units a request, and settles what a request really consumed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

WINDOW_SECONDS = 5
MOST_UNITS = 25.0
_SHORTEST_WAIT = 0.005  # seconds; a shorter one may not move a clock on at all
_BYTES_OF_A_UNIT = 2 * 4096  # eventually consistent reads
_LARGEST_ITEM = 400 * 1024
_OLD_AVERAGE = 0.7  # of the size of an item; what the last page showed is the rest


class ReadRate:
    """The units that a split may consume.

    Args:
        units_per_second: How many it may consume for a second.
        item_bytes: What an item is believed to measure, until there are pages to measure.
        now: The time in seconds.
        wait: Waits so many seconds.
    """

    def __init__(
        self,
        units_per_second: float,
        item_bytes: float,
        now: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._units_per_second = units_per_second
        self._item_bytes = min(max(item_bytes, 1.0), _LARGEST_ITEM)
        self._now = now
        self._wait = wait
        self._most_saved = max(units_per_second * WINDOW_SECONDS, 1.0)
        self._saved = self._most_saved
        self._saved_at = now()

    def take(self) -> tuple[float, int]:
        """Waits for a unit at least; then the units that the next page may consume, and as many items as they read."""
        self._save()
        while self._saved < 1:
            self._wait(max((1 - self._saved) / self._units_per_second, _SHORTEST_WAIT))
            self._save()
        units = float(int(min(self._saved, MOST_UNITS)))
        self._saved -= units
        return units, max(1, int(units * _BYTES_OF_A_UNIT / self._item_bytes))

    def settle(self, taken: float, consumed: float, items: int) -> None:
        """Puts right what a page consumed, and how large items are."""
        self._saved = min(self._saved + taken - consumed, self._most_saved)
        if items:
            seen = consumed * _BYTES_OF_A_UNIT / items
            average = self._item_bytes * _OLD_AVERAGE + seen * (1 - _OLD_AVERAGE)
            self._item_bytes = min(max(average, 1.0), _LARGEST_ITEM)

    def _save(self) -> None:
        now = self._now()
        self._saved = min(self._saved + (now - self._saved_at) * self._units_per_second, self._most_saved)
        self._saved_at = now
