"""Plans of faults: which of them each request meets, whatever the order in which threads make the requests."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import cycle, islice

from tests.faults.proxy import Behaviour, Exchange, Request, pass_on


class Plan:
    """A request, and each repetition of it, meets the next of its faults; then it is passed on.

    Args:
        choose: The faults of a request, given what it and its repetitions share.

    Attributes:
        met: How often each fault was met.
        requests: How many requests there were, repetitions left out.
    """

    def __init__(self, choose: Callable[[str], Sequence[Behaviour]], operations: Collection[str]):
        self.met: Counter[Behaviour] = Counter()
        self._choose = choose
        self._operations = operations
        self._left: dict[str, list[Behaviour]] = {}
        self._lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> None:
        self._next(exchange.request)(exchange)

    @property
    def requests(self) -> int:
        return len(self._left)

    def _next(self, request: Request) -> Behaviour:
        if request.operation not in self._operations:
            return pass_on
        identity = _identity(request)
        with self._lock:
            if identity not in self._left:
                self._left[identity] = list(self._choose(identity))
            if not self._left[identity]:
                return pass_on
            fault = self._left[identity].pop(0)
            self.met[fault] += 1
            return fault


def at_random(seed: int, faults: Sequence[Behaviour], operations: Collection[str], *, most: int) -> Plan:
    """Two requests of three meet one fault, or up to `most`, one after another; the same ones for the same seed."""

    def choose(identity: str) -> Sequence[Behaviour]:
        chance = random.Random(f"{seed} {_without_chance(identity)}")
        return [chance.choice(faults) for _ in range(chance.randint(1, most))] if chance.random() < 2 / 3 else ()

    return Plan(choose, operations)


def in_turn(faults: Sequence[Behaviour], operations: Collection[str], *, each: int) -> Plan:
    """Every request meets so many faults, and all requests together meet all of them."""
    deck = cycle(faults)
    return Plan(lambda _: list(islice(deck, each)), operations)


def _identity(request: Request) -> str:
    """What a request and its repetitions share."""
    if request.operation == "dynamodb.Scan":
        asked = request.parameters
        return f"Scan {asked.get('Segment')} {asked.get('ExclusiveStartKey')}"
    body = request.body if request.method == "POST" else b""
    return f"{request.operation} {request.path} {request.header('Range')} {body!r}"


def _without_chance(identity: str) -> str:
    """An identity without what differs from run to run: labels, and a part of the names of files."""
    return re.sub(r"run-\d+|\d{4}-\d\d-\d\dT(\d\d(%3A|:)?)+|-[0-9a-f]{8}-", "*", identity)
