"""The few Spark JVMs that Glue runs take turns with: started when needed, kept warm."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from dynamo_assets.errors import SandboxError
from dynamo_assets.sandbox.glue_jobs.spark import SparkJvm


class SparkPool:
    """A few JVMs that runs take turns with.

    Args:
        folder: Where each JVM has a folder of its own.
        environment: What the JVMs' Python workers find in their environment.
        limit: How many JVMs there are at most; a run beyond them waits.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], limit: int) -> None:
        self._folder = folder
        self._environment = environment
        self._limit = limit
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._all: set[SparkJvm] = set()
        self._idle: list[SparkJvm] = []
        self._coming = 0
        self._waiting = 0
        self._failures: list[SandboxError] = []
        self._closed = False

    def warm_up(self) -> None:
        """Starts the first JVM in the background, where there is none yet; a failure shows when one is taken."""
        with self._changed, suppress(SandboxError):
            if not self._all and not self._closed:
                self._start()

    def take(self, is_cancelled: Callable[[], bool]) -> SparkJvm | None:
        """Waits for a JVM; None once `is_cancelled` says so, or the pool is closed.

        Raises:
            SandboxError: One could not be started.
        """
        with self._changed:
            self._waiting += 1
            try:
                while not self._closed and not is_cancelled():
                    if self._idle:
                        if (jvm := self._idle.pop()).is_alive():
                            return jvm
                        self._all.discard(jvm)
                    if self._failures:
                        raise self._failures.pop()
                    if self._coming < self._waiting and len(self._all) < self._limit:
                        self._start()
                    self._changed.wait(0.1)
                return None
            finally:
                self._waiting -= 1

    def give_back(self, jvm: SparkJvm, *, reusable: bool) -> None:
        """Returns a JVM after a run; one that is not reusable is ended."""
        if not reusable:
            jvm.end()
        with self._changed:
            if reusable and not self._closed:
                self._idle.append(jvm)
            else:
                self._all.discard(jvm)
            self._changed.notify_all()

    def close(self) -> None:
        """Ends every JVM, those too that a run has."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            jvms = list(self._all)
        for jvm in jvms:
            jvm.end()

    def _start(self) -> None:
        jvm = SparkJvm(self._folder / f"jvm-{next(self._numbers)}", self._environment)
        self._all.add(jvm)
        self._coming += 1
        threading.Thread(target=self._await, args=(jvm,), name="spark-jvm-start", daemon=True).start()

    def _await(self, jvm: SparkJvm) -> None:
        failure = None
        try:
            jvm.wait_until_up()
        except SandboxError as error:
            failure = error
        with self._changed:
            self._coming -= 1
            if failure:
                self._all.discard(jvm)
                self._failures.append(failure)
            else:
                self._idle.append(jvm)
            self._changed.notify_all()
