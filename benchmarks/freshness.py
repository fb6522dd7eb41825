"""How long ticks of the freshness sensor take, and how many requests they make: `python -m benchmarks.freshness`.

On a sandbox in a process of its own, with views and manifests that no pipeline has made: first tick, a tick where
nothing has changed, one after every table took a snapshot that is not published, one after all were published, and one
where all of them are too old.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from dynamo_assets.configuration.settings import Settings
from dynamo_assets.export.manifest import Manifest, ManifestColumn, ManifestFile
from dynamo_assets.sandbox.server import spawn
from tests.freshness.lake import Lake, ago

COLUMNS = 40
WRITERS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=500)
    parser.add_argument("--snapshots", type=int, default=30, help="of each table, an hour apart")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, spawn(log_path=Path(folder) / "sandbox.log") as endpoint:
        os.environ.update(endpoint.environment())
        lake = Lake(_settings(options.tables))
        lake.create()
        names = [table.table for table in lake.settings.tables]
        history = [ago(hours=hours) for hours in range(options.snapshots, 0, -1)]
        began = time.monotonic()
        _each(names, lambda name: [lake.snapshot(name, label, like=_manifest(label)) for label in history])
        _each(names, lambda name: _views(lake, name, history[-1]))
        print(f"{options.tables} tables of {options.snapshots} snapshots, made in {time.monotonic() - began:.0f} s")
        _tick(lake, "first")
        _tick(lake, "nothing changed")
        label = ago(minutes=1)
        _each(names, lambda name: lake.snapshot(name, label, like=_manifest(label)))
        _tick(lake, "a new snapshot of each, not published")
        _tick(lake, "nothing changed since")
        _each(names, lambda name: lake.reject(name, label, "no rows where there were 1,000"))
        _tick(lake, "each was rejected")
        _tick(lake, "nothing changed since")
        _each(names, lambda name: lake.show(name, label))
        _tick(lake, "all published")


def _settings(tables: int) -> Settings:
    freshness = {"warn": "2h", "fail": "6h"}
    return Settings.model_validate(
        {
            "storage": {"bucket": "exports"},
            "tables": [
                {"table": f"Table-{number:03}", "name": f"table_{number:03}", "freshness": freshness}
                for number in range(tables)
            ],
        }
    )


def _manifest(label: str) -> Manifest:
    """Of a table with a few dozen columns and files."""
    return Manifest(
        table="", name="", snapshot_timestamp=label, slot=None, engine="glue", format="parquet", location="",
        started_at="", finished_at="", rows=1_000, bytes=1_000_000, read={},
        files=tuple(ManifestFile(f"data/part-{n:05}.parquet", 50, 50_000, "0" * 64, "0" * 44) for n in range(20)),
        columns=tuple(ManifestColumn(f"column_{n}", f"Column{n}", "string", {"S": 1_000}) for n in range(COLUMNS)),
    )  # fmt: skip


def _views(lake: Lake, name: str, label: str) -> None:
    """The raw table and the view."""
    columns = [{"Name": f"column_{number}", "Type": "string"} for number in range(COLUMNS)]
    raw = f"snapshots_{lake.table(name).name}"
    lake.put_table({"Name": raw, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {"Columns": columns}})
    lake.show(name, label)


def _each(names: Sequence[str], action: Callable[[str], Any]) -> None:
    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(action, names))


def _sandbox_cpu() -> float:
    """The CPU seconds of this process's children, of which the sandbox is the only one."""
    ticks = 0
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # utime and stime, proc(5)
    return ticks / os.sysconf("SC_CLK_TCK")


def _tick(lake: Lake, what: str) -> None:
    requests: Counter[str] = Counter()
    client: Any = BaseClient
    call = client._make_api_call

    def counted(self: Any, operation: str, parameters: Any) -> Any:
        requests[operation] += 1
        return call(self, operation, parameters)

    # A tick makes clients of its own, so there is no other place to count at.
    with patch.object(client, "_make_api_call", counted):
        began, cpu, theirs = time.monotonic(), time.process_time(), _sandbox_cpu()
        tick = lake.tick()
        seconds, cpu, theirs = time.monotonic() - began, time.process_time() - cpu, _sandbox_cpu() - theirs
    made = ", ".join(f"{number:,} {name}" for name, number in sorted(requests.items()))
    print(
        f"{what}: {seconds:.1f} s, CPU {cpu:.1f} s, the sandbox's {theirs:.1f} s, {len(tick.events):,} events; {made}",
        flush=True,
    )


if __name__ == "__main__":
    main()
