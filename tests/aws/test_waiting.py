from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from dagster import DagsterExecutionInterruptedError

from dynamo_assets.aws.cancellation import Cancellation, under
from dynamo_assets.aws.waiting import stopping, wait_until
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


def test_the_longer_a_wait_is_the_seldomer_it_asks_and_once_a_minute_at_least() -> None:
    waits: list[float] = []
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(sum(waits))
        waits.append(seconds)

    wait_until(
        lambda: "done" if sum(waits) > 7200 else None,
        what="x",
        timeout=timedelta(days=1),
        interval_seconds=15,
        pause=pause,
    )
    at = dict(zip(waited, waits, strict=True))
    assert all(seconds <= 18 for begun, seconds in at.items() if begun < 240)
    assert all(24 <= seconds <= 50 for begun, seconds in at.items() if 700 < begun < 800)
    assert all(48 <= seconds <= 72 for begun, seconds in at.items() if begun > 1800)
    assert len([begun for begun in waited if begun < 30]) < 12
    assert len(waits) < 200


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


def _refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "Rate exceeded"}}, "GetJobRun")


def test_a_poll_that_is_throttled_is_asked_again_and_any_other_refusal_is_an_error() -> None:
    answers: list[object] = [_refusal("ThrottlingException"), None, _refusal("TooManyRequestsException"), "done"]

    def poll() -> object:
        answer = answers.pop(0)
        if isinstance(answer, ClientError):
            raise answer
        return answer

    assert wait_until(poll, what="it", timeout=timedelta(minutes=1), pause=lambda _: None) == "done"
    answers.append(_refusal("AccessDeniedException"))
    with pytest.raises(ClientError, match="AccessDenied"):
        wait_until(poll, what="it", timeout=timedelta(minutes=1), pause=lambda _: None)


def test_a_wait_that_throttling_has_used_up_says_so() -> None:
    def poll() -> None:
        raise _refusal("ThrottlingException")

    with pytest.raises(AwsTimeoutError, match=r"it did not end within .*Rate exceeded"):
        wait_until(poll, what="it", timeout=timedelta(0), pause=lambda _: None)


@pytest.mark.parametrize("error", [RuntimeError("lost"), KeyboardInterrupt(), AwsTimeoutError("too long")])
def test_what_was_waited_for_is_stopped_and_what_cannot_be_stopped_is_told(error: BaseException) -> None:
    stopped: list[str] = []
    with pytest.raises(type(error)), stopping(lambda: stopped.append("run"), what="The run"):
        raise error
    assert stopped == ["run"]

    def refuse() -> None:
        raise _refusal("AccessDeniedException")

    with pytest.raises(type(error)) as caught, stopping(refuse, what="The run"):
        raise error
    told = f"{caught.value} {getattr(caught.value, '__notes__', '')}"
    assert "The run could not be stopped and goes on: " in told
    assert str(error) in told
