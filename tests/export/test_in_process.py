"""Units on threads: results in order, and no unit that goes on when another has failed or Ctrl-C has come."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any

import pytest

from dynamo_assets.export.in_process import InProcess
from dynamo_assets.export.supervision import Supervisor

LIMIT_SECONDS = 20.0


class Free(Supervisor):
    """Lets everything go on, and sees how it ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def progress(self, items: int) -> None:
        pass

    def reserve(self, units: float, correction: float = 0.0) -> float:
        return 0.0


def long_unit(free: Free, started: threading.Event) -> Callable[[Any, Supervisor], None]:
    """A unit that reads page after page until it is told to end; the task `fail` fails once another has begun."""

    def work(task: Any, supervisor: Supervisor) -> None:
        if task == "fail":
            assert started.wait(LIMIT_SECONDS)
            raise LookupError("first")
        started.set()
        try:
            supervisor.pause(LIMIT_SECONDS)
            free.ended.append("at its end")
        except CancelledError:
            free.ended.append("when told")
            raise

    return work


def test_results_come_in_the_tasks_order_whatever_ends_first() -> None:
    gates = [threading.Event() for _ in range(4)]

    def work(task: int, supervisor: Supervisor) -> int:
        if task < 3:
            assert gates[task + 1].wait(LIMIT_SECONDS)
        gates[task].set()
        return task * 10

    assert InProcess(4)(work, range(4), Free()) == [0, 10, 20, 30]


def test_no_more_run_at_once_than_were_allowed() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(task: int, supervisor: Supervisor) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        supervisor.pause(0.01)
        with lock:
            running -= 1

    InProcess(3)(work, range(12), Free())
    assert 1 <= most <= 3


def test_the_first_failure_ends_the_others_at_their_next_page() -> None:
    free, started = Free(), threading.Event()
    with pytest.raises(LookupError, match="first"):
        InProcess(3)(long_unit(free, started), ["read", "fail", "read", "read", "read"], free)
    assert set(free.ended) == {"when told"}


def test_an_interrupt_while_units_are_still_being_handed_out_ends_those_that_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free, started = Free(), threading.Event()
    submit = ThreadPoolExecutor.submit

    def interrupted(pool: ThreadPoolExecutor, *arguments: Any) -> Any:
        if started.is_set():
            raise KeyboardInterrupt
        future = submit(pool, *arguments)
        assert started.wait(LIMIT_SECONDS)
        return future

    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        InProcess(2)(long_unit(free, started), ["read", "read"], free)
    assert free.ended == ["when told"]
