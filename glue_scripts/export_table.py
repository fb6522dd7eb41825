"""Glue Spark job: spreads the units of one export over the executors.

    --table Orders --bucket exports --read_percentage 0.25 ...      see dynamo_assets.export.request.ExportRequest

It needs the `dynamo_assets` package (`--extra-py-files`) with msgspec and pyarrow (`--additional-python-modules`), and
nothing of Glue's own libraries. While it runs it prints how far it is, and last `manifest s3://...`.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext

from dynamo_assets import errors
from dynamo_assets.export import ExportRequest, Observer, Plan, run_export
from dynamo_assets.export.progress import WARNING_PREFIX, progress_line
from dynamo_assets.export.remote_supervision import Address, RemoteSupervisor, serve_supervisor
from dynamo_assets.export.supervision import Supervisor

REPORT_SECONDS = 2.0
_FAILED = "export unit failed: "


def parse_args(argv: Sequence[str]) -> ExportRequest:
    """The export that a job run's arguments ask for; Glue's own arguments are passed over.

    Raises:
        ValueError: A value is out of its range.
    """
    return replace(ExportRequest.from_arguments(argv), engine="glue")


class Executors:
    """Maps units over Spark's executors; see `dynamo_assets.export.attempt.Mapper`."""

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
        with serve_supervisor(supervisor, self._context.getConf().get("spark.driver.host", "localhost")) as address:
            try:
                return self._context.parallelize(tasks, len(tasks)).map(partial(_run, work, address)).collect()
            except Py4JJavaError as error:
                raise _reason(error) from None


def _run(work: Callable[..., Any], driver: Address, task: Any) -> Any:
    try:
        with RemoteSupervisor(driver) as supervisor:
            return work(task, supervisor)
    except Exception as error:
        # Through the JVM only text arrives: one line of it that the driver can find again.
        raise RuntimeError(_FAILED + json.dumps([type(error).__name__, str(error)])) from error


def _reason(error: Py4JJavaError) -> Exception:
    text = str(error.java_exception.getMessage())
    if match := re.search(re.escape(_FAILED) + r"(\[.*\])$", text, re.MULTILINE):
        name, message = json.loads(match[1])
        kind = getattr(errors, name, None)
        return kind(message) if kind else errors.ExportError(f"{name}: {message}")
    return errors.ExportError(f"Spark could not run the units: {text}")


def main(argv: Sequence[str]) -> None:
    """Runs one export.

    Raises:
        DynamoAssetsError: Its text becomes the run's `ErrorMessage`.
    """
    request = parse_args(argv)
    # A unit that runs twice at once would read twice.
    context = SparkContext.getOrCreate(SparkConf().set("spark.speculation", "false"))
    shown_at = time.monotonic()

    def on_plan(plan: Plan) -> None:
        print(f"plan: {plan.describe()}", flush=True)

    def on_progress(done: int, expected: int) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at >= REPORT_SECONDS:
            shown_at = time.monotonic()
            print(progress_line(done, expected), flush=True)

    def on_warning(text: str) -> None:
        print(f"{WARNING_PREFIX}{text}", flush=True)

    manifest = run_export(request, Executors(context), observer=Observer(on_plan, on_warning, on_progress))
    print(progress_line(manifest.rows, manifest.rows), flush=True)
    layout = request.layout
    print(f"manifest {layout.uri(layout.manifest_key(request.name, manifest.snapshot_timestamp))}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
