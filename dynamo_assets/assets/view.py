"""`<database>/<name>`: the Athena view of the newest verified snapshot, and nothing else."""

from collections.abc import Iterator

import dagster as dg

from dynamo_assets.assets.snapshot import retry_policy
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.failures import explained
from dynamo_assets.publishing.choice import Choice
from dynamo_assets.publishing.kept_views import KeptViews
from dynamo_assets.publishing.move import Move, WrongRowsError
from dynamo_assets.publishing.pins import Pins
from dynamo_assets.publishing.presentation import blocking_results, check_results, view_result, view_spec
from dynamo_assets.publishing.target import Target
from dynamo_assets.publishing.views import Views
from dynamo_assets.verification.asset_checks import view_specs
from dynamo_assets.verification.verify import Verifier


def view_asset(table: Table, settings: Settings) -> dg.AssetsDefinition:
    """The view of one table that is in no set; the views of a set are moved by `assets/table_sets`."""
    spec, target = view_spec(table, settings), Target.of_table(table)

    @dg.multi_asset(
        name="__".join(spec.key.path),
        specs=[spec],
        check_specs=view_specs(table, spec.key),
        retry_policy=retry_policy(table),
    )
    def _view(
        context: dg.AssetExecutionContext, aws: AwsClients
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
        attempt = f"{context.run.run_id}/{context.retry_number}"
        log = context.log.info
        with (
            explained(table, context),
            target.alone(aws.s3, settings.layout, attempt=attempt, log=log) as hold,
        ):
            views, verifier = Views.of(settings, aws), Verifier(settings, aws)
            pin = Pins(aws.s3, settings.layout).of(table.name)
            if pin:
                context.log.warning(f"{table.table}: the view is pinned at {pin.snapshot_timestamp}, and stays there")
                manifest = verifier.manifests.read(table.name, pin.snapshot_timestamp)
            else:
                manifest = Choice.of(views.catalog, verifier).newest(table)
            move = Move(views, [manifest], hold, log)
            [candidate] = candidates = move.verify()
            yield from blocking_results(candidates, settings.catalog.database)
            try:
                [shown] = move.make(candidates)
            except WrongRowsError as error:
                yield from check_results(candidate, error.shown[0], settings.catalog.database)
                raise
            yield view_result(candidate, shown, pin, settings)
            KeptViews(views, verifier, log).refresh(table)

    return _view
