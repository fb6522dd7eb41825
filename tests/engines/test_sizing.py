"""How runs are sized: by the rate that feeds them and the size that is worth it, within limits, with a reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.engines.sizing import DPUS, GLUE_START_SECONDS, SPEEDS, Limits, full_export_size, size_of
from dynamo_assets.engines.work import Work, conversion_work, scan_work
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.prices import Prices

MB, GB, TB = 1e6, 1e9, 1e12
HOURS = timedelta(hours=12)
PRICES = Prices(
    read_million_units=0.125, native_export_gb=0.1, glue_dpu_hour=0.44, glue_flex_dpu_hour=0.29, glue_minimum_seconds=60
)
LIMITS = Limits(HOURS, prices=PRICES)
Billing = Literal["PROVISIONED", "PAY_PER_REQUEST"]


def table(size: float, units: float = 12_000, billing: Billing = "PAY_PER_REQUEST", item: float = 600) -> Any:
    return TableDescription({"id": "S"}, round(size / item), round(size), billing, units)


def request(**options: Any) -> ExportRequest:
    return ExportRequest(table="Orders", bucket="exports", **options)


def scan(described: TableDescription, engine: str = "glue", **options: Any) -> Work:
    return scan_work(described, request(**options), engine)


@dataclass(frozen=True)
class Case:
    """What there is to do, and what a run should get for it."""

    work: Work
    workers: int
    minutes: float | None
    dollars: float | None
    reason: str
    engine: str = "glue"
    limits: Limits = LIMITS


CASES = {
    # Two workers for the minute and a half that Glue takes anyway: 2 x 90 s x $0.44 an hour.
    "tiny": Case(scan(table(1.2 * MB)), 2, 1.5, 0.022, "small: 1.2 MB take 1 s; 2 workers are the least"),
    "read-limited, large": Case(
        scan(table(1.2 * GB, 1000, "PROVISIONED")),
        2,
        11.3,
        0.165,
        "read-limited: 250 units/s over 1.2 GB take 10 min; 2 workers are enough",
    ),
    "consistent reads take twice as long": Case(
        scan(table(1.2 * GB, 1000, "PROVISIONED"), consistent_read=True),
        2,
        21.0,
        0.308,
        "read-limited: 250 units/s over 1.2 GB take 20 min; 2 workers are enough",
    ),
    # 10,000 units a second are 82 MB: nine slots and a bit, so three workers that work. 12.2 million units are $1.53.
    "on demand, at a rate that feeds several": Case(
        scan(table(100 * GB), max_read_units=10_000, read_percentage=1.0),
        4,
        21.8,
        2.17,
        "read-limited: 10,000 units/s over 100.0 GB take 20 min; 4 workers are enough",
    ),
    # 328 MB a second would feed 37 slots; half a GB is not worth a third worker.
    "fast and small": Case(
        scan(table(0.5 * GB, 40_000), read_percentage=1.0), 2, 1.73, 0.033, "small: 500.0 MB take 14 s; 2 workers"
    ),
    # 36 slots of 9 MB; 244 million units are $30.52, and 17.4 DPU hours $7.65.
    "on demand, huge: up to max_workers": Case(
        scan(table(2 * TB, 400_000), read_percentage=1.0),
        10,
        104.4,
        38.2,
        "limited by decoding, not by reading: 2.0 TB take 103 min; 10 workers, glue.max_workers",
    ),
    "a native export of 1 TB": Case(
        conversion_work(1 * TB, "parquet"),
        10,
        52.9,
        3.88,
        "limited by decoding, not by reading: 1.0 TB take 51 min; 10 workers, glue.max_workers",
    ),
    "small items are slower": Case(
        conversion_work(60 * MB, "parquet", items=1e6),
        2,
        2.6,
        0.038,
        "limited by decoding, not by reading: 60.0 MB take 67 s; 2 workers are enough",
    ),
    "another format is a further pass": Case(
        conversion_work(1 * TB, "csv"),
        10,
        104.4,
        7.65,
        "limited by decoding, not by reading: 1.0 TB take 103 min; 10 workers, glue.max_workers",
    ),
    "unknown": Case(scan(table(0)), 2, None, None, "DynamoDB has not counted the table yet; 2 workers, and all of"),
    "a number of workers that is given": Case(
        scan(table(1.2 * MB)),
        7,
        1.5,
        0.077,
        "take 1 s; 7 workers, as glue.workers says",
        limits=Limits(HOURS, workers=7, prices=PRICES),
    ),
    "larger workers": Case(
        conversion_work(1 * TB, "parquet"),
        8,
        18.0,
        4.23,
        "take 17 min; 8 workers, glue.max_workers",
        limits=Limits(HOURS, "G.4X", max_workers=8, prices=PRICES),
    ),
    "spare capacity": Case(
        conversion_work(1 * TB, "parquet"),
        10,
        53.0,
        2.57,
        "take 51 min; 10 workers, glue.max_workers",
        limits=Limits(HOURS, prices=PRICES, flex=True),
    ),
    # It reads twice, at a sixth of our speed: 19 slots for 30 MB a second.
    "AWS's own reader": Case(
        scan(table(10 * GB, 3700, "PROVISIONED"), "glue_connector", read_percentage=1.0),
        6,
        12.5,
        0.55,
        "read-limited: 3,700 units/s over 20.0 GB take 11 min; 6 workers are enough",
        engine="glue_connector",
    ),
    "in process": Case(scan(table(1.2 * MB)), 0, 0, 0.0000183, "small: 1.2 MB take 1 s", engine="in_process"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_run_is_sized_to_its_table_and_says_why(case: Case) -> None:
    size = size_of(case.work, case.engine, case.limits)
    assert size.workers == case.workers
    if case.minutes is None:
        assert (size.seconds, size.cost_usd, size.timeout) == (None, None, HOURS)
    else:
        assert (size.seconds or 0) / 60 == pytest.approx(case.minutes, abs=0.06)
        assert size.cost_usd == pytest.approx(case.dollars, rel=0.05)
    assert case.reason in size.reason


def test_the_time_that_is_left_makes_more_workers_worth_it() -> None:
    work = conversion_work(50 * GB, "parquet")
    assert size_of(work, "glue", LIMITS).workers == 4
    assert size_of(work, "glue", Limits(timedelta(minutes=10))).workers == 6


def test_a_full_export_is_sized_as_its_conversion_and_billed_by_its_bytes() -> None:
    work = conversion_work(100 * 1024**3, "parquet")
    size = full_export_size(work, LIMITS, on_glue=True)
    conversion = size_of(work, "glue", LIMITS)
    assert (size.workers, size.timeout) == (conversion.workers, conversion.timeout)
    assert (size.cost_usd or 0) - (conversion.cost_usd or 0) == pytest.approx(10.0)
    assert (size.seconds or 0) - (conversion.seconds or 0) > 300
    assert size.reason.startswith("DynamoDB's export takes about 23 min; then ")


def test_the_metadata_says_what_is_expected_and_nothing_that_nobody_knows() -> None:
    known = size_of(scan(table(1.2 * MB)), "glue", LIMITS)
    assert known.facts() == {
        "workers": 2,
        "expected_seconds": 90.1,
        "expected_cost_usd": 0.0221,
        "sizing": known.reason,
    }
    assert set(size_of(Work(0), "glue", LIMITS).facts()) == {"workers", "sizing"}
    assert set(size_of(Work(0), "in_process", LIMITS).facts()) == {"sizing"}


works = st.builds(
    lambda size, item, units, billing, engine, options: scan(table(size, units, billing, item), engine, **options),
    st.floats(0, 50 * TB),
    st.floats(50, 400_000),
    st.floats(1, 1e6),
    st.sampled_from(["PROVISIONED", "PAY_PER_REQUEST"]),
    st.sampled_from(["glue", "glue_connector"]),
    st.fixed_dictionaries({"consistent_read": st.booleans(), "format": st.sampled_from(["parquet", "csv"])}),
) | st.builds(lambda size: conversion_work(size, "parquet"), st.floats(0, 50 * TB))
limits = st.builds(
    lambda seconds, kind, most: Limits(timedelta(seconds=seconds), kind, most, prices=PRICES),
    st.integers(1, 5 * 86400),
    st.sampled_from(list(DPUS)),
    st.integers(2, 299),
)


@given(works, limits, st.sampled_from(["glue", "glue_connector"]))
def test_a_size_is_within_limits_fed_by_the_rate_and_leaves_headroom(work: Work, within: Limits, engine: str) -> None:
    size = size_of(work, engine, within)
    assert 2 <= size.workers <= within.max_workers
    assert timedelta(0) < size.timeout <= within.time_limit
    if size.seconds is None or size.cost_usd is None:
        assert not work.is_known
        return
    if size.workers > 2:
        # All but one of those that work are kept busy by the rate, and by the pieces that there are.
        speed = min(SPEEDS[engine].bytes, SPEEDS[engine].items * work.item_bytes)
        others = (size.workers - 2) * within.slots
        assert others * speed < work.bytes_per_second
        assert others < work.parts
    assert size.seconds >= GLUE_START_SECONDS + work.bytes / work.bytes_per_second
    assert size.timeout >= min(within.time_limit, timedelta(seconds=min(2 * size.seconds, 1e9)))
    assert math.isfinite(size.cost_usd)
    assert size.cost_usd >= PRICES.reads(work.billed_units)
