"""How far apart the ticks of schedules are, and how many exports start at one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dynamo_assets.doctor.schedule import busiest, examine_concurrency, shortest_interval
from tests.doctor.cases import settings, table

NOW = datetime(2026, 11, 26, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "hours"),
    [
        ("* * * * *", 1 / 60),
        ("0 * * * *", 1),
        ("0 10 * * *", 24),
        ("0 8,12 * * *", 4),
        ("0 10 * * 1", 168),
        ("0 0 1 * *", 28 * 24),
    ],
)
def test_the_interval_of_a_schedule_is_its_shortest(cron: str, hours: int) -> None:
    assert shortest_interval(cron, NOW) == timedelta(hours=hours)


def test_a_schedule_of_leap_days_has_an_interval_too() -> None:
    assert shortest_interval("0 0 29 2 *", NOW) == timedelta(days=4 * 365 + 1)


def test_exports_of_unlike_schedules_meet_at_a_tick() -> None:
    assert busiest({"0 * * * *": 3, "0 10 * * *": 2, "30 * * * *": 4}, NOW) == (
        5,
        datetime(2026, 11, 26, 10, tzinfo=UTC),
    )


def test_more_exports_at_once_than_may_run_are_warned_of() -> None:
    tables = [table(f"Table-{number}", name=f"t{number}", engine="glue") for number in range(4)]
    here = table("Small", engine="in_process")
    wanted = settings(*tables, here, glue={"max_concurrent_runs": 3})
    [many] = examine_concurrency(wanted, wanted.glue.job_name, 10, NOW)
    assert (many.level, "4 tables start at once at 2026-11-26 10:00 UTC, and 3 may run" in many.found) == (
        "warning",
        True,
    )
    wanted = settings(*tables, here)
    assert [each.level for each in examine_concurrency(wanted, wanted.glue.job_name, None, NOW)] == ["ok"]
    [few] = examine_concurrency(wanted, wanted.glue.job_name, 1, NOW)
    assert "and 1 may run" in few.found, "the job's own limit counts, too"
