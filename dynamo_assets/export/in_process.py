"""Units on threads of this process.

Decoding holds Python's lock, so that threads overlap waiting (for DynamoDB, for the share of the rate, for S3) but do
not add up cores. One core takes tens of thousands of items a second, more than most tables' share of their capacity
allows; an export that needs more cores than one runs on Spark.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from dynamo_assets.export.attempt import Mapper
from dynamo_assets.export.supervision import Supervisor


@dataclass(frozen=True)
class InProcess(Mapper):
    """Maps units over threads. The first failure, or Ctrl-C, ends the others at their next page.

    Attributes:
        threads: How many run at once.
    """

    threads: int = 4

    @property
    def parallelism(self) -> int:
        """See `Mapper`."""
        return self.threads

    def __call__(
        self, work: Callable[[Any, Supervisor], Any], tasks: Sequence[Any], supervisor: Supervisor
    ) -> list[Any]:
        """Runs all tasks; returns their results in order, or raises once none runs any more."""
        stoppable = _Stoppable(supervisor)
        with ThreadPoolExecutor(self.threads, thread_name_prefix="export") as pool:
            try:
                futures = [pool.submit(work, task, stoppable) for task in tasks]
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                stoppable.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [future.result() for future in futures]


class _Stoppable(Supervisor):
    """A supervisor that ends every unit once one of them has failed."""

    def __init__(self, supervisor: Supervisor):
        self.stop = threading.Event()
        self._supervisor = supervisor

    def progress(self, items: int) -> None:
        if self.stop.is_set():
            raise CancelledError
        self._supervisor.progress(items)

    def reserve(self, units: float, correction: float = 0.0) -> float:
        return self._supervisor.reserve(units, correction)
