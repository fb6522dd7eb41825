"""Exports on Spark: units on its executors, their supervisor and the manifest on its driver.

The only module of the export core that needs PySpark, which Glue has. What an executor raises reaches the driver
through the JVM, so as text: errors are carried in one line of it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JJavaError

from dynamo_assets import errors
from dynamo_assets.export.attempt import Mapper
from dynamo_assets.export.progress import WARNING_PREFIX, progress_line
from dynamo_assets.export.remote_supervision import Address, RemoteSupervisor, serve_supervisor
from dynamo_assets.export.run import Observer, run_export
from dynamo_assets.export.supervision import Supervisor

if TYPE_CHECKING:
    from pyspark import SparkContext

    from dynamo_assets.export.manifest import Manifest
    from dynamo_assets.export.plan import Plan
    from dynamo_assets.export.request import ExportRequest

REPORT_SECONDS = 2.0
_FAILED = "export unit failed: "


class Executors(Mapper):
    """Maps units over Spark's executors."""

    def __init__(self, context: SparkContext):
        self._context = context

    @property
    def parallelism(self) -> int:
        """How many units run at once: the executors' cores."""
        return self._context.defaultParallelism

    def __call__(self, work: Callable[..., Any], tasks: Sequence[Any], supervisor: Supervisor) -> list[Any]:
        """Runs all tasks.

        Raises:
            ExportError: What a unit raised on its executor, each of the times that Spark tried it.
        """
        with supervised(self._context, supervisor) as address:
            return self._context.parallelize(tasks, len(tasks)).map(partial(_run, work, address)).collect()


def _run(work: Callable[..., Any], driver: Address, task: Any) -> Any:
    with reporting(driver) as supervisor:
        return work(task, supervisor)


@contextmanager
def supervised(context: SparkContext, supervisor: Supervisor) -> Iterator[Address]:
    """On the driver: where executors reach the supervisor, for a job that uses `reporting`; its errors as they were.

    Raises:
        ExportError: What an executor raised.
    """
    with serve_supervisor(supervisor, context.getConf().get("spark.driver.host", "localhost")) as address:
        try:
            yield address
        except Py4JJavaError as error:
            raise _reason(error) from None


@contextmanager
def reporting(driver: Address) -> Iterator[RemoteSupervisor]:
    """On an executor: the supervisor, and errors packed so that `supervised` finds them again."""
    try:
        with RemoteSupervisor(driver) as supervisor:
            yield supervisor
    except Exception as error:
        raise RuntimeError(_FAILED + json.dumps([type(error).__name__, str(error)])) from error


def _reason(error: Py4JJavaError) -> Exception:
    text = str(error.java_exception.getMessage())
    if match := re.search(re.escape(_FAILED) + r"(\[.*\])$", text, re.MULTILINE):
        name, message = json.loads(match[1])
        kind = getattr(errors, name, None)
        return kind(message) if kind else errors.ExportError(f"{name}: {message}")
    return errors.ExportError(f"Spark could not run the units: {text}")


def run_on_spark(request: ExportRequest, executors: Executors) -> Manifest:
    """Runs one export as a Glue job does: what happens is printed, the manifest's address last.

    Raises:
        DynamoAssetsError: Its text becomes the run's `ErrorMessage`.
    """
    shown_at = time.monotonic()

    def say(text: str) -> None:
        print(text, flush=True)

    def on_plan(plan: Plan) -> None:
        say(f"plan: {plan.describe()}")

    def on_warning(text: str) -> None:
        say(f"{WARNING_PREFIX}{text}")

    def on_progress(done: int, expected: int) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at >= REPORT_SECONDS:
            shown_at = time.monotonic()
            say(progress_line(done, expected))

    observer = Observer(on_plan, on_warning, on_progress)
    manifest = run_export(request, executors, observer=observer)
    say(progress_line(manifest.rows, manifest.rows))
    layout = request.layout
    say(f"manifest {layout.uri(layout.manifest_key(request.name, manifest.snapshot_timestamp))}")
    return manifest
