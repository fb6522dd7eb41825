"""The table that is printed in the end."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.contestants import DECODE, DUCKDB_JSON, GUNZIP_ISAL, OURS, OURS_NATIVE, PYARROW_JSON, Contestant
from benchmarks.plan import FLAT_FROM, FLAT_TIMES, FLAT_TO, Target
from benchmarks.rounds import Measured, Usage

_HEADER = (
    "table",
    "contestant",
    "items",
    "runs",
    "items / CPU s",
    "(min - max)",
    "RSS MB",
    "beside",
    "asked for",
    "verdict",
)
_NUMBERS = range(2, 8)
_NOTES = """\
items / CPU s: the table's items by the CPU seconds, user and system, of the whole process, start-up and upload to S3
  included. RSS: the process's peak, in 10**6 bytes. Both are medians of the runs; in brackets the lowest and highest.
beside: the row's items / CPU s by those of boto3+TypeDeserializer on the same table. The peers run on fewer items,
  because they take many times longer; so start-up weighs less on them than on ours. Of a native export: by those of
  gunzip (isal) and our decoding one after the other, the start-up counted once.
boto3+TypeDeserializer+pyarrow is given the schema in advance, writes nested values as JSON text, and streams.
awswrangler runs on a table without the attribute of two types: its typed read fails on that one (ArrowTypeError).
hint: the schema of the export before, which ours finds in its bucket. no hint: the bucket is empty.
native: DynamoDB's own export of the same items, in gzipped files. Ours verifies and unwraps it. gunzip counts lines and
  does no more. Our decoding alone: CPU seconds of that part only, without start-up, gunzip and writing. pyarrow.json
  and DuckDB infer types, keep `Item` and every value in a struct by its DynamoDB type, leave numbers and binary text,
  and make timestamps of text that looks like one; they check neither checksums nor counts.
Tables of more items than are generated repeat them, keys included: {repeated}."""


def _rate(measured: Measured, usage: Usage) -> float:
    return measured.items / usage.cpu_seconds


def _median_rate(measured: Measured) -> float:
    return median(_rate(measured, usage) for usage in measured.runs)


def _median_rss_mb(measured: Measured) -> float:
    return median(usage.peak_rss_bytes for usage in measured.runs) / 1e6


def _rate_of(contestants: Sequence[Contestant], group: str, everything: Sequence[Measured]) -> float | None:
    """The items / CPU s of one contestant, or of several where each does a part of the work."""
    rates = {m.entry.contestant: _median_rate(m) for m in everything if m.entry.group == group and m.runs}
    if not rates.keys() >= set(contestants):
        return None
    return 1 / sum(1 / rates[contestant] for contestant in contestants)


def _times_peer(measured: Measured, everything: Sequence[Measured], target: Target) -> float | None:
    rate = _rate_of(target.peers, measured.entry.group, everything)
    return _median_rate(measured) / rate if rate else None


def _speed_verdict(times: float | None, target: Target) -> str:
    if target.times is None or times is None:
        return ""
    if times >= target.times:
        return "speed met"
    return "speed MISSED" if target.floor is None or times < target.floor else "speed MISSED (above floor)"


def _asked_for(target: Target) -> str:
    speed = ""
    if target.times is not None:
        floor = f" (floor {target.floor:g}x)" if target.floor else ""
        speed = f">= {target.times:g}x{floor}, "
    return f"{speed}<= {target.rss_mb} MB"


def _row(measured: Measured, everything: Sequence[Measured]) -> tuple[str, ...]:
    entry = measured.entry
    start = (entry.data, entry.contestant.name, f"{measured.items:,}", str(len(measured.runs)))
    if measured.failure or not measured.runs:
        return (*start, "-", "", "-", "", "", f"FAILED: {measured.failure}")
    rates = [_rate(measured, usage) for usage in measured.runs]
    rss = _median_rss_mb(measured)
    times = _times_peer(measured, everything, entry.target) if entry.target and entry.target.times else None
    verdicts = []
    if entry.target:
        memory = "memory met" if rss <= entry.target.rss_mb else "memory MISSED"
        verdicts = [verdict for verdict in (_speed_verdict(times, entry.target), memory) if verdict]
    return (
        *start,
        f"{median(rates):,.0f}",
        f"({min(rates):,.0f} - {max(rates):,.0f})" if len(rates) > 1 else "",
        f"{rss:.0f}",
        f"{times:.1f}x" if times else "",
        _asked_for(entry.target) if entry.target else "",
        ", ".join(verdicts),
    )


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| "
        + " | ".join(
            cell.rjust(width) if column in _NUMBERS else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _flat_memory(everything: Sequence[Measured]) -> str:
    rss = {
        measured.entry.items: _median_rss_mb(measured)
        for measured in everything
        if measured.entry.data == "friendly" and measured.entry.contestant is OURS and measured.runs
    }
    if not {FLAT_FROM, FLAT_TO} <= rss.keys():
        return ""
    met = rss[FLAT_TO] <= FLAT_TIMES * rss[FLAT_FROM]
    return (
        f"Flat memory from {FLAT_FROM:,} to {FLAT_TO:,} items: {rss[FLAT_FROM]:.0f} MB to {rss[FLAT_TO]:.0f} MB, "
        f"asked for at most {FLAT_TIMES:g} times: {'met' if met else 'MISSED'}\n"
    )


def _native_speed(everything: Sequence[Measured]) -> str:
    gunzip, decode, both, ours = (
        _rate_of(contestants, "native", everything)
        for contestants in ([GUNZIP_ISAL], [DECODE], [GUNZIP_ISAL, DECODE], [OURS_NATIVE])
    )
    if not (gunzip and decode and both and ours):
        return ""
    peers = {peer.name: _rate_of([peer], "native", everything) for peer in (PYARROW_JSON, DUCKDB_JSON)}
    beside = "".join(f"; {ours / rate:.1f} times {name}" for name, rate in peers.items() if rate)
    verdict = "met" if ours >= both / 2 else "MISSED"
    return (
        f"Native export, items / CPU s: gunzip alone {gunzip:,.0f}, our decoding alone {decode:,.0f}, one after the "
        f"other {both:,.0f}; asked for half of that, {both / 2:,.0f}; ours {ours:,.0f}: {verdict}{beside}\n"
    )


def _start_up(usages: Mapping[Contestant, Usage]) -> str:
    parts = [
        f"{contestant.name} {usage.cpu_seconds:.2f} CPU s, {usage.peak_rss_bytes / 1e6:.0f} MB"
        for contestant, usage in usages.items()
    ]
    return "Start-up, interpreter and imports alone: " + "; ".join(parts)


def machine(core: int, server_core: int) -> str:
    """What it runs on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    packages = ", ".join(f"{name} {version(name)}" for name in ("boto3", "msgspec", "pyarrow"))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{model}, {os.cpu_count()} cores: contestants on core {core}, the replay server on core {server_core}; "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}; {packages}; load {load}"
    )


def report(everything: Sequence[Measured], start_up: Mapping[Contestant, Usage], repeated: str) -> str:
    """All of it, as text.

    Args:
        everything: What was measured.
        start_up: What contestants take before they have done anything.
        repeated: Which data sets are repeated, and how many items they have.
    """
    parts = [
        _table([_HEADER, *(_row(measured, everything) for measured in everything)]),
        _flat_memory(everything) + _native_speed(everything) + _start_up(start_up),
        _NOTES.format(repeated=repeated),
    ]
    return "\n\n".join(parts)
