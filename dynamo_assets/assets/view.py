"""`<database>/<name>`: the Athena view of the latest complete snapshot, and nothing else."""

from collections.abc import Iterator

import dagster as dg

from dynamo_assets.assets.checks import rows_in_view_spec
from dynamo_assets.assets.failures import explained
from dynamo_assets.assets.publishing import Views, view_spec
from dynamo_assets.assets.snapshot import retry_policy
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.views import published_snapshot
from dynamo_assets.errors import CatalogError
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.naming import snapshots_table
from dynamo_assets.settings import Settings, Table


def view_asset(table: Table, settings: Settings) -> dg.AssetsDefinition:
    """The view of one table that is in no set; the views of a set are moved by `assets/table_sets`."""
    spec = view_spec(table, settings)

    @dg.multi_asset(
        name="__".join(spec.key.path),
        specs=[spec],
        check_specs=[rows_in_view_spec(spec.key)],
        retry_policy=retry_policy(table),
    )
    def _view(
        context: dg.AssetExecutionContext, aws: AwsClients
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
        with explained(table, context):
            views = Views.of(settings, aws)
            manifest = newest_snapshot(views.catalog, ManifestStore(aws.s3, settings.layout), table.name)
            before = views.check_before(manifest)
            if not before.passed:
                yield before
                raise CatalogError(f"{table.table}: {before.description}")
            views.publish(manifest, log=context.log.info)
            yield views.result(manifest)

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
