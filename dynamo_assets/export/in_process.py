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

from dynamo_assets.export.unit import Pulse


@dataclass(frozen=True)
class InProcess:
    """Maps units over threads. The first failure, or Ctrl-C, ends the others at their next page.

    Attributes:
        parallelism: How many run at once.
    """

    parallelism: int = 4

    def __call__(
        self, work: Callable[[Any, Pulse], Any], tasks: Sequence[Any], on_items: Callable[[int], None]
    ) -> list[Any]:
        """Runs all tasks; returns their results in order, or raises once none runs any more."""
        stop, lock = threading.Event(), threading.Lock()

        def pulse(items: int) -> None:
            if stop.is_set():
                raise CancelledError
            with lock:
                on_items(items)

        with ThreadPoolExecutor(self.parallelism, thread_name_prefix="export") as pool:
            futures = [pool.submit(work, task, pulse) for task in tasks]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [future.result() for future in futures]
