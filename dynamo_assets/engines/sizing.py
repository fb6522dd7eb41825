"""How many workers an export gets and how long it may take, what that is expected to cost, and why.

Workers beyond what the allowed read rate can feed would wait and be paid for: they are counted by the rate. Nothing
here asks AWS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import timedelta

from dynamo_assets.engines.work import Work
from dynamo_assets.prices import Prices

DPUS = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
VCPUS_PER_DPU = 4
"""Glue developer guide, "Worker types for Spark jobs"."""
LEAST_WORKERS = 2
"""The driver, and one that works (StartJobRun: "Number of Workers must be 2 or more")."""

GLUE_START_SECONDS = 90.0
"""Until a run reads: Glue's own start, about a minute, and the installation of modules. An assumption."""
NATIVE_EXPORT_SECONDS = 300.0
NATIVE_EXPORT_BYTES = 100e6
"""DynamoDB's own export takes five minutes for an empty table, and AWS says no more than that it is fast: so many bytes
a second are an assumption."""
WORTH_SECONDS = 600.0
"""What ends within so long gets no further workers: they would cost their own start, and gain minutes."""

SMALL_SECONDS = 60.0
"""What ends within so long is limited by nothing worth a word."""


@dataclass(frozen=True)
class Speed:
    """What one core reads, decodes and writes in a second, at most: so many bytes, and so many items."""

    bytes: float
    items: float


SPEEDS = {
    # A core of our machine decodes 60,000 items of 600 bytes (docs/performance.md). A vCPU of Glue is half a core, and
    # pages have to come: a quarter of that is assumed, and must be measured on AWS.
    "glue": Speed(9e6, 15_000),
    # AWS's Bulk Executor, with the same reader, counted 6.3 MB and 21,600 items a second on a worker of four vCPUs.
    "glue_connector": Speed(1.6e6, 5_400),
    # Threads overlap waiting, and hold Python's lock while they decode: one core, shared with the run's other steps.
    "in_process": Speed(18e6, 30_000),
}
"""By engine."""


@dataclass(frozen=True)
class Limits:
    """Within what a run is sized.

    Attributes:
        time_limit: How long one export may take.
        worker_type: The size of one worker of Glue.
        max_workers: How many a run gets at most, the driver included.
        workers: How many it gets, where that is not to be computed.
        prices: What AWS bills.
        flex: Whether Glue runs take spare capacity. When that comes nobody knows: no wait for it is expected.
    """

    time_limit: timedelta
    worker_type: str = "G.1X"
    max_workers: int = 10
    workers: int | None = None
    prices: Prices = field(default_factory=Prices)
    flex: bool = False

    @property
    def slots(self) -> int:
        """How many units one worker runs at once."""
        return DPUS[self.worker_type] * VCPUS_PER_DPU


@dataclass(frozen=True)
class Size:
    """What one run gets, and what is expected of it.

    Attributes:
        workers: Of Glue, the driver included; 0 for the Dagster run itself.
        timeout: After how long Glue ends the run.
        seconds: How long it is expected to take, its start included; None where nobody knows.
        cost_usd: What AWS is expected to bill; None where nobody knows.
        reason: Why, in one sentence.
    """

    workers: int
    timeout: timedelta
    seconds: float | None
    cost_usd: float | None
    reason: str

    def facts(self) -> dict[str, object]:
        """For the metadata, beside what it turned out to be."""
        known: dict[str, object] = {"workers": self.workers} if self.workers else {}
        if self.seconds is not None and self.cost_usd is not None:
            known |= {"expected_seconds": round(self.seconds, 1), "expected_cost_usd": round(self.cost_usd, 4)}
        return {**known, "sizing": self.reason}


