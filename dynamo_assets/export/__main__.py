"""`python -m dynamo_assets.export --table T --bucket B`: one export, in this process, with nothing of Dagster."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TextIO

import dynamo_assets.export.memory  # noqa: F401 - before what imports pyarrow

# isort: split
from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.errors import DynamoAssetsError
from dynamo_assets.export.in_process import InProcess
from dynamo_assets.export.plan import Plan
from dynamo_assets.export.progress import WARNING_PREFIX, progress_line
from dynamo_assets.export.request import ExportRequest, add_arguments
from dynamo_assets.export.run import Observer, run_export

BAR_WIDTH = 30
TERMINAL_SECONDS = 0.2
LOG_SECONDS = 10.0


@dataclass
class Progress:
    """A progress bar on a terminal, a line now and then anywhere else.

    Attributes:
        out: Where it goes.
        started: When the first item came, by the monotonic clock.
    """

    out: TextIO
    started: float = field(default_factory=time.monotonic)
    _shown: float = 0.0
    _line: str = ""

    def plan(self, plan: Plan) -> None:
        """Says what is going to happen."""
        print(f"Plan: {plan.describe()}", file=self.out, flush=True)
        self.started = time.monotonic()

    def warn(self, text: str) -> None:
        """Says what a person should know."""
        print(f"{WARNING_PREFIX}{text}", file=self.out, flush=True)

    def show(self, done: int, expected: int) -> None:
        """Shows how far the export is, unless it did so a moment ago."""
        now = time.monotonic()
        if now - self._shown < (TERMINAL_SECONDS if self.out.isatty() else LOG_SECONDS):
            return
        self._shown = now
        self._line = progress_line(done, expected, now - self.started)
        if self.out.isatty():
            filled = min(BAR_WIDTH, BAR_WIDTH * done // max(expected, done, 1))
            print(
                f"\r\x1b[K[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {self._line}", end="", file=self.out, flush=True
            )
        else:
            print(self._line, file=self.out, flush=True)

    def end(self) -> None:
        """Leaves the terminal at the start of a line."""
        if self._line and self.out.isatty():
            print(file=self.out, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dynamo_assets.export",
        description="Exports one DynamoDB table to one snapshot in S3; prints the manifest's key last.",
        allow_abbrev=False,
    )
    add_arguments(parser)
    parser.add_argument(
        "--workers", type=int, default=min(8, 2 * _cores()), help="units at once (default: %(default)s)"
    )
    return parser


def _cores() -> int:
    """Those that this process may use, where the system tells; in a container they are fewer than the machine has."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one export; returns the exit code: 0, 1 for a failure, 130 for Ctrl-C."""
    options = vars(_parser().parse_args(argv))
    workers = options.pop("workers")
    progress = Progress(sys.stderr)
    # A terminated export clears up after itself as an interrupted one does; and one that a shell started in the
    # background, where SIGINT is ignored unless asked for, can be interrupted too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        request = ExportRequest(**options)
        observer = Observer(on_plan=progress.plan, on_warning=progress.warn, on_progress=progress.show)
        manifest = run_export(request, InProcess(max(1, workers)), observer=observer)
    except (DynamoAssetsError, ValueError, BotoCoreError, ClientError) as error:
        progress.end()
        print(f"{type(error).__name__}: {error}", *_notes(error), sep="\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        progress.end()
        told = _notes(interrupt) or ["no snapshot was published, and the files written so far are removed"]
        print("Interrupted:", *told, file=sys.stderr)
        return 130
    progress.end()
    print(f"{manifest.rows:,} rows, {manifest.bytes:,} bytes in {len(manifest.files)} file(s)", file=sys.stderr)
    print(request.layout.manifest_key(request.name, manifest.snapshot_timestamp))
    return 0


def _notes(error: BaseException) -> list[str]:
    """What `dynamo_assets.export.attempt.Attempt.discard` has to say."""
    return getattr(error, "__notes__", [])


if __name__ == "__main__":
    sys.exit(main())
