"""One job and one schedule for each cadence, never one for each table: what loading costs grows with their number."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from dynamo_assets.automation.executor import threaded_executor
from dynamo_assets.automation.partitions import slots
from dynamo_assets.configuration.settings import Settings, TableSet
from dynamo_assets.configuration.table_settings import FRESHNESS, Table
from dynamo_assets.naming import (
    cadence_name,
    catalog_asset_key,
    job_name,
    set_asset_key,
    snapshot_asset_key,
    view_asset_key,
)


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
    keys += [dg.AssetKey(set_asset_key(database, table_set.name)) for table_set in sets_of(cadence, settings)]
    names = ", ".join(table.table for table in cadence.tables[:10]) + (", ..." if len(cadence.tables) > 10 else "")
    job = dg.define_asset_job(
        job_name(cadence.cron),
        # The freshness checks of all tables are one step, which would wait for the slowest table: the sensor runs them.
        selection=dg.AssetSelection.assets(*keys) - dg.AssetSelection.checks(*freshness_check_keys(cadence, settings)),
        executor_def=threaded_executor,
        description=f"Takes, registers and publishes a snapshot of {names} at `{cadence.cron}` (UTC).",
    )
    return dg.Definitions(
        jobs=[job], schedules=[dg.build_schedule_from_partitioned_job(job, name=f"{job.name}_schedule")]
    )


def freshness_check_keys(cadence: Cadence, settings: Settings) -> list[dg.AssetCheckKey]:
    """The freshness checks of a cadence: of those tables that have limits, and of the sets of which a member has."""
    database = settings.catalog.database
    limited = [view_asset_key(database, table.name) for table in cadence.tables if table.freshness]
    limited += [
        set_asset_key(database, table_set.name)
        for table_set in sets_of(cadence, settings)
        if settings.limits_of(table_set)
    ]
    return [dg.AssetCheckKey(dg.AssetKey(key), FRESHNESS) for key in limited]


def sets_of(cadence: Cadence, settings: Settings) -> list[TableSet]:
    """The sets of a cadence: members share a schedule, so the first one's is the set's."""
    tables = {table.table for table in cadence.tables}
    return [table_set for table_set in settings.sets if table_set.tables[0] in tables]
