"""`<database>/snapshots_<name>`: the raw table of all snapshots in the Glue Data Catalog.

What registers them, `catalog.method` says: a crawler, whose finds are then made to say what the manifests say, or the
manifests alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import dagster as dg

from dynamo_assets.assets.catalog_check import check_catalog
from dynamo_assets.assets.direct_table import DirectTable
from dynamo_assets.assets.raw_table import RawTable
from dynamo_assets.assets.snapshot import retry_policy
from dynamo_assets.assets.table_sets.checks import tell_the_set
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.console import catalog_table_url
from dynamo_assets.aws.crawlers import Crawlers, crawler_definition
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.engines.snapshot import snapshots_of_slot
from dynamo_assets.errors import CatalogError, HeldBackError, ManifestError
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.failures import explained
from dynamo_assets.metadata import SNAPSHOT_LABEL, column_schema, copied_columns
from dynamo_assets.naming import catalog_asset_key, snapshot_asset_key, snapshots_table
from dynamo_assets.publishing.choice import Choice
from dynamo_assets.verification.asset_checks import catalog_specs, result_of
from dynamo_assets.verification.finding import CATALOG, Finding
from dynamo_assets.verification.verify import Verifier


def catalog_asset(table: Table, settings: Settings, slots: dg.TimeWindowPartitionsDefinition) -> dg.AssetsDefinition:
    """The raw table of one DynamoDB table."""
    database = settings.catalog.database
    upstream = dg.AssetKey(snapshot_asset_key(table.name))
    key = dg.AssetKey(catalog_asset_key(database, table.name))
    spec = dg.AssetSpec(
        key,
        deps=[upstream],
        partitions_def=slots,
        group_name=table.group,
        kinds={"glue", "table"},
        owners=table.owners,
        tags=table.tags,
        description=f"Every complete snapshot of {table.table}, one partition each, in the Glue Data Catalog. "
        f"Query `{database}.{table.name}` for the latest one alone.",
        metadata={"dagster/table_name": f"{database}.{snapshots_table(table.name)}"},
    )

    @dg.multi_asset(
        name="__".join(key.path),
        specs=[spec],
        check_specs=catalog_specs(table, key),
        partitions_def=slots,
        retry_policy=retry_policy(table),
        hooks=tell_the_set(table, settings),
    )
    def _catalog(
        context: dg.AssetExecutionContext, aws: AwsClients
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
        with explained(table, context):
            verifier = Verifier(settings, aws)
            manifest = _snapshot_of_slot(context, verifier.manifests, table, upstream)
            choice = Choice.of(Catalog(aws.glue, database), verifier)
            if reason := choice.rejected(table, manifest.snapshot_timestamp):
                raise HeldBackError(f"{table.table}: {reason} It is not registered, and no view was touched")
            raw = RawTable(choice.catalog, table.name, verifier.manifests, verifier.records)
            raw.drop_seconds(context.log.info)
            try:
                if settings.catalog.method == "direct":
                    done, corrected = _register(context, raw, manifest, aws)
                else:
                    done, corrected = _crawl(context, raw, manifest, settings, aws)
            except CatalogError as error:
                yield from _checked(partial(Finding, CATALOG, False, str(error)), table, key)
                raise
            yield dg.MaterializeResult(
                asset_key=key,
                metadata={
                    SNAPSHOT_LABEL: manifest.snapshot_timestamp,
                    "dagster/column_schema": column_schema(manifest.columns),
                    "dagster/column_lineage": copied_columns(manifest.columns, upstream),
                    "dagster/partition_row_count": manifest.rows,
                    "catalog_table": dg.MetadataValue.url(
                        catalog_table_url(aws.region_name(), database, snapshots_table(table.name))
                    ),
                    **done,
                },
                data_version=dg.DataVersion(manifest.snapshot_timestamp),
                check_results=list(_checked(partial(check_catalog, raw, manifest, corrected), table, key)),
            )

    return _catalog


def _checked(look: Callable[[], Finding], table: Table, asset: dg.AssetKey) -> Iterator[dg.AssetCheckResult]:
    level = table.verification.catalog
    if level != "off":
        yield result_of(replace(look(), level=level), asset)


def _snapshot_of_slot(
    context: dg.AssetExecutionContext, manifests: ManifestStore, table: Table, upstream: dg.AssetKey
) -> Manifest:
    """The snapshot that the slot's last materialization reported, or the newest S3 knows of the slot."""
    records = context.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=upstream, asset_partitions=[context.partition_key]), limit=1
    ).records
    for record in records:
        if record.asset_materialization and (label := record.asset_materialization.metadata.get(SNAPSHOT_LABEL)):
            return manifests.read(table.name, str(label.value))
    for manifest in snapshots_of_slot(manifests, table.name, context.partition_key):
        return manifest
    raise ManifestError(
        f"{table.table}: there is no complete snapshot of slot {context.partition_key}; "
        f"materialize {upstream.to_user_string()} for this slot first"
    )


def _crawl(
    context: dg.AssetExecutionContext, raw: RawTable, manifest: Manifest, settings: Settings, aws: AwsClients
) -> tuple[dict[str, Any], Sequence[str]]:
    """Has a crawler look, and corrects what it finds; what was done, and what was corrected."""
    log = context.log.info
    # The table is as its newest snapshot is, also when a slot of the past is filled.
    newest = raw.manifests.read(raw.name, raw.manifests.latest(raw.name) or manifest.snapshot_timestamp)
    raw.follow_format(newest, log)
    crawlers = Crawlers(aws.glue)
    definition = crawler_definition(
        raw.name,
        newest.format,
        database=settings.catalog.database,
        role_arn=settings.glue.role_arn,
        layout=settings.layout,
    )
    outcome = crawlers.ensure(definition, timeout=settings.catalog.time_limit)
    log(f"Crawler {definition['Name']}: {outcome}")
    crawl = crawlers.crawl(definition["Name"], timeout=settings.catalog.time_limit, on_progress=log)
    raw.drop_seconds(log)
    raw.ensure(newest, log)
    added, removed = raw.match_partitions(log)
    corrected = raw.match_columns(manifest, newest)
    done = {
        "crawler": dg.MetadataValue.url(crawl.url),
        "crawl_started_at": dg.MetadataValue.timestamp(crawl.started_at),
        "crawler_dpu_hours": crawl.dpu_hours,
        "cost_usd": None if crawl.dpu_hours is None else round(settings.prices.crawl(crawl.dpu_hours), 4),
        "partitions_added_beside_the_crawler": added,
        "partitions_removed": removed,
        "corrected_from_the_manifest": corrected or "nothing",
    }
    return done, corrected


def _register(
    context: dg.AssetExecutionContext, raw: RawTable, manifest: Manifest, aws: AwsClients
) -> tuple[dict[str, Any], Sequence[str]]:
    """Registers what is complete and verified, with no crawler; what was done, and what was changed."""
    done = DirectTable(raw, aws.s3).register(manifest)
    for label, reason in done.refused.items():
        context.log.warning(f"{manifest.table}: snapshot {label} is complete and is not registered: {reason}")
    context.log.info(
        f"{snapshots_table(raw.name)}: {done.added} snapshot(s) added, {done.removed} without a manifest removed, "
        f"{done.described_anew} described anew that a crawler had described"
    )
    metadata = {
        "partitions_added": done.added,
        "partitions_removed": done.removed,
        "partitions_described_anew": done.described_anew,
        "table_changes": list(done.changed) or "none",
        "not_registered": dict(done.refused) or "none",
    }
    return metadata, done.changed
