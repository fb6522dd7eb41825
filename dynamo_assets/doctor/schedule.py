"""When tables are exported: how far apart, and how many at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import dagster as dg

from dynamo_assets.automation.partitions import slots
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.doctor.finding import Finding, ok, warning
from dynamo_assets.doctor.usage import job_of
from dynamo_assets.naming import cadence_name

CONCURRENCY = "Glue concurrency"
MINUTE, HOURS, MONTH, YEARS = timedelta(minutes=1), timedelta(hours=2), timedelta(days=32), timedelta(days=8 * 366)
"""In a month comes every weekday and nearly every day; in eight years the rarest that cron expressions name."""


def ticks(cron: str, begin: datetime, period: timedelta) -> list[datetime]:
    """The ticks of a cron expression from an instant on."""
    definition = slots(cron, begin)
    with dg.partition_loading_context(effective_dt=begin + period):
        return [datetime.strptime(key, definition.fmt).replace(tzinfo=UTC) for key in definition.get_partition_keys()]


def shortest_interval(cron: str, begin: datetime) -> timedelta | None:
    """The shortest time between two ticks; None where there are none."""
    first = [second - first for first, second in pairwise(ticks(cron, begin, HOURS))]
    if first and min(first) == MINUTE:  # there is no shorter one, and a month of them is long
        return MINUTE
    for period in (MONTH, YEARS):
        if gaps := [second - first for first, second in pairwise(ticks(cron, begin, period))]:
            return min(gaps)
    return None


def busiest(crons: Mapping[str, int], begin: datetime) -> tuple[int, datetime | None]:
    """At how many runs at most start at one tick, and when that is first.

    Args:
        crons: How many runs start at a tick, by cron expression.
        begin: From when on to look, for a month.
    """
    starts: Counter[datetime] = Counter()
    for cron, runs in crons.items():
        starts.update(dict.fromkeys(ticks(cron, begin, MONTH), runs))
    if not starts:
        return max(crons.values(), default=0), None
    most = max(starts.values())
    return most, min(tick for tick, runs in starts.items() if runs == most)


def examine_concurrency(settings: Settings, job: str, allowed: int | None, now: datetime) -> Iterator[Finding]:
    """How many tables start at once on a job, against how many may run.

    Args:
        settings: The configuration.
        job: The job's name.
        allowed: What the job itself allows; None where nobody knows.
        now: The wall clock.
    """
    limit = min(settings.glue.max_concurrent_runs, allowed or settings.glue.max_concurrent_runs)
    tables = [table for table in settings.tables if job_of(table, settings) == job]
    cadences = Counter(cadence_name(table.schedule) for table in tables)
    crons = {table.schedule: cadences[cadence_name(table.schedule)] for table in _firsts(tables)}
    most, tick = busiest(crons, now)
    when = f" at {tick:%Y-%m-%d %H:%M} UTC" if tick else ""
    if most > limit:
        yield warning(
            CONCURRENCY,
            f"{job}: {most} tables start at once{when}, and {limit} may run: others wait, for their time_limit at most",
            "Raise glue.max_concurrent_runs and run `dynamo-assets deploy`, or give tables other schedules",
        )
    else:
        yield ok(CONCURRENCY, f"{job}: {most} table(s) start at once{when} at most, and {limit} may run")


def _firsts(tables: Sequence) -> list:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType]
    return list({cadence_name(table.schedule): table for table in tables}.values())
