"""`python -m benchmarks`: generates what is missing, measures, prints the table. Speed is reported, never asserted."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

from benchmarks.contestants import AWSWRANGLER, Contestant
from benchmarks.native_exports import generate_export
from benchmarks.pages import CACHE, generate
from benchmarks.plan import ENTRIES, GROUPS, Entry
from benchmarks.replay.server import ROOT, replay_server
from benchmarks.report import machine, report
from benchmarks.rounds import Bench, Measured, run_rounds
from benchmarks.tables import TABLES

RESULTS = Path(".local/bench/results.json")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="The export core beside its peers, on one core, on a replay server.",
    )
    parser.add_argument("--tables", nargs="+", choices=GROUPS, default=GROUPS, help="only these (default: all)")
    parser.add_argument("--runs", type=int, default=5, help="of each, of which the median counts (default: 5)")
    parser.add_argument(
        "--minutes", type=float, default=9.5, help="repeat no run that would end later (default: %(default)s)"
    )
    parser.add_argument("--most-items", type=int, help="leave out what has more items than this")
    return parser


def _chosen(options: argparse.Namespace) -> list[Entry]:
    entries = [entry for entry in ENTRIES if entry.group in options.tables]
    if options.most_items:
        entries = [entry for entry in entries if entry.items <= options.most_items]
    if not AWSWRANGLER.python.exists():
        print("awswrangler is left out: `make bench` installs it", file=sys.stderr)
        entries = [entry for entry in entries if entry.contestant is not AWSWRANGLER]
    return entries


def _environment() -> dict[str, str]:
    """A contestant's environment: the user's, without what could send it to an AWS or change how it runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    return {**kept, "PYTHONPATH": str(ROOT)}


def _awswrangler_versions(contestants: Sequence[Contestant]) -> str:
    if AWSWRANGLER not in contestants:
        return ""
    program = (
        "from importlib.metadata import version as v\n"
        "print(', '.join(f'{n} {v(n)}' for n in ('awswrangler', 'pandas', 'pyarrow')))"
    )
    command = [str(AWSWRANGLER.python), "-c", program]
    return "; beside it " + subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _save(everything: Sequence[Measured], about: str) -> None:
    rows = [
        {
            "table": measured.entry.data,
            "contestant": measured.entry.contestant.name,
            "items": measured.items,
            "failure": measured.failure,
            "runs": [asdict(run) for run in measured.runs],
        }
        for measured in everything
    ]
    RESULTS.write_text(json.dumps({"machine": about, "results": rows}, indent=1))


def main(argv: Sequence[str] | None = None) -> int:
    """Measures; returns 0 also where a target is missed, 1 where a contestant failed."""
    began = time.monotonic()
    options = _parser().parse_args(argv)
    os.chdir(ROOT)
    tell = partial(print, file=sys.stderr, flush=True)
    entries = _chosen(options)
    if not entries:
        tell("there is nothing of that to measure")
        return 2
    tell("generating tables, where they are missing")
    exported = {entry.data for entry in entries if entry.contestant.export}
    makers = {entry.data: generate_export if entry.data in exported else generate for entry in entries}
    with ProcessPoolExecutor(2) as pool:
        for made in [pool.submit(make, data) for data, make in makers.items()]:
            made.result()
    cores = sorted(os.sched_getaffinity(0))
    server_core, core = cores[0], cores[-1]
    about = machine(core, server_core)
    contestants = list(dict.fromkeys(entry.contestant for entry in entries))
    about += _awswrangler_versions(contestants)
    with replay_server(CACHE, server_core) as replay:
        bench = Bench(replay, CACHE, core, _environment())
        by_module = {contestant.module: contestant for contestant in reversed(contestants)}
        start_up = {contestant: bench.imports(contestant) for contestant in reversed(by_module.values())}
        everything = run_rounds(bench, entries, options.runs, began + 60 * options.minutes, tell)
    _save(everything, about)
    sets = dict.fromkeys(entry.data for entry in entries if entry.items > TABLES[entry.data].items)
    repeated = ", ".join(f"{name} of {TABLES[name].items:,}" for name in sets) or "none here"
    print(f"\n{about}\n\n{report(everything, start_up, repeated)}\n\nAll of it took {time.monotonic() - began:.0f} s.")
    return 1 if any(measured.failure for measured in everything) else 0


if __name__ == "__main__":
    sys.exit(main())
