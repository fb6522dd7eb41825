"""Every contestant is measured and its rows are counted; the report says what was asked for and whether it was met."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.contestants import (
    BOTO3_PYARROW,
    BOTO3_SCAN,
    DECODE,
    DUCKDB_JSON,
    GUNZIP_ISAL,
    OURS,
    OURS_NATIVE,
    OURS_WITH_HINT,
    Contestant,
)
from benchmarks.plan import ENTRIES, Entry, Target
from benchmarks.replay.server import Replay
from benchmarks.report import report
from benchmarks.rounds import Bench, Measured, RunError, Usage, run_rounds
from tests.benchmarks.small_tables import ITEMS


@pytest.fixture
def bench(server: Replay, cache: Path) -> Bench:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return Bench(server, cache, max(os.sched_getaffinity(0)), environment)


def test_each_contestant_runs_in_each_round_and_one_with_a_hint_after_its_like(bench: Bench) -> None:
    entries = [
        Entry("keys50k", "keys50k", 1000, OURS, leaves_hint=True),
        Entry("keys50k", "keys50k", 1000, OURS_WITH_HINT),
        Entry("keys50k", "keys50k", 500, BOTO3_PYARROW, once=True),
    ]
    told: list[str] = []
    measured = run_rounds(bench, entries, 2, float("inf"), told.append)
    assert [len(result.runs) for result in measured] == [2, 2, 1]
    assert len(told) == 5
    assert [result.items for result in measured] == [1000, 1000, 500]
    assert not any(result.failure for result in measured)
    for run in (run for result in measured for run in result.runs):
        assert 0.1 < run.cpu_seconds < run.wall_seconds + 1
        assert 20e6 < run.peak_rss_bytes < 1e9


def test_a_native_export_is_read_by_ours_and_by_every_peer(bench: Bench) -> None:
    entries = [
        replace(entry, items=ITEMS["friendly"], once=not entry.target) for entry in ENTRIES if entry.group == "native"
    ]
    measured = run_rounds(bench, entries, 2, float("inf"), print)
    assert [result.failure for result in measured] == [""] * 7
    assert [len(result.runs) for result in measured] == [2, 2, 1, 1, 1, 1, 1]
    first = {result.entry.contestant: result.runs[0].cpu_seconds for result in measured}
    assert 0 < first[DECODE] < first[GUNZIP_ISAL]  # the start-up is not counted
    text = report(measured, {}, "")
    assert "Native export, items / CPU s: gunzip alone " in text
    assert "times pyarrow.json; " in text


def test_a_native_export_that_is_not_the_whole_table_is_found_out(bench: Bench) -> None:
    entry = Entry("native", "friendly", 2 * ITEMS["friendly"], GUNZIP_ISAL)
    with pytest.raises(RunError, match="made 4,000 rows of the 8,000 items of friendly-8000"):
        bench.measure(entry)


def test_a_contestant_that_makes_too_few_rows_or_fails_is_found_out(bench: Bench) -> None:
    liar = replace(BOTO3_SCAN, prints_rows=False)
    with pytest.raises(RunError, match="made 0 rows of the 7 items of big-7"):
        bench.measure(Entry("big", "big", 7, liar))
    (failed,) = run_rounds(bench, [Entry("none", "big", 7, replace(OURS, options=["--wrong"]))], 2, 0.0, print)
    assert "unrecognized arguments: --wrong" in failed.failure
    assert "FAILED" in report([failed], {}, "")


def test_no_round_is_begun_that_would_end_too_late(bench: Bench) -> None:
    (result,) = run_rounds(bench, [Entry("big", "big", 7, BOTO3_SCAN)], 5, 0.0, print)
    assert len(result.runs) == 1


@pytest.mark.parametrize(
    ("cpu_seconds", "rss_mb", "verdict"),
    [
        (0.5, 300, "20.0x | >= 12x (floor 7x), <= 300 MB | speed met, memory met "),
        (1.0, 301, "10.0x | >= 12x (floor 7x), <= 300 MB | speed MISSED (above floor), memory MISSED "),
        (2.0, 300, "5.0x | >= 12x (floor 7x), <= 300 MB | speed MISSED, memory met "),
    ],
)
def test_the_report_says_what_was_met(cpu_seconds: float, rss_mb: int, verdict: str) -> None:
    target = Target(300, times=12, floor=7)
    ours = Measured(Entry("friendly", "friendly", 10, OURS, target), 1000)
    # The median counts, whatever the others are.
    ours.runs = [Usage(1, seconds, rss_mb * 10**6) for seconds in (cpu_seconds, 0.01, 100)]
    peer = Measured(Entry("friendly", "friendly", 1, BOTO3_PYARROW), 100, [Usage(1, 1.0, 10**6)])
    assert verdict in report([ours, peer], {}, "")


def test_half_of_what_gunzip_and_decoding_would_make_together_is_asked_for() -> None:
    def took(contestant: Contestant, cpu_seconds: float, target: Target | None = None) -> Measured:
        return Measured(Entry("native", "friendly", 1000, contestant, target), 1000, [Usage(1, cpu_seconds, 10**6)])

    target = Target(300, times=0.5, peers=(GUNZIP_ISAL, DECODE))
    peers = [took(GUNZIP_ISAL, 0.4), took(DECODE, 0.6), took(DUCKDB_JSON, 10.0)]
    met = report([took(OURS_NATIVE, 1.9, target), *peers], {}, "")
    assert "0.5x | >= 0.5x, <= 300 MB | speed met, memory met" in met
    assert (
        "gunzip alone 2,500, our decoding alone 1,667, one after the other 1,000; asked for half of that, 500; ours "
        "526: met; 5.3 times DuckDB read_json"
    ) in met
    assert "speed MISSED" in report([took(OURS_NATIVE, 2.1, target), *peers], {}, "")
