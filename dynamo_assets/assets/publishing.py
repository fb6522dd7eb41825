"""What publishing a snapshot is made of, for a view that moves by itself and for those of a set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from dynamo_assets.assets.checks import check_rows_in_view
from dynamo_assets.assets.metadata import SNAPSHOT_LABEL, column_schema, copied_columns, sample_table
from dynamo_assets.assets.view_columns import view_columns
from dynamo_assets.aws.athena import Athena, QueryResult, quote_identifier
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.views import create_view, published_snapshot, view_query
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.naming import catalog_asset_key, parse_snapshot, view_asset_key
from dynamo_assets.settings import Settings, Table

SAMPLE_ROWS = 5


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
        + f"\n\nShows the latest complete snapshot: `SELECT * FROM {database}.{table.name}`.",
        metadata={"dagster/table_name": f"{database}.{table.name}"},
        freshness_policy=policy,
    )


@dataclass(frozen=True)
class Views:
    """The views of one database.

    Attributes:
        catalog: Says what they show.
        athena: Makes them, and counts.
    """

    catalog: Catalog
    athena: Athena

    @classmethod
    def of(cls, settings: Settings, aws: AwsClients) -> Views:
        """Those of the settings' database."""
        database = settings.catalog.database
        athena = Athena(
            aws.session(),
            workgroup=settings.athena.workgroup,
            database=database,
            time_limit=settings.athena.time_limit,
        )
        return cls(Catalog(aws.glue, database), athena)

    def query_of(self, manifest: Manifest) -> str:
        """The SQL of the view that shows a snapshot."""
        return view_query(self.catalog.database, manifest.name, view_columns(manifest), manifest.snapshot_timestamp)

    def check_before(self, manifest: Manifest) -> dg.AssetCheckResult:
        """Counts the snapshot's rows before its view is touched, so that one with too many or too few is never shown.

        What is counted is the query that the view is going to have: one that Athena cannot answer fails here, too.
        """
        counted = self.athena.query(f"SELECT count(*) FROM ({self.query_of(manifest)})", subject=manifest.table)
        shown = published_snapshot(self.catalog, manifest.name) == manifest.snapshot_timestamp
        return check_rows_in_view(manifest, int(counted.scalar()), shown=shown, asset=self._key(manifest))

    def shows(self, manifest: Manifest) -> bool:
        """Whether the view is just as this snapshot makes it."""
        return self.catalog.view_sql(manifest.name) == self.query_of(manifest)

    def publish(self, manifest: Manifest, *, log: Callable[[str], None]) -> None:
        """Re-points the view to a snapshot; where it already shows just that, nothing is done."""
        view = f"View {self.catalog.database}.{manifest.name}"
        if self.shows(manifest):
            log(f"{view} shows snapshot {manifest.snapshot_timestamp} already")
        else:
            self.athena.query(self._statement(manifest), subject=manifest.table)
            log(f"{view} now shows snapshot {manifest.snapshot_timestamp}")

    def result(self, manifest: Manifest) -> dg.MaterializeResult:
        """What a person wants to see of a view that was published: its rows counted through it, and a few of them."""
        database, name = self.catalog.database, manifest.name
        counted = self._query(f"SELECT count(*) FROM {self._quoted(name)}", name)
        sample = self._query(f"SELECT * FROM {self._quoted(name)} LIMIT {SAMPLE_ROWS}", name)
        key = self._key(manifest)
        return dg.MaterializeResult(
            asset_key=key,
            metadata={
                SNAPSHOT_LABEL: manifest.snapshot_timestamp,
                "published_snapshot": dg.MetadataValue.timestamp(parse_snapshot(manifest.snapshot_timestamp)),
                "dagster/row_count": counted.scalar(),
                "dagster/column_schema": column_schema(manifest.columns, of_view=True),
                "dagster/column_lineage": copied_columns(
                    manifest.columns, dg.AssetKey(catalog_asset_key(database, name))
                ),
                "view_sql": dg.MetadataValue.md(f"```sql\n{self._statement(manifest)}\n```"),
                "sample": sample_table(sample.columns, sample.rows),
                "athena_query": dg.MetadataValue.url(counted.url),
                "bytes_scanned": counted.bytes_scanned + sample.bytes_scanned,
            },
            data_version=dg.DataVersion(manifest.snapshot_timestamp),
            check_results=[check_rows_in_view(manifest, int(counted.scalar()), shown=True, asset=key)],
        )

    def _statement(self, manifest: Manifest) -> str:
        return create_view(self.catalog.database, manifest.name, self.query_of(manifest))

    def _key(self, manifest: Manifest) -> dg.AssetKey:
        return dg.AssetKey(view_asset_key(self.catalog.database, manifest.name))

    def _quoted(self, name: str) -> str:
        return f"{quote_identifier(self.catalog.database)}.{quote_identifier(name)}"

    def _query(self, sql: str, subject: str) -> QueryResult:
        return self.athena.query(sql, subject=subject)
