"""`<database>/<name>`: the Athena view of the latest complete snapshot, and nothing else."""

from collections.abc import Callable, Iterator

import dagster as dg

from dynamo_assets.assets.checks import check_rows_in_view, rows_in_view_spec
from dynamo_assets.assets.failures import explained
from dynamo_assets.assets.metadata import SNAPSHOT_LABEL, column_schema, copied_columns, sample_table
from dynamo_assets.assets.snapshot import retry_policy
from dynamo_assets.assets.view_columns import view_columns
from dynamo_assets.aws.athena import Athena, QueryResult, quote_identifier, quote_literal
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.views import create_view, published_snapshot, view_query
from dynamo_assets.errors import CatalogError
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.naming import PARTITION_COLUMN, catalog_asset_key, parse_snapshot, snapshots_table, view_asset_key
from dynamo_assets.settings import Settings, Table

SAMPLE_ROWS = 5


def view_asset(table: Table, settings: Settings) -> dg.AssetsDefinition:
    """The view of one table. It has no partitions: its one state is the published snapshot."""
    database = settings.catalog.database
    key = dg.AssetKey(view_asset_key(database, table.name))
    upstream = dg.AssetKey(catalog_asset_key(database, table.name))
    policy = table.freshness and dg.FreshnessPolicy.time_window(
        fail_window=table.freshness.fail, warn_window=table.freshness.warn
    )

    @dg.asset(
        key=key,
        deps=[upstream],
        check_specs=[rows_in_view_spec(key)],
        group_name=table.group,
        kinds={"athena", "view"},
        owners=table.owners,
        tags=table.tags,
        description=(table.description or f"The DynamoDB table {table.table}.")
        + f"\n\nShows the latest complete snapshot: `SELECT * FROM {database}.{table.name}`.",
        metadata={"dagster/table_name": f"{database}.{table.name}"},
        retry_policy=retry_policy(table),
        freshness_policy=policy,
    )
    def _view(
        context: dg.AssetExecutionContext, aws: AwsClients
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
        with explained(table, context):
            athena = Athena(
                aws.session(),
                workgroup=settings.athena.workgroup,
                database=database,
                time_limit=settings.athena.time_limit,
            )
            catalog = Catalog(aws.glue, database)
            manifest = newest_snapshot(catalog, ManifestStore(aws.s3, settings.layout), table.name)
            before = check_rows_in_view(
                manifest,
                _count_partition(athena, database, manifest),
                shown=published_snapshot(catalog, table.name) == manifest.snapshot_timestamp,
                asset=key,
            )
            if not before.passed:
                yield before
                raise CatalogError(f"{table.table}: {before.description}")
            statement = publish(catalog, athena, manifest, log=context.log.info)
            counted = _count_view(athena, database, table.name)
            sample = _sample(athena, database, table.name)
            yield dg.MaterializeResult(
                metadata={
                    SNAPSHOT_LABEL: manifest.snapshot_timestamp,
                    "published_snapshot": dg.MetadataValue.timestamp(parse_snapshot(manifest.snapshot_timestamp)),
                    "dagster/row_count": counted.scalar(),
                    "dagster/column_schema": column_schema(manifest.columns, of_view=True),
                    "dagster/column_lineage": copied_columns(manifest.columns, upstream),
                    "view_sql": dg.MetadataValue.md(f"```sql\n{statement}\n```"),
                    "sample": sample_table(sample.columns, sample.rows),
                    "athena_query": dg.MetadataValue.url(counted.url),
                    "bytes_scanned": counted.bytes_scanned + sample.bytes_scanned,
                },
                data_version=dg.DataVersion(manifest.snapshot_timestamp),
                check_results=[check_rows_in_view(manifest, int(counted.scalar()), shown=True, asset=key)],
            )

    return _view


def newest_snapshot(catalog: Catalog, manifests: ManifestStore, name: str) -> Manifest:
    """The snapshot the view should show: the newest that is complete and registered, never one older than it shows.

    A snapshot that another run has completed and not yet registered has no rows for Athena; it is that run's to
    publish.

    Raises:
        CatalogError: There is none, or something else than a view has the view's name.
        ManifestError: The published snapshot has no manifest, and there is no newer one.
    """
    published = published_snapshot(catalog, name)
    for label in reversed(list(manifests.labels(name, after=published))):
        if catalog.has_label(snapshots_table(name), label):
            return manifests.read(name, label)
    if published is None:
        raise CatalogError(
            f"{name}: no complete snapshot is registered in {catalog.database}.{snapshots_table(name)}; materialize "
            "the assets upstream first"
        )
    return manifests.read(name, published)


def publish(catalog: Catalog, athena: Athena, manifest: Manifest, *, log: Callable[[str], None]) -> str:
    """Re-points the view to a snapshot; where it already shows just that, nothing is done.

    Returns:
        The view's statement.
    """
    query = view_query(catalog.database, manifest.name, view_columns(manifest), manifest.snapshot_timestamp)
    statement = create_view(catalog.database, manifest.name, query)
    if catalog.view_sql(manifest.name) == query:
        log(f"View {catalog.database}.{manifest.name} shows snapshot {manifest.snapshot_timestamp} already")
    else:
        athena.query(statement, subject=manifest.table)
        log(f"View {catalog.database}.{manifest.name} now shows snapshot {manifest.snapshot_timestamp}")
    return statement


def _count_partition(athena: Athena, database: str, manifest: Manifest) -> int:
    """Counted before the view is touched, so that a snapshot with too many or too few rows is never shown."""
    raw = f"{quote_identifier(database)}.{quote_identifier(snapshots_table(manifest.name))}"
    where = f"{quote_identifier(PARTITION_COLUMN)} = {quote_literal(manifest.snapshot_timestamp)}"
    return int(athena.query(f"SELECT count(*) FROM {raw} WHERE {where}", subject=manifest.table).scalar())


def _count_view(athena: Athena, database: str, name: str) -> QueryResult:
    view = f"{quote_identifier(database)}.{quote_identifier(name)}"
    return athena.query(f"SELECT count(*) FROM {view}", subject=name)


def _sample(athena: Athena, database: str, name: str) -> QueryResult:
    view = f"{quote_identifier(database)}.{quote_identifier(name)}"
    return athena.query(f"SELECT * FROM {view} LIMIT {SAMPLE_ROWS}", subject=name)
