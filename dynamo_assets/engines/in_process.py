"""Engine `in_process`: the export core in the Dagster run, for tables too small to be worth a Glue job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import boto3
from dagster import DagsterExecutionInterruptedError

from dynamo_assets.aws.cancellation import Cancellation, current_cancellation, in_turn
from dynamo_assets.engines.sizer import Sizer
from dynamo_assets.engines.snapshot import Log, Snapshot
from dynamo_assets.engines.work import Work
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.export.progress import WARNING_PREFIX, progress_line
from dynamo_assets.export.request import ExportRequest

ENGINE = "in_process"
THREADS = 2
"""Units at once: the run's other steps need the processor too."""
AT_ONCE = 2
"""Exports at once in one process: point-in-time steps wait side by side, and may all have something to convert."""
LOG_SECONDS = 10.0


_turns = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class InProcessEngine:
    """Runs exports on threads of the Dagster run.

    There is nothing to attach to: an export ends with the process that runs it, and what it left has no manifest.

    Attributes:
        session: Where credentials come from.
        sizer: Says what an export is expected to take.
    """

    session: boto3.Session
    sizer: Sizer

    def take_snapshot(
        self, request: ExportRequest, *, before_start: Callable[[], None], log: Log, work: Work | None = None
    ) -> Snapshot:
        """See `Engine.take_snapshot`.

        Raises:
            ExportError: The export could not be completed; nothing of it is left.
        """
        cancellation = current_cancellation()
        with in_turn(_turns):
            before_start()
            _, expected = self.sizer.size(request, ENGINE, work, log)
            return Snapshot(self._export(request, cancellation, log), expected)

    def _export(self, request: ExportRequest, cancellation: Cancellation, log: Log) -> Manifest:
        # The core brings pyarrow, 50 MB that a process which only loads the definitions need not pay for.
        from dynamo_assets.export import InProcess, Observer, run_export  # noqa: PLC0415

        started = time.monotonic()
        logged = started

        def on_progress(done: int, expected: int) -> None:
            nonlocal logged
            if cancellation.requested:
                raise DagsterExecutionInterruptedError("The run was cancelled")
            now = time.monotonic()
            if now - logged >= LOG_SECONDS:
                logged = now
                log(progress_line(done, expected, now - started))

        observer = Observer(
            on_plan=lambda plan: log(f"Plan: {plan.describe()}"),
            on_warning=lambda text: log(f"{WARNING_PREFIX}{text}"),
            on_progress=on_progress,
        )
        manifest = run_export(request, InProcess(THREADS), session=self.session, observer=observer)
        log(progress_line(manifest.rows, manifest.rows, time.monotonic() - started))
        return manifest
