"""One job and one schedule for each cadence, never one for each table: what loading costs grows with their number."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from dynamo_assets.automation.executor import threaded_executor
from dynamo_assets.automation.freshness import FRESHNESS
from dynamo_assets.automation.partitions import slots
from dynamo_assets.naming import (
    cadence_name,
    catalog_asset_key,
    job_name,
    set_asset_key,
    snapshot_asset_key,
    view_asset_key,
)
from dynamo_assets.settings import Settings, Table


@dataclass(frozen=True)
class Cadence:
    """The tables that share a schedule, and the slots they share with it."""

    cron: str
    slots: dg.TimeWindowPartitionsDefinition
    tables: tuple[Table, ...]


def cadences(settings: Settings) -> list[Cadence]:
    """The tables by schedule, in the order of the tables file."""
    groups: dict[str, list[Table]] = {}
    for table in settings.tables:
        groups.setdefault(cadence_name(table.schedule), []).append(table)
    return [
        Cadence(tables[0].schedule, slots(tables[0].schedule, settings.partitions.start), tuple(tables))
        for tables in groups.values()
    ]


def cadence_definitions(cadence: Cadence, settings: Settings) -> dg.Definitions:
    """The job that snapshots, registers and publishes the tables of one cadence, and its schedule.

    The schedule is off until a person turns it on.
    """
    database = settings.catalog.database
    keys = [
        dg.AssetKey(key)
        for table in cadence.tables
        for key in (
            snapshot_asset_key(table.name),
            catalog_asset_key(database, table.name),
            view_asset_key(database, table.name),
        )
    ]
    tables = {table.table for table in cadence.tables}
    # Members share a schedule, so the first one's is the set's.
    sets = [table_set for table_set in settings.sets if table_set.tables[0] in tables]
    keys += [dg.AssetKey(set_asset_key(database, table_set.name)) for table_set in sets]
    names = ", ".join(table.table for table in cadence.tables[:10]) + (", ..." if len(cadence.tables) > 10 else "")
    job = dg.define_asset_job(
        job_name(cadence.cron),
        # The freshness checks of all tables are one step, which would wait for the slowest table: the sensor runs them.
        selection=dg.AssetSelection.assets(*keys) - dg.AssetSelection.checks(*freshness_check_keys(cadence, database)),
        executor_def=threaded_executor,
        description=f"Takes, registers and publishes a snapshot of {names} at `{cadence.cron}` (UTC).",
    )
    return dg.Definitions(
        jobs=[job], schedules=[dg.build_schedule_from_partitioned_job(job, name=f"{job.name}_schedule")]
    )


def freshness_check_keys(cadence: Cadence, database: str) -> list[dg.AssetCheckKey]:
    """The freshness checks of those tables of a cadence that have limits."""
    return [
        dg.AssetCheckKey(dg.AssetKey(view_asset_key(database, table.name)), FRESHNESS)
        for table in cadence.tables
        if table.freshness
    ]
