"""Which engine `auto` chooses, for which table, and what it says of that."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.engines.engine_choice import IN_PROCESS_SECONDS, SPARE, Situation, choose_engine
from dynamo_assets.engines.sizing import Limits, full_export_size, size_of
from dynamo_assets.engines.work import conversion_work, scan_work
from tests.engines.test_sizing import GB, HOURS, MB, PRICES, TB, Billing, request, table

OFF = "point-in-time recovery is off"


@dataclass(frozen=True)
class Case:
    """A table, and which engine it should get, for what reason."""

    engine: str
    reason: str
    size: float
    units: float = 12_000
    billing: Billing = "PAY_PER_REQUEST"
    unrecoverable: str = ""
    slot_is_over: bool = False
    time_limit: timedelta = HOURS
    in_process_below: float = GB
    options: dict[str, Any] = field(default_factory=dict)

    def situation(self) -> Situation:
        return Situation(
            table=table(self.size, self.units, self.billing),
            request=request(**self.options),
            limits=Limits(self.time_limit, prices=PRICES),
            in_process_below=self.in_process_below,
            unrecoverable=self.unrecoverable,
            slot_is_over=self.slot_is_over,
        )


CASES = {
    "a small table: in the Dagster run": Case(
        "in_process", "the cheapest that ends in time (1 s, $0.0000). glue: 90 s, $0.0220; point_in_time: 5", 1 * MB
    ),
    "a small table that can only be scanned": Case(
        "in_process",
        "(1 s, $0.0000). glue: 90 s, $0.0220; point_in_time: 5 min, $0.0001, point-in-time",
        1 * MB,
        unrecoverable=OFF,
    ),
    # 25 units a second are 0.2 MB: 41 minutes for half a GB, too long for a Dagster run; exporting is 5 cents.
    "a small table that may be read slowly only": Case(
        "point_in_time", "too long for the Dagster run; glue: 42 min, $0.6", 500 * MB, 100, "PROVISIONED"
    ),
    "one that is small and is to be converted on Glue": Case(
        "glue", "in_process: 1 s, $0.0000, 1.0 MB are too much for the Dagster run", 1 * MB, in_process_below=-1
    ),
    # A scan of 100 GB on demand is $1.53 and two workers' 70 minutes; an export is $9.31.
    "a large table on demand: a scan is cheaper": Case(
        "glue", "the cheapest that ends in time (69 min, $2.5", 100 * GB
    ),
    "the same at a rate that is too slow": Case(
        "point_in_time", "glue: 33.9 h, $31.3", 100 * GB, options={"max_read_units": 100}, time_limit=timedelta(days=5)
    ),
    "the same, where time_limit forbids a scan": Case(
        "point_in_time",
        "the only one that ends in time",
        100 * GB,
        options={"max_read_units": 500},
        time_limit=timedelta(hours=8),
    ),
    "provisioned capacity is paid for anyway": Case(
        "glue", "the cheapest that ends in time", 20 * GB, 4000, "PROVISIONED"
    ),
    "consistent reads: never an export": Case(
        "glue",
        "none is expected to end well within time_limit, 12.0 h; this is the fastest",
        100 * GB,
        100,
        "PROVISIONED",
        options={"consistent_read": True},
    ),
    "nothing ends in time: the fastest": Case(
        "point_in_time", "this is the fastest", 10 * TB, 12_000, time_limit=timedelta(hours=1)
    ),
    "nothing ends in time and nothing can be exported": Case(
        "glue", "this is the fastest", 10 * TB, time_limit=timedelta(hours=1), unrecoverable=OFF
    ),
    "not counted yet": Case("glue", "may hold anything", 0),
    "a slot of the past": Case("point_in_time", "the slot is over", 1 * MB, slot_is_over=True),
    "a slot of the past, not counted, and consistent reads": Case(
        "point_in_time", "the slot is over", 0, slot_is_over=True, options={"consistent_read": True}
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_an_engine_is_chosen_that_fits_the_table_and_the_reason_is_given(case: Case) -> None:
    choice = choose_engine(case.situation())
    assert (choice.engine, case.reason in choice.reason) == (case.engine, True), choice.reason


cases = st.builds(
    Case,
    st.just(""),
    st.just(""),
    st.floats(0, 20 * TB),
    st.floats(10, 400_000),
    st.sampled_from(["PROVISIONED", "PAY_PER_REQUEST"]),
    st.sampled_from(["", OFF]),
    st.just(False),
    st.integers(60, 5 * 86400).map(lambda seconds: timedelta(seconds=seconds)),
    st.sampled_from([GB, -1]),
    st.fixed_dictionaries({"consistent_read": st.booleans()}),
)


@given(cases)
def test_what_cannot_be_is_never_chosen_and_nothing_that_fits_is_cheaper(case: Case) -> None:
    situation = case.situation()
    choice = choose_engine(situation)
    described, limits = situation.table, situation.limits
    if choice.engine == "point_in_time":
        assert not situation.unrecoverable
        assert not situation.request.consistent_read
    if choice.engine == "in_process":
        assert 0 < described.bytes < situation.in_process_below
    if not described.bytes:
        return
    work = scan_work(described, situation.request, "in_process")
    sizes = {
        "in_process": size_of(work, "in_process", limits),
        "glue": size_of(work, "glue", limits),
        "point_in_time": full_export_size(
            conversion_work(described.bytes, "parquet", described.items),
            limits,
            on_glue=described.bytes >= situation.in_process_below,
        ),
    }
    seconds = {engine: size.seconds or 0 for engine, size in sizes.items()}
    assert choice.engine != "in_process" or seconds["in_process"] <= IN_PROCESS_SECONDS
    if seconds["glue"] * SPARE <= limits.time_limit.total_seconds():
        assert seconds[choice.engine] * SPARE <= limits.time_limit.total_seconds()
        assert (sizes[choice.engine].cost_usd or 0) <= (sizes["glue"].cost_usd or 0)
