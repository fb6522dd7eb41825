"""Runs the contestants in rounds, each once in every round, and checks what each made."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.contestants import Contestant
from benchmarks.pages import Pages
from benchmarks.plan import Entry
from benchmarks.replay.server import ROOT, Replay

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class RunError(Exception):
    """A contestant failed, or made something else than was asked for."""


@dataclass(frozen=True)
class Usage:
    """What one process took, from its start to its end."""

    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int


@dataclass
class Measured:
    """All runs of one entry.

    Attributes:
        items: The table's items; the number asked for fills its last page.
        failure: Why there are no more runs.
    """

    entry: Entry
    items: int
    runs: list[Usage] = field(default_factory=list)
    failure: str = ""


@dataclass
class Bench:
    """Measures on one replay server.

    Attributes:
        replay: The server.
        cache: Where its tables are.
        core: The core that contestants are pinned to.
        environment: Of the contestants, beside what points them at the server.
    """

    replay: Replay
    cache: Path
    core: int
    environment: Mapping[str, str]

    def __post_init__(self) -> None:
        self._s3: S3Client = boto3.client(
            "s3",
            endpoint_url=self.replay.url,
            region_name="us-east-1",
            aws_access_key_id="benchmark",
            aws_secret_access_key="benchmark",
        )

    def imports(self, contestant: Contestant) -> Usage:
        """What a contestant takes before it has done anything. Its second run counts: the first compiles."""
        self._run(contestant.imports())
        return self._run(contestant.imports())[0]

    def items(self, entry: Entry) -> int:
        """How many items an entry's table has."""
        return Pages(self.cache / entry.data).items(entry.items)

    def measure(self, entry: Entry) -> Usage:
        """Runs an entry once and checks the number of rows that it made.

        Raises:
            RunError: It failed, or the number is wrong.
        """
        bucket = entry.bucket
        if entry.contestant.export:
            for key, content in entry.contestant.export.objects(self.cache / entry.data, entry.table, bucket):
                self._s3.put_object(Bucket=bucket, Key=key, Body=content)
        before = self._parquet_keys(bucket)
        usage, output = self._run(entry.contestant.command(entry.table, bucket))
        if entry.contestant.prints_rows:
            printed, *seconds = output.split()
            rows, usage = int(printed), replace(usage, cpu_seconds=float(seconds[0])) if seconds else usage
        else:
            rows = sum(self._rows(bucket, key) for key in self._parquet_keys(bucket) - before)
        if not entry.leaves_hint:
            self._empty(bucket)
        if rows != (items := self.items(entry)):
            raise RunError(f"{entry.contestant.name} made {rows:,} rows of the {items:,} items of {entry.table}")
        return usage

    def _run(self, command: Sequence[str]) -> tuple[Usage, str]:
        with tempfile.TemporaryDirectory() as folder:
            result = Path(folder, "usage.json")
            measuring = [sys.executable, "-I", "-S", str(ROOT / "benchmarks" / "measure.py"), str(result)]
            done = subprocess.run(
                [*measuring, str(self.core), *command],
                env={**self.environment, **self.replay.environment()},
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["without a word"])[-1]
                raise RunError(f"`{' '.join(command)}` ended with {done.returncode}: {last}")
            return Usage(**json.loads(result.read_text())), done.stdout

    def _rows(self, bucket: str, key: str) -> int:
        body = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return pq.read_metadata(pa.BufferReader(body)).num_rows

    def _parquet_keys(self, bucket: str) -> set[str]:
        return {key for key in self._keys(bucket) if key.endswith(".parquet")}

    def _keys(self, bucket: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def _empty(self, bucket: str) -> None:
        for key in self._keys(bucket):
            self._s3.delete_object(Bucket=bucket, Key=key)


def run_rounds(
    bench: Bench, entries: Sequence[Entry], rounds: int, deadline: float, tell: Callable[[str], None]
) -> list[Measured]:
    """Every entry once in each round, so that all of them meet the same ups and downs of the machine.

    Args:
        bench: What measures.
        entries: In the order in which they run; one with a hint comes after the one that leaves it.
        rounds: How many.
        deadline: By the monotonic clock; after its first run an entry runs again only where it will have ended by then.
        tell: Is told of every run.
    """
    measured = [Measured(entry, bench.items(entry)) for entry in entries]
    for number in range(rounds):
        for result in measured:
            longest = max((run.wall_seconds for run in result.runs), default=0.0)
            late = number and time.monotonic() + longest > deadline
            if not (late or result.failure or (number and result.entry.once)):
                _measure(bench, result)
                tell(f"round {number + 1} of {rounds}: {_last_run(result)}")
    return measured


def _measure(bench: Bench, result: Measured) -> None:
    try:
        result.runs.append(bench.measure(result.entry))
    except RunError as error:
        result.failure = str(error)


def _last_run(result: Measured) -> str:
    usage = result.runs[-1] if result.runs and not result.failure else None
    took = f"{usage.cpu_seconds:.1f} CPU s, {usage.peak_rss_bytes / 1e6:.0f} MB" if usage else result.failure
    return f"{result.entry.group}, {result.entry.contestant.name}: {result.items:,} items, {took}"
