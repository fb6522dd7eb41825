"""`<database>/snapshots_<name>`: the raw table of all snapshots in the Glue Data Catalog, kept by a crawler."""

from collections.abc import Callable

import dagster as dg

from dynamo_assets.assets.failures import explained
from dynamo_assets.assets.metadata import SNAPSHOT_LABEL, column_schema, copied_columns
from dynamo_assets.assets.raw_table import RawTable
from dynamo_assets.assets.snapshot import retry_policy
from dynamo_assets.assets.table_sets.checks import tell_the_set
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.console import catalog_table_url
from dynamo_assets.aws.crawlers import Crawl, Crawlers, crawler_definition
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
            # The table is as its newest snapshot is, also when a slot of the past is filled.
            newest = manifests.read(table.name, manifests.latest(table.name) or manifest.snapshot_timestamp)
            raw.follow_format(newest, context.log.info)
            crawl = _crawl(table, settings, newest.format, aws, context.log.info)
            raw.ensure(newest, context.log.info)
            added, removed = raw.match_partitions(context.log.info)
            corrected = raw.match_columns(manifest, newest)
            return dg.MaterializeResult(
                metadata={
                    SNAPSHOT_LABEL: manifest.snapshot_timestamp,
                    "dagster/column_schema": column_schema(manifest.columns),
                    "dagster/column_lineage": copied_columns(manifest.columns, upstream),
                    "dagster/partition_row_count": manifest.rows,
                    "crawler": dg.MetadataValue.url(crawl.url),
                    "crawl_started_at": dg.MetadataValue.timestamp(crawl.started_at),
                    "catalog_table": dg.MetadataValue.url(
                        catalog_table_url(aws.region_name(), database, snapshots_table(table.name))
                    ),
                    "partitions_added_beside_the_crawler": added,
                    "partitions_removed": removed,
                    "corrected_from_the_manifest": corrected or "nothing",
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


def _crawl(table: Table, settings: Settings, format: str, aws: AwsClients, log: Callable[[str], None]) -> Crawl:
    crawlers = Crawlers(aws.glue)
    definition = crawler_definition(
        table.name,
        format,
        database=settings.catalog.database,
        role_arn=settings.glue.role_arn,
        layout=settings.layout,
    )
    outcome = crawlers.ensure(definition, timeout=settings.catalog.time_limit)
    log(f"Crawler {definition['Name']}: {outcome}")
    return crawlers.crawl(definition["Name"], timeout=settings.catalog.time_limit, on_progress=log)
