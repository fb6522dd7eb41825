"""How long snapshots are kept, against what needs them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.doctor.finding import Finding, ok, warning

RETENTION = "retention"


def examine_retention(table: Table, interval: timedelta | None) -> Iterator[Finding]:
    """Whether what is to be kept is kept.

    The base of the next incremental snapshot and what has a view of its own stay whatever the limits say; so this is
    about what people may expect, and about what is never removed.
    """
    limits, name = table.retention, table.table
    if limits is None or (limits.keep_last is None and limits.keep_days is None):
        yield ok(RETENTION, "every snapshot is kept", name)
        return
    parts = [f"the last {limits.keep_last}"] if limits.keep_last else []
    parts += [f"those of the last {limits.keep_days} days"] if limits.keep_days else []
    text = f"{' and '.join(parts)} are kept"
    if table.keep_views and limits.keep_last and not limits.keep_days and limits.keep_last < table.keep_views:
        yield warning(
            RETENTION,
            f"{text}, and keep_views is {table.keep_views}: so many stay for their views",
            "Raise keep_last, or lower keep_views",
            name,
        )
    elif table.point_in_time.full_every and limits.keep_days and interval and interval > timedelta(limits.keep_days):
        yield warning(
            RETENTION,
            f"{text}, and its schedule ticks every {interval.days} days: the one that the next "
            "incremental snapshot starts from stays beyond the limit",
            "Keep snapshots longer than its schedule's interval",
            name,
        )
    else:
        yield ok(RETENTION, text, name)
