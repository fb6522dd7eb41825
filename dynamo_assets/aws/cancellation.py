"""Lets every wait end at once when the run is cancelled.

A run's interrupt reaches only the main thread of its process, but the steps of a run wait in other threads
(`dynamo_assets.automation.executor`). So whoever runs work in a thread puts it under a `Cancellation`, and every wait
of this package is a `pause`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TypeVar

from dagster import DagsterExecutionInterruptedError

T = TypeVar("T")

MAX_SIDE_BY_SIDE = 8
TURN_SECONDS = 0.5


class Cancellation:
    """The order to stop, given once and seen by all work that was put under it."""

    def __init__(self) -> None:
        self._requested = threading.Event()

    @property
    def requested(self) -> bool:
        """Whether the order has been given. Work that computes rather than waits asks this now and then."""
        return self._requested.is_set()

    def request(self) -> None:
        """Gives the order: every `pause` under it raises, those that have begun and those that will."""
        self._requested.set()

    def pause(self, seconds: float) -> None:
        """Waits, or raises as soon as the order to stop is given.

        Raises:
            DagsterExecutionInterruptedError: The order was given. Like KeyboardInterrupt it is no `Exception`, so
                nothing but clean-up catches it. Clean-up itself must not pause.
        """
        if self._requested.wait(seconds):
            raise DagsterExecutionInterruptedError("The run was cancelled")


_current: ContextVar[Cancellation] = ContextVar("cancellation")

# Outside any `under`: on the main thread, where the interrupt itself is raised out of a wait.
_NONE = Cancellation()


def current_cancellation() -> Cancellation:
    """The cancellation that this code runs under, to hand it to threads of its own: they do not inherit it."""
    return _current.get(_NONE)


@contextmanager
def under(cancellation: Cancellation) -> Iterator[None]:
    """Puts the body, and what it calls in this thread, under a cancellation."""
    token = _current.set(cancellation)
    try:
        yield
    finally:
        _current.reset(token)


def pause(seconds: float) -> None:
    """Waits; raises `DagsterExecutionInterruptedError` as soon as the run is cancelled."""
    current_cancellation().pause(seconds)


@contextmanager
def in_turn(turns: threading.Semaphore) -> Iterator[None]:
    """Waits for a turn and has it for as long as the context lasts; raises as `pause` does."""
    while not turns.acquire(timeout=TURN_SECONDS):
        pause(0)
    try:
        yield
    finally:
        turns.release()


def side_by_side(tasks: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Runs tasks in threads, under the same cancellation, and returns when all have ended.

    Returns:
        What each returned, or the exception it raised, in the order of the tasks.

    Raises:
        BaseException: The run was cancelled, or somebody pressed Ctrl-C; no task runs any more.
    """
    inherited = current_cancellation()
    stop = Cancellation() if inherited is _NONE else inherited

    def run(task: Callable[[], T]) -> T:
        with under(stop):
            return task()

    with ThreadPoolExecutor(MAX_SIDE_BY_SIDE, "side_by_side") as pool:
        futures = [pool.submit(copy_context().run, run, task) for task in tasks]
        try:
            wait(futures)
        except BaseException:
            if stop is not inherited:
                stop.request()
            raise
    outcomes: list[T | Exception] = []
    for future in futures:
        error = future.exception()
        if error is None:
            outcomes.append(future.result())
        elif isinstance(error, Exception):
            outcomes.append(error)
        else:
            raise error
    return outcomes


def all_side_by_side(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """As `side_by_side`, where nothing is to be had of some; raises the first error when all have ended."""
    results: list[T] = []
    for outcome in side_by_side(tasks):
        if isinstance(outcome, Exception):
            raise outcome
        results.append(outcome)
    return results
