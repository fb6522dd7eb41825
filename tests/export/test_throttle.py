from __future__ import annotations

import pytest

from dynamo_assets.export.throttle import Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize("request_seconds", [0.0, 0.1, 2.0])
def test_the_consumed_rate_is_kept_and_not_undercut(clock: Clock, request_seconds: float) -> None:
    throttle, began = Throttle(100, clock=clock, sleep=clock.sleep), clock.now
    for _ in range(200):
        throttle.wait()
        clock.now += request_seconds
        throttle.consumed(128)
    throttle.wait()
    seconds = clock.now - began
    assert 200 * 128 / seconds <= 100 * 1.01
    assert seconds == pytest.approx(max(200 * 1.28, 200 * request_seconds), abs=1.1)


def test_the_first_request_goes_at_once_and_a_page_is_paid_after_it_came(clock: Clock) -> None:
    throttle, began = Throttle(1, clock=clock, sleep=clock.sleep), clock.now
    throttle.wait()
    assert clock.now == began
    throttle.consumed(30)
    throttle.wait()
    assert clock.now == pytest.approx(began + 30, abs=Throttle.BURST_SECONDS)


def test_a_stall_is_not_followed_by_a_burst(clock: Clock) -> None:
    throttle = Throttle(100, clock=clock, sleep=clock.sleep)
    clock.now += 3600
    began = clock.now
    for _ in range(20):
        throttle.wait()
        throttle.consumed(100)
    assert clock.now - began >= 18
