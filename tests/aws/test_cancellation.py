import threading
import time

import pytest
from dagster import DagsterExecutionInterruptedError

from dynamo_assets.aws.cancellation import Cancellation, current_cancellation, pause, side_by_side, under


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


def test_tasks_side_by_side_all_end_and_one_that_fails_hides_no_other():
    together = threading.Barrier(3)

    def fail() -> str:
        together.wait(10)
        raise ValueError("no")

    first, second, third = side_by_side([lambda: f"{together.wait(10) >= 0}", fail, lambda: f"{together.wait(10) < 3}"])

    assert (first, third) == ("True", "True")
    assert isinstance(second, ValueError)


def test_tasks_side_by_side_end_when_the_run_is_cancelled():
    cancellation = Cancellation()
    timer = threading.Timer(0.2, cancellation.request)
    timer.start()

    with under(cancellation), pytest.raises(DagsterExecutionInterruptedError):
        side_by_side([lambda: pause(3600), lambda: pause(3600)])


def test_ctrl_c_in_one_task_leaves_no_other_running_and_is_raised():
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_by_side([interrupted, lambda: pause(0.1)])
