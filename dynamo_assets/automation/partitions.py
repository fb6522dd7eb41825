"""Slots: the Dagster partitions, one definition for each cadence."""

from __future__ import annotations

from datetime import datetime, timedelta

import dagster as dg

from dynamo_assets.errors import SlotError
from dynamo_assets.naming import SLOT_FORMAT


def slots(cron: str, start: datetime) -> dg.TimeWindowPartitionsDefinition:
    """The slots of one cadence: one for each tick, keyed by the tick's own time.

    `end_offset=1` makes the tick at `T` materialize slot `T`; without it Dagster would ask for the slot before, the
    window that has just ended.
    """
    return dg.TimeWindowPartitionsDefinition(
        cron_schedule=cron, start=start, fmt=SLOT_FORMAT, timezone="UTC", end_offset=1
    )


def current_slot(definition: dg.TimeWindowPartitionsDefinition, now: datetime) -> str | None:
    """The slot of the last tick at or before `now`; None before the first one."""
    with dg.partition_loading_context(effective_dt=now):
        return definition.get_last_partition_key()


def last_tick(cron: str, instant: datetime) -> datetime | None:
    """The last tick of a cron expression, in UTC, at or before an instant; None where it had none for eight years."""
    # The rarest day that a cron expression names is a 29 February.
    start = instant - timedelta(days=8 * 366)
    ticks = dg.TimeWindowPartitionsDefinition(cron_schedule=cron, start=start, fmt=SLOT_FORMAT, timezone="UTC")
    with dg.partition_loading_context(effective_dt=instant):
        window = ticks.get_last_partition_window()
    return window.end if window else None


def require_current_slot(table: str, slot: str, definition: dg.TimeWindowPartitionsDefinition, now: datetime) -> None:
    """Promise 2: a past slot is never filled by scanning the present.

    Raises:
        SlotError: `slot` is not the current one.
    """
    current = current_slot(definition, now)
    if slot != current:
        raise SlotError(
            f"{table}: slot {slot} is over, and this engine can only scan the table as it is now; a snapshot taken now "
            f"must not be labelled as the past. Materialize the current slot, {current}, instead. "
            "Nothing was started and nothing changed."
        )
