"""Glue Spark job: spreads the units of one export over the executors.

    --table Orders --bucket exports --read_percentage 0.25 ...      see dynamo_assets.export.request.ExportRequest

It needs the `dynamo_assets` package (`--extra-py-files`) with msgspec and pyarrow (`--additional-python-modules`), and
nothing of Glue's own libraries. While it runs it prints how far it is, and last `manifest s3://...`.
"""

from __future__ import annotations

import json
import re
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext

from dynamo_assets import errors
from dynamo_assets.export import ExportRequest, Observer, Plan, run_export
from dynamo_assets.export.progress import progress_line

REPORT_SECONDS = 2.0
_FAILED = "export unit failed: "


def parse_args(argv: Sequence[str]) -> ExportRequest:
    """The export that a job run's arguments ask for; Glue's own arguments are passed over.

    Raises:
        ValueError: A value is out of its range.
    """
    return replace(ExportRequest.from_arguments(argv), engine="glue")


class Executors:
    """Maps units over Spark's executors; see `dynamo_assets.export.run.Mapper`."""

    def __init__(self, context: SparkContext):
        self._context = context

    @property
    def parallelism(self) -> int:
        """How many units run at once: the executors' cores."""
        return self._context.defaultParallelism

    def __call__(self, work: Callable[..., Any], tasks: Sequence[Any], on_items: Callable[[int], None]) -> list[Any]:
        """Runs all tasks.

        Raises:
            ExportError: What a unit raised on its executor, each of the times that Spark tried it.
        """
        with _listening(self._context.getConf().get("spark.driver.host", "localhost"), on_items) as address:
            try:
                return self._context.parallelize(tasks, len(tasks)).map(partial(_run, work, address)).collect()
            except Py4JJavaError as error:
                raise _reason(error) from None


def _run(work: Callable[..., Any], driver: tuple[str, int], task: Any) -> Any:
    report = _Report(driver)
    try:
        return work(task, report)
    except Exception as error:
        # Through the JVM only text arrives: one line of it that the driver can find again.
        raise RuntimeError(_FAILED + json.dumps([type(error).__name__, str(error)])) from error
    finally:
        report.send()


def _reason(error: Py4JJavaError) -> Exception:
    text = str(error.java_exception.getMessage())
    if match := re.search(re.escape(_FAILED) + r"(\[.*\])$", text, re.MULTILINE):
        name, message = json.loads(match[1])
        kind = getattr(errors, name, None)
        return kind(message) if kind else errors.ExportError(f"{name}: {message}")
    return errors.ExportError(f"Spark could not run the units: {text}")


class _Report:
    """Tells the driver how many items a unit has read. Accumulators reach it only when a whole unit is done."""

    def __init__(self, driver: tuple[str, int]):
        self._driver: tuple[str, int] | None = driver
        self._unsent = 0
        self._sent_at = time.monotonic()

    def __call__(self, items: int) -> None:
        self._unsent += items
        if time.monotonic() - self._sent_at >= REPORT_SECONDS:
            self.send()

    def send(self) -> None:
        if self._driver is None or not self._unsent:
            return
        try:
            with socket.create_connection(self._driver, timeout=5) as connection:
                connection.sendall(str(self._unsent).encode())
        except OSError:
            self._driver = None  # progress is not worth a unit
        self._unsent, self._sent_at = 0, time.monotonic()


@contextmanager
def _listening(host: str, on_items: Callable[[int], None]) -> Iterator[tuple[str, int]]:
    class Handler(socketserver.StreamRequestHandler):
        timeout = 5

        def handle(self) -> None:
            if (sent := self.rfile.read(20)).isdigit():
                on_items(int(sent))

    with socketserver.TCPServer((host, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield host, server.server_address[1]
        finally:
            server.shutdown()


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

    manifest = run_export(request, Executors(context), observer=Observer(on_plan, on_progress))
    print(progress_line(manifest.rows, manifest.rows), flush=True)
    layout = request.layout
    print(f"manifest {layout.uri(layout.manifest_key(request.name, manifest.snapshot_timestamp))}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
