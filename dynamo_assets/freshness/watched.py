"""What the sensor watches: the view of each table, and the views of each set as one."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Freshness, Table
from dynamo_assets.naming import job_name, set_asset_key, view_asset_key


@dataclass(frozen=True)
class Watched:
    """A view, or the views of a set.

    Attributes:
        name: The catalog name, or the set's: by it the cursor keeps what is known.
        title: As a person calls it.
        asset: Its asset.
        limits: How old what it shows may be.
        moves: What a person publishes to move it: the table, or the set that it is in.
        pinned_as: The name of the pin that holds it.
        materializes: The asset that a person materializes to move it.
        job: The job that takes its snapshots.
        is_set: Whether it is a set.
    """

    name: str
    title: str
    asset: dg.AssetKey
    limits: Freshness | None
    moves: str
    pinned_as: str
    materializes: str
    job: str
    is_set: bool = False


def watched_tables(settings: Settings) -> list[tuple[Table, Watched]]:
    """The views of all tables, in the order of the tables file."""
    database = settings.catalog.database
    set_of = {name: table_set.name for table_set in settings.sets for name in table_set.tables}

    def of(table: Table) -> Watched:
        moved_by = set_of.get(table.table)
        mover = set_asset_key(database, moved_by) if moved_by else view_asset_key(database, table.name)
        return Watched(
            name=table.name,
            title=table.table,
            asset=dg.AssetKey(view_asset_key(database, table.name)),
            limits=table.freshness,
            moves=moved_by or table.table,
            pinned_as=moved_by or table.name,
            materializes="/".join(mover),
            job=job_name(table.schedule),
        )

    return [(table, of(table)) for table in settings.tables]


def watched_sets(settings: Settings) -> list[tuple[tuple[Table, ...], Watched]]:
    """The sets, with their members."""

    def of(name: str, members: tuple[Table, ...], limits: Freshness | None) -> Watched:
        key = dg.AssetKey(set_asset_key(settings.catalog.database, name))
        return Watched(
            name=name,
            title=f"set {name}",
            asset=key,
            limits=limits,
            moves=name,
            pinned_as=name,
            materializes=key.to_user_string(),
            job=job_name(members[0].schedule),
            is_set=True,
        )

    return [
        (settings.members(each), of(each.name, settings.members(each), settings.limits_of(each)))
        for each in settings.sets
    ]
