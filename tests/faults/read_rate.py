"""What an export consumes and when, by what DynamoDB says in its answers, those included that are lost on the way."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field

from dynamo_assets.export.throttle import Throttle
from tests.faults.proxy import Behaviour, Exchange, pass_on

# A request that has its turn may be some time on its way to the proxy.
ON_THE_WAY_SECONDS = 0.25


@dataclass
class ReadRate:
    """Measures scans on their way through a proxy.

    Attributes:
        faults: What scans meet.
        pages: Of each scan that DynamoDB has served when it arrived and what it consumed.
    """

    faults: Behaviour = pass_on
    pages: list[tuple[float, float]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, exchange: Exchange) -> None:
        if exchange.request.operation != "dynamodb.Scan":
            pass_on(exchange)
            return
        arrived, forward = time.monotonic(), exchange.forward

        def measured_forward():
            answer = forward()
            with self._lock:
                self.pages.append((arrived, json.loads(answer.body)["ConsumedCapacity"]["CapacityUnits"]))
            return answer

        exchange.forward = measured_forward
        self.faults(exchange)

    def consumed(self) -> float:
        """All read units."""
        return sum(units for _, units in self.pages)

    def assert_kept(self, rate: float) -> None:
        """Fails if in any span of time more was consumed than the rate and its burst allow, or far less."""
        pages = sorted(self.pages)
        largest = max(units for _, units in pages)
        for first, (begin, _) in enumerate(pages):
            consumed = 0.0
            for end, units in pages[first:]:
                # A page's own cost is known only once it is there.
                allowed = rate * (end - begin + Throttle.BURST_SECONDS + ON_THE_WAY_SECONDS) + largest
                assert consumed <= allowed, f"{consumed} read units within {end - begin:.2f} s at {rate} a second"
                consumed += units
        seconds = pages[-1][0] - pages[0][0]
        assert seconds <= 2 * self.consumed() / rate, f"{self.consumed()} read units took {seconds:.2f} s"
