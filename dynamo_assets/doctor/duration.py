"""How long an export is expected to take, against everything that it must not be longer than."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dynamo_assets.assets.table_engine import limits_of
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.doctor.finding import Finding, ok, problem, unknown, warning
from dynamo_assets.engines.engine_choice import POINT_IN_TIME, SPARE, Situation, choose_engine
from dynamo_assets.engines.sizer import expectation
from dynamo_assets.engines.sizing import Size, duration_text, full_export_size, size_of
from dynamo_assets.engines.work import conversion_work, scan_work
from dynamo_assets.export.table_description import TableDescription

DURATION, SCHEDULE, FRESHNESS = "duration", "schedule", "freshness"


def expected_size(
    settings: Settings, table: Table, description: TableDescription, earliest: datetime | None
) -> tuple[str, Size]:
    """Which engine takes the table's snapshots, and what is expected of it.

    Args:
        settings: The configuration.
        table: The table.
        description: What DynamoDB says of it.
        earliest: From when on DynamoDB can export it; None where recovery is off.
    """
    limits, below = limits_of(table, settings), table.point_in_time.in_process_below_bytes
    request = settings.export_request(table, slot=None, attempt="")
    engine = table.engine
    if engine == "auto":
        off = "" if earliest else "point-in-time recovery is off"
        engine = choose_engine(Situation(description, request, limits, below, unrecoverable=off)).engine
    if engine == POINT_IN_TIME:
        work = conversion_work(description.bytes, request.format, description.items)
        return engine, full_export_size(work, limits, on_glue=description.bytes >= below)
    return engine, size_of(scan_work(description, request, engine), engine, limits)


def examine_duration(table: Table, engine: str, size: Size, interval: timedelta | None) -> Iterator[Finding]:
    """Whether an export ends in time: before its limit, before the next one begins, and before its view is too old.

    Args:
        table: The table.
        engine: What takes its snapshots.
        size: What is expected of it.
        interval: The shortest time between two ticks of the table's schedule.
    """
    name = table.table
    if size.seconds is None:
        yield unknown(
            DURATION,
            f"{engine}: DynamoDB has not counted the table yet",
            "It counts about every six hours: run the doctor again then",
            name,
        )
        yield from examine_freshness(table, interval, 0)
        return
    yield _against_the_limit(table, engine, size, size.seconds)
    if interval is not None:
        yield _against_the_schedule(table, size.seconds, interval)
    yield from examine_freshness(table, interval, size.seconds)


def _against_the_limit(table: Table, engine: str, size: Size, seconds: float) -> Finding:
    limit, text = table.time_limit.total_seconds(), f"{engine}: about {expectation(size)}"
    advice = "Raise time_limit, or let it read faster: read_percentage, max_read_units, the table's capacity"
    if seconds > limit:
        return problem(DURATION, f"{text}; it is stopped after time_limit, {duration_text(limit)}", advice, table.table)
    if seconds * SPARE > limit:
        return warning(DURATION, f"{text}; that is close to time_limit, {duration_text(limit)}", advice, table.table)
    return ok(DURATION, text, table.table)


def _against_the_schedule(table: Table, seconds: float, interval: timedelta) -> Finding:
    gap = interval.total_seconds()
    text = f"an export takes about {duration_text(seconds)}; {table.schedule!r} ticks every {duration_text(gap)}"
    if seconds <= gap:
        return ok(SCHEDULE, text, table.table)
    if table.engine == "point_in_time" and table.point_in_time.full_every:
        return warning(
            SCHEDULE,
            f"{text}: while a full export runs, the next snapshot begins",
            "Let full exports fall where there is time",
            table.table,
        )
    both = "" if table.engine == "point_in_time" else ", and both read the table at its rate"
    return problem(
        SCHEDULE,
        f"{text}: it overlaps itself{both}",
        "Take snapshots less often, or let it read faster: read_percentage, max_read_units, the table's capacity",
        table.table,
    )


def examine_freshness(table: Table, interval: timedelta | None, seconds: float) -> Iterator[Finding]:
    """Whether the limits are longer than the age that a view reaches when all goes well."""
    limits = table.freshness
    if limits is None or interval is None:
        return
    # Until the next snapshot is published the view shows the last one, which was labelled when it began.
    oldest = interval.total_seconds() + seconds
    text = f"when all goes well its view is up to {duration_text(oldest)} old"
    advice = "Raise the limits of freshness, or take snapshots more often"
    if limits.fail.total_seconds() < oldest:
        yield problem(FRESHNESS, f"{text}, and fails after {_text(limits.fail)}", advice, table.table)
    elif limits.warn.total_seconds() < oldest:
        yield warning(FRESHNESS, f"{text}, and warns after {_text(limits.warn)}", advice, table.table)
    else:
        yield ok(FRESHNESS, f"{text}; it warns after {_text(limits.warn)}", table.table)


def _text(limit: timedelta) -> str:
    return duration_text(limit.total_seconds())
