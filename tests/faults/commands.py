"""Runs of `python -m dynamo_assets.export` or `dagster`, to be killed: forked from a process that has imported it all.

Python and pyarrow take a second to start, Dagster three, which these tests would spend a hundred times. A fork runs the
same `main`, in a process of its own, with the signals' handlers that it sets.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn

import boto3
import boto3.s3.inject
import boto3.s3.transfer
import pyarrow as pa
from botocore.loaders import JSONFileLoader

from dynamo_assets.export.__main__ import main
from dynamo_assets.export.formats import file_format

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Running:
    """One run of the command.

    Attributes:
        pid: Its process.
    """

    pid: int
    _commands: Commands
    _said: Path

    def wait(self) -> tuple[int, str]:
        """Waits for its end; gives its exit code and what it said."""
        return self._commands.ask({"wait": self.pid}), self._said.read_text()


class Commands:
    """Starts runs of the command."""

    def __init__(self, server: subprocess.Popen[str], folder: Path):
        self._server = server
        self._folder = folder

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], said: Path | None = None) -> Running:
        """Starts a run; what it says goes to the file `said`, by default one that the next run overwrites."""
        said = said or self._folder / "said"
        request = {"start": list(arguments), "environment": dict(environment), "said": str(said)}
        return Running(self.ask(request), self, said)

    def ask(self, request: Mapping[str, object]) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(json.dumps(request), file=self._server.stdin, flush=True)
        return int(self._server.stdout.readline())


@contextmanager
def serve_commands(folder: Path, program: str = "export") -> Iterator[Commands]:
    """Has the process from which runs are forked, until the block ends.

    Args:
        folder: Where what they say is kept.
        program: `export` or `dagster`.
    """
    command = [sys.executable, "-m", "tests.faults.commands", program]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            yield Commands(server, folder)
        finally:
            server.kill()


def _serve(program: str) -> None:
    _load()
    run = _dagster() if program == "dagster" else main
    for line in sys.stdin:
        request = json.loads(line)
        if pid := request.get("wait"):
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
        elif pid := os.fork():
            print(pid, flush=True)
        else:
            _run(run, request)


def _dagster() -> Callable[[Sequence[str]], int]:
    from dagster._cli import cli

    import dynamo_assets.definitions  # noqa: F401

    boto3.Session("x", "x", region_name="us-east-1").client("glue")
    return partial(cli.main, prog_name="dagster")


def _load() -> None:
    """Has everything in memory that a run reads from disk: modules, and botocore's descriptions of the services."""
    pa.array(["x"])  # brings pandas, where that is installed
    for name in ("parquet", "json"):
        file_format(name)
    loader: Any = JSONFileLoader
    load_file = cache(JSONFileLoader().load_file)
    loader.load_file = lambda _, path: load_file(path)
    for service in ("s3", "dynamodb"):
        boto3.Session("x", "x", region_name="us-east-1").client(service)


def _run(run: Callable[[Sequence[str]], int], request: Mapping[str, Any]) -> NoReturn:
    os.setsid()  # `dagster` kills its group
    os.environ.update(request["environment"])
    said = os.open(request["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(said, 1)
    os.dup2(said, 2)
    code = 1
    try:
        code = run(request["start"])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - as Python's own end of a process says it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])
