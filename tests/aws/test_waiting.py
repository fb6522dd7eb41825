from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from dagster import DagsterExecutionInterruptedError

from dynamo_assets.aws.cancellation import Cancellation, under
from dynamo_assets.aws.waiting import wait_until
from dynamo_assets.errors import AwsTimeoutError


def test_the_first_answer_is_returned_without_waiting() -> None:
    def never(_: float) -> None:
        raise AssertionError("waited")

    assert wait_until(lambda: 0, what="x", timeout=timedelta(0), pause=never) == 0


def test_polls_come_quickly_at_first_and_seldom_later() -> None:
    waits: list[float] = []
    answers = iter([None] * 12 + ["done"])
    result = wait_until(
        lambda: next(answers), what="x", timeout=timedelta(hours=1), interval_seconds=5, pause=waits.append
    )
    assert result == "done"
    assert waits[0] <= 0.2
    assert 4 <= waits[-1] <= 6
    assert sum(waits[:3]) < sum(waits[-3:])


def test_waits_that_begin_together_do_not_stay_together() -> None:
    first: list[float] = []
    second: list[float] = []
    for waits in (first, second):
        answers = iter([None] * 5 + ["done"])
        wait_until(lambda answers=answers: next(answers), what="x", timeout=timedelta(hours=1), pause=waits.append)
    assert first != second


def test_the_time_limit_ends_the_wait_and_is_named() -> None:
    with pytest.raises(AwsTimeoutError, match=r"Orders: crawl did not end within its time limit of 0:00:00"):
        wait_until(lambda: None, what="Orders: crawl", timeout=timedelta(milliseconds=50), interval_seconds=0.01)


def test_a_cancelled_run_ends_the_wait_at_once() -> None:
    cancellation = Cancellation()
    polled = threading.Event()

    def poll() -> None:
        polled.set()

    def cancel() -> None:
        polled.wait()
        cancellation.request()

    threading.Thread(target=cancel).start()
    with under(cancellation), pytest.raises(DagsterExecutionInterruptedError):
        wait_until(poll, what="x", timeout=timedelta(hours=1), interval_seconds=3600)