def size_of(work: Work, engine: str, limits: Limits) -> Size:
    """What a run of an engine gets for its work.

    Args:
        work: What there is to read.
        engine: `glue`, `glue_connector` or `in_process`.
        limits: Within what.
    """
    if not work.is_known:
        return _unknown(engine, limits)
    on_glue = engine != "in_process"
    slot = _slot_speed(work, SPEEDS[engine])
    workers = _workers(work, slot, limits) if on_glue else 0
    at_once = min((workers - 1) * limits.slots, work.parts) if on_glue else 1
    reading = work.bytes / min(work.bytes_per_second, at_once * slot)
    # Files of other formats than Parquet are made of Parquet files, when all is read.
    busy = reading + (0 if work.format == "parquet" else work.bytes / (at_once * slot))
    seconds = busy + (GLUE_START_SECONDS if on_glue else 0)
    dpus = workers * DPUS[limits.worker_type]
    cost = limits.prices.reads(work.billed_units) + limits.prices.glue_run(seconds * dpus, dpus, flex=limits.flex)
    return Size(
        workers=workers,
        timeout=_timeout(seconds, limits.time_limit),
        seconds=seconds,
        cost_usd=cost,
        reason=_reason(work, workers, limits, busy, by_rate=at_once * slot >= work.bytes_per_second),
    )


def full_export_size(work: Work, limits: Limits, *, on_glue: bool) -> Size:
    """What DynamoDB's full export of a table and its conversion are expected to take and to cost.

    Args:
        work: The conversion.
        limits: Within what it is sized.
        on_glue: Where it is converted.
    """
    size = size_of(work, "glue" if on_glue else "in_process", limits)
    if size.seconds is None or size.cost_usd is None:
        return size
    exported = NATIVE_EXPORT_SECONDS + work.bytes / NATIVE_EXPORT_BYTES
    return replace(
        size,
        seconds=exported + size.seconds,
        cost_usd=limits.prices.native_export(work.bytes) + size.cost_usd,
        reason=f"DynamoDB's export takes about {duration_text(exported)}; then {size.reason}",
    )


def _slot_speed(work: Work, speed: Speed) -> float:
    """Bytes a second; of a table of small items their number is the limit."""
    return min(speed.bytes, speed.items * work.item_bytes)


def _workers(work: Work, slot: float, limits: Limits) -> int:
    if limits.workers is not None:
        return limits.workers
    fed = work.bytes_per_second / slot
    worth = work.bytes / slot / min(WORTH_SECONDS, limits.time_limit.total_seconds() / 2)
    slots = max(1.0, min(fed, worth, float(work.parts)))
    return max(LEAST_WORKERS, min(1 + math.ceil(slots / limits.slots), limits.max_workers))


def _timeout(seconds: float, time_limit: timedelta) -> timedelta:
    """Four times what is expected, and an hour: a table may have grown since it was counted, or be throttled."""
    # Compared as numbers: what a slow rate takes may be more than a timedelta holds.
    return timedelta(seconds=min(4 * seconds + 3600, time_limit.total_seconds()))


def _unknown(engine: str, limits: Limits) -> Size:
    workers = 0 if engine == "in_process" else limits.workers or LEAST_WORKERS
    gets = f"; {workers} workers, and all of time_limit" if workers else ""
    return Size(workers, limits.time_limit, None, None, f"DynamoDB has not counted the table yet{gets}")


def _reason(work: Work, workers: int, limits: Limits, busy: float, *, by_rate: bool) -> str:
    takes = f"{size_text(work.bytes)} take {duration_text(busy)}"
    if busy <= SMALL_SECONDS and workers in {0, LEAST_WORKERS}:
        return f"small: {takes}" + ("; 2 workers are the least that Glue gives" if workers else "")
    if by_rate:
        limit = f"read-limited: {work.units_per_second:,.0f} units/s over {takes}"
    else:
        limit = f"limited by decoding, not by reading: {takes}"
    if not workers:
        return limit
    if limits.workers is not None:
        return f"{limit}; {workers} workers, as glue.workers says"
    if workers == limits.max_workers and not by_rate:
        return f"{limit}; {workers} workers, glue.max_workers"
    return f"{limit}; {workers} workers are enough"


def size_text(size: float) -> str:
    """A size for a person."""
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return f"{size:.0f} bytes"


def duration_text(seconds: float) -> str:
    """A duration for a person."""
    if seconds >= 2 * 86400:
        return f"{seconds / 86400:,.0f} days"
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{max(1, round(seconds))} s"
