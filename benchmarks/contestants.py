"""Who is measured: how each is started, and how it tells how many rows it made."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.native_exports import NativeExport

AWSWRANGLER_PYTHON = Path(".local/bench/awswrangler/bin/python")
# What the command would choose by itself on a machine with one core. It counts the machine's cores, not those that it
# is pinned to.
ONE_CORE_WORKERS = 2


@dataclass(frozen=True)
class Contestant:
    """One way to export a table.

    Attributes:
        name: As the report shows it.
        module: What runs, with `python -m`.
        python: The interpreter that has what it needs.
        options: Beside those that name the table and where it goes.
        needs_key: Whether it is to be told the key of its Parquet file; ours finds its own.
        prints_rows: Whether it prints the number of rows instead of writing a file, and perhaps the CPU seconds that
            count instead of the whole process's.
        export: The native export that it reads instead of the table.
    """

    name: str
    module: str
    python: Path = Path(sys.executable)
    options: Sequence[str] = ()
    needs_key: bool = True
    prints_rows: bool = False
    export: NativeExport | None = None

    def command(self, table: str, bucket: str) -> list[str]:
        """The command that exports a table of the replay server to a bucket of it."""
        target = ["--key", f"{self.name}.parquet"] if self.needs_key else []
        source = ["--native-export", self.export.summary_key] if self.export else []
        arguments = ["--table", table, "--bucket", bucket, *target, *source, *self.options]
        return [str(self.python), "-m", self.module, *arguments]

    def imports(self) -> list[str]:
        """A command that imports all that the contestant imports, and ends."""
        return [str(self.python), "-c", f"import {self.module}"]


_OURS = ("--read-percentage", "1.0", "--workers", str(ONE_CORE_WORKERS))
OURS = Contestant("ours, no hint", "dynamo_assets.export.__main__", options=_OURS, needs_key=False)
# The hint is the manifest that the run before it left in the same bucket.
OURS_WITH_HINT = Contestant("ours, hint", "dynamo_assets.export.__main__", options=_OURS, needs_key=False)
BOTO3_PYARROW = Contestant("boto3+TypeDeserializer+pyarrow", "benchmarks.peers.boto3_pyarrow")
BOTO3_SCAN = Contestant("boto3+TypeDeserializer, no file", "benchmarks.peers.boto3_scan", prints_rows=True)
AWSWRANGLER = Contestant("awswrangler", "benchmarks.peers.awswrangler_parquet", python=AWSWRANGLER_PYTHON)

_EXPORT, _NEXT_EXPORT = NativeExport("2026-11-23T10:00:00"), NativeExport("2026-11-24T10:00:00")


def _ours_native(name: str, export: NativeExport) -> Contestant:
    options = ("--snapshot-timestamp", export.label, "--workers", str(ONE_CORE_WORKERS))
    return Contestant(name, OURS.module, options=options, needs_key=False, export=export)


OURS_NATIVE = _ours_native("ours, native, no hint", _EXPORT)
OURS_NATIVE_WITH_HINT = _ours_native("ours, native, hint", _NEXT_EXPORT)
GUNZIP_ISAL = Contestant("gunzip alone, isal", "benchmarks.peers.gunzip_isal", prints_rows=True, export=_EXPORT)
GUNZIP_ZLIB = Contestant("gunzip alone, zlib", "benchmarks.peers.gunzip", prints_rows=True, export=_EXPORT)
DECODE = Contestant("our decoding alone", "benchmarks.native_decode", prints_rows=True, export=_EXPORT)
PYARROW_JSON = Contestant("pyarrow.json", "benchmarks.peers.native_pyarrow", export=_EXPORT)
DUCKDB_JSON = Contestant("DuckDB read_json", "benchmarks.peers.native_duckdb", export=_EXPORT)
