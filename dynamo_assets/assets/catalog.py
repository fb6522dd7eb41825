"""`<database>/snapshots_<name>`: the raw table of all snapshots in the Glue Data Catalog.

What registers them, `catalog.method` says: a crawler, whose finds are then made to say what the manifests say, or the
manifests alone.
"""

from typing import Any

import dagster as dg

from dynamo_assets.assets.checks import rows_were_counted
from dynamo_assets.assets.direct_table import DirectTable
from dynamo_assets.assets.failures import explained
from dynamo_assets.assets.metadata import SNAPSHOT_LABEL, column_schema, copied_columns
from dynamo_assets.assets.raw_table import RawTable
from dynamo_assets.assets.snapshot import retry_policy
from dynamo_assets.assets.table_sets.checks import tell_the_set
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.console import catalog_table_url
from dynamo_assets.aws.crawlers import Crawlers, crawler_definition
from dynamo_assets.engines.snapshot import snapshots_of_slot
from dynamo_assets.errors import ManifestError
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.naming import catalog_asset_key, snapshot_asset_key, snapshots_table
from dynamo_assets.settings import Settings, Table


def catalog_asset(table: Table, settings: Settings, slots: dg.TimeWindowPartitionsDefinition) -> dg.AssetsDefinition:
    """The raw table of one DynamoDB table."""
    database = settings.catalog.database
    upstream = dg.AssetKey(snapshot_asset_key(table.name))

    @dg.asset(
        key=catalog_asset_key(database, table.name),
        deps=[upstream],
        partitions_def=slots,
        group_name=table.group,
        kinds={"glue", "table"},
        owners=table.owners,
        tags=table.tags,
        description=f"Every complete snapshot of {table.table}, one partition each, in the Glue Data Catalog. "
        f"Query `{database}.{table.name}` for the latest one alone.",
        metadata={"dagster/table_name": f"{database}.{snapshots_table(table.name)}"},
        retry_policy=retry_policy(table),
        hooks=tell_the_set(table, settings),
    )
    def _catalog(context: dg.AssetExecutionContext, aws: AwsClients) -> dg.MaterializeResult:
        with explained(table, context):
            manifests = ManifestStore(aws.s3, settings.layout)
            manifest = _snapshot_of_slot(context, manifests, table, upstream)
            raw = RawTable(Catalog(aws.glue, database), table.name, manifests)
            if settings.catalog.method == "direct":
                done = _register(context, raw, manifest, upstream, aws)
            else:
                done = _crawl(context, raw, manifest, settings, aws)
            return dg.MaterializeResult(
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
            )

    return _catalog


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
) -> dict[str, Any]:
    """Has a crawler look, and corrects what it finds."""
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
    raw.ensure(newest, log)
    added, removed = raw.match_partitions(log)
    corrected = raw.match_columns(manifest, newest)
    return {
        "crawler": dg.MetadataValue.url(crawl.url),
        "crawl_started_at": dg.MetadataValue.timestamp(crawl.started_at),
        "partitions_added_beside_the_crawler": added,
        "partitions_removed": removed,
        "corrected_from_the_manifest": corrected or "nothing",
    }


def _register(
    context: dg.AssetExecutionContext, raw: RawTable, manifest: Manifest, upstream: dg.AssetKey, aws: AwsClients
) -> dict[str, Any]:
    """Registers what is complete and verified, with no crawler."""
    counted = rows_were_counted(manifest, context.instance, upstream)
    done = DirectTable(raw, aws.s3).register(manifest, counted=counted)
    for label, reason in done.refused.items():
        context.log.warning(f"{manifest.table}: snapshot {label} is complete and is not registered: {reason}")
    context.log.info(
        f"{snapshots_table(raw.name)}: {done.added} snapshot(s) added, {done.removed} without a manifest removed, "
        f"{done.described_anew} described anew that a crawler had described"
    )
    return {
        "partitions_added": done.added,
        "partitions_removed": done.removed,
        "partitions_described_anew": done.described_anew,
        "table_changes": list(done.changed) or "none",
        "not_registered": dict(done.refused) or "none",
    }
