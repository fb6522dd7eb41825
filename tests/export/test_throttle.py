from __future__ import annotations

import heapq
import random
from itertools import pairwise

import pytest

from dynamo_assets.export.throttle import Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def consume(clock: Clock, throttle: Throttle, units: int, pages: int, request_seconds: float) -> list[float]:
    """Has units ask for pages of 128 read units, expecting 100, each as soon as it may; gives the times of requests."""
    requests: list[float] = []
    ready = [(clock.now + throttle.reserve(100), unit) for unit in range(units)]
    heapq.heapify(ready)
    for _ in range(pages):
        clock.now, unit = heapq.heappop(ready)
        requests.append(clock.now)
        clock.now += request_seconds / units
        heapq.heappush(ready, (clock.now + throttle.reserve(100, 28), unit))
    return requests


@pytest.mark.parametrize("units", [1, 8])
@pytest.mark.parametrize("request_seconds", [0.0, 0.1, 2.0])
def test_the_consumed_rate_of_all_units_together_is_kept_and_not_undercut(
    clock: Clock, units: int, request_seconds: float
) -> None:
    began = clock.now
    requests = consume(clock, Throttle(100, clock=clock), units, 400, request_seconds)
    seconds = requests[-1] - began
    assert 399 * 128 / seconds <= 100 * 1.02
    assert seconds == pytest.approx(max(399 * 1.28, 399 * request_seconds / units), rel=0.03)


def test_units_that_begin_together_take_turns(clock: Clock) -> None:
    throttle = Throttle(128, clock=clock)
    waits = [throttle.reserve(128) for _ in range(5)]
    assert waits == pytest.approx([0, 1, 2, 3, 4], abs=Throttle.BURST_SECONDS + 1e-6)
    assert waits == sorted(waits)


def test_a_page_that_cost_less_than_reserved_gives_the_rest_back(clock: Clock) -> None:
    throttle = Throttle(10, clock=clock)
    throttle.reserve(100)
    assert throttle.reserve(100, correction=-90) == pytest.approx(1.0)


def test_a_stall_is_not_followed_by_a_burst(clock: Clock) -> None:
    throttle = Throttle(100, clock=clock)
    clock.now += 3600
    requests = consume(clock, throttle, 4, 20, 0.0)
    assert requests[-1] - requests[0] >= 18 * 1.28 - Throttle.BURST_SECONDS


def test_in_no_window_of_time_is_more_consumed_than_rate_and_burst_allow(clock: Clock) -> None:
    requests = consume(clock, Throttle(1000, clock=clock), 16, 500, 0.05)
    random.seed(7)
    assert all(later >= earlier for earlier, later in pairwise(requests))
    for begin in random.sample(requests[:-60], 40):
        taken = [at for at in requests if begin <= at < begin + 5.0]
        assert 128 * len(taken) <= 1000 * (5.0 + Throttle.BURST_SECONDS) + 128 * 16
