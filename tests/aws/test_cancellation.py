import threading
import time

import pytest
from dagster import DagsterExecutionInterruptedError

from dynamo_assets.aws.cancellation import Cancellation, current_cancellation, pause, under


def test_pause_waits_as_long_as_it_was_told():
    began = time.monotonic()
    pause(0.2)

    assert time.monotonic() - began >= 0.2


def test_every_wait_under_a_cancellation_ends_at_once_when_it_is_requested():
    cancellation, waiting, interrupted = Cancellation(), threading.Barrier(5), []

    def wait() -> None:
        with under(cancellation):
            waiting.wait(10)
            try:
                pause(3600)
            except DagsterExecutionInterruptedError:
                interrupted.append(threading.current_thread().name)

    threads = [threading.Thread(target=wait, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    waiting.wait(10)
    cancellation.request()
    for thread in threads:
        thread.join(10)

    assert len(interrupted) == 4


def test_wait_that_begins_after_the_request_ends_at_once():
    cancellation = Cancellation()
    cancellation.request()

    with under(cancellation), pytest.raises(DagsterExecutionInterruptedError):
        pause(3600)


def test_interruption_is_not_caught_as_an_error():
    """Clients that try again after any `Exception` must not go on in a cancelled run."""
    assert not issubclass(DagsterExecutionInterruptedError, Exception)


def test_cancellation_reaches_only_what_runs_under_it():
    cancellation = Cancellation()
    cancellation.request()
    with under(cancellation):
        assert current_cancellation() is cancellation

    assert not current_cancellation().requested
    pause(0)
