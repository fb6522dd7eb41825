"""A published view as Dagster shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from dynamo_assets.aws.console import catalog_table_url
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.metadata import SNAPSHOT_LABEL, column_schema, copied_columns, sample_table
from dynamo_assets.naming import catalog_asset_key, parse_snapshot, view_asset_key
from dynamo_assets.publishing.pins import Pin
from dynamo_assets.publishing.views import Candidate, Shown
from dynamo_assets.verification.asset_checks import result_of
from dynamo_assets.verification.finding import VIEW

CAVEAT = (
    "All views are as of one instant, each within the minute's accuracy that DynamoDB gives its own exports. They are "
    "not a transaction: a write shortly before or after the instant may be in one table and not in another."
)


def view_spec(table: Table, settings: Settings) -> dg.AssetSpec:
    """The asset of one table's view, whoever moves it. It has no partitions: its one state is what is published."""
    database = settings.catalog.database
    policy = table.freshness and dg.FreshnessPolicy.time_window(
        fail_window=table.freshness.fail, warn_window=table.freshness.warn
    )
    return dg.AssetSpec(
        key=view_asset_key(database, table.name),
        deps=[dg.AssetKey(catalog_asset_key(database, table.name))],
        group_name=table.group,
        kinds={"athena", "view"},
        owners=table.owners,
        tags=table.tags,
        description=(table.description or f"The DynamoDB table {table.table}.")
        + f"\n\nShows the newest snapshot that passed its checks: `SELECT * FROM {database}.{table.name}`.",
        metadata={"dagster/table_name": f"{database}.{table.name}"},
        freshness_policy=policy,
    )


def view_metadata(shown: Shown, pin: Pin | None, settings: Settings) -> dict[str, Any]:
    """What a person wants to see of a view that was published: its rows counted through it, and a few of them."""
    manifest, database = shown.manifest, settings.catalog.database
    return {
        SNAPSHOT_LABEL: manifest.snapshot_timestamp,
        "published_snapshot": dg.MetadataValue.timestamp(parse_snapshot(manifest.snapshot_timestamp)),
        "pinned": spoken_pin(pin),
        "dagster/row_count": shown.rows,
        "dagster/column_schema": column_schema(manifest.columns, of_view=True),
        "dagster/column_lineage": copied_columns(
            manifest.columns, dg.AssetKey(catalog_asset_key(database, manifest.name))
        ),
        # As text, whose lines are broken: a block of code would be as wide as it is long, and the pin out of sight.
        "view_sql": dg.MetadataValue.text(shown.sql),
        "sample": sample_table(shown.sample.columns, shown.sample.rows),
        "athena_query": dg.MetadataValue.url(shown.counted.url),
        "bytes_scanned": sum(shown.scanned),
        "cost_usd": round(settings.prices.queries(shown.scanned), 6),
        "prices_as_of": settings.prices.as_of,
    }


def view_result(candidate: Candidate, shown: Shown, pin: Pin | None, settings: Settings) -> dg.MaterializeResult:
    """The result of a step that published a view, with its checks."""
    database = settings.catalog.database
    return dg.MaterializeResult(
        asset_key=dg.AssetKey(view_asset_key(database, shown.manifest.name)),
        metadata=view_metadata(shown, pin, settings),
        data_version=dg.DataVersion(shown.manifest.snapshot_timestamp),
        check_results=check_results(candidate, shown, database),
    )


def check_results(candidate: Candidate, shown: Shown, database: str) -> list[dg.AssetCheckResult]:
    """The checks of a view that has moved, be it for a moment: `view` as it was counted then, and the declared ones."""
    key = dg.AssetKey(view_asset_key(database, shown.manifest.name))
    declared = [finding for finding in candidate.findings if finding.check != VIEW]
    return [result_of(finding, key) for finding in ([shown.finding] if shown.finding else []) + declared]


def blocking_results(candidates: Sequence[Candidate], database: str) -> Iterator[dg.AssetCheckResult]:
    """The checks of those views that a snapshot of theirs keeps where they are."""
    for candidate in candidates:
        if any(finding.blocks for finding in candidate.findings):
            key = dg.AssetKey(view_asset_key(database, candidate.manifest.name))
            yield from (result_of(finding, key) for finding in candidate.findings)


def spoken_pin(pin: Pin | None) -> str:
    """Where and why a view is held, for a person."""
    if pin is None:
        return "no"
    by = f" by {pin.by}" if pin.by else ""
    why = f": {pin.reason}" if pin.reason else ""
    return (
        f"at {pin.snapshot_timestamp}, since {pin.pinned_at}{by}{why}. It stays there until "
        f"`dynamo-assets publish {pin.name} --unpin`"
    )


def set_metadata(
    manifests: Sequence[Manifest], pin: Pin | None, region: str, database: str
) -> dict[str, dg.MetadataValue]:
    """What a person wants to see of a set whose views show one instant."""
    label = manifests[0].snapshot_timestamp
    lines = ["| table | view | rows | bytes |", "| --- | --- | ---: | ---: |"] + [
        f"| {manifest.table} | [{database}.{manifest.name}]({catalog_table_url(region, database, manifest.name)}) "
        f"| {manifest.rows:,} | {manifest.bytes:,} |"
        for manifest in manifests
    ]
    return {
        SNAPSHOT_LABEL: dg.MetadataValue.text(label),
        "published_snapshot": dg.MetadataValue.timestamp(parse_snapshot(label)),
        "members": dg.MetadataValue.md("\n".join(lines)),
        "rows_of_all_members": dg.MetadataValue.int(sum(manifest.rows for manifest in manifests)),
        "pinned": dg.MetadataValue.text(spoken_pin(pin)),
        "accuracy": dg.MetadataValue.text(CAVEAT),
    }
