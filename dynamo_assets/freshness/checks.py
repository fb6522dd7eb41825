"""The freshness checks, which the sensor keeps and a person can run too."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import FRESHNESS
from dynamo_assets.freshness.known import Cursor
from dynamo_assets.freshness.look import Look
from dynamo_assets.freshness.report import evaluation
from dynamo_assets.freshness.watched import watched_sets, watched_tables


def freshness_checks(settings: Settings) -> dg.AssetChecksDefinition | None:
    """The checks of all views and sets that have limits, to be run by hand; None where none has."""
    everything = [watched for _, watched in [*watched_tables(settings), *watched_sets(settings)]]
    limited = {watched.asset: watched for watched in everything if watched.limits}
    if not limited:
        return None

    @dg.multi_asset_check(
        name=FRESHNESS,
        specs=[
            dg.AssetCheckSpec(FRESHNESS, asset=key, description="The published snapshot is younger than the limits.")
            for key in limited
        ],
        can_subset=True,
    )
    def _checks(context: dg.AssetCheckExecutionContext, aws: AwsClients) -> Iterator[dg.AssetCheckResult]:
        now = datetime.now(UTC)
        wanted = {key.asset_key for key in context.selected_asset_check_keys}
        seen = Look(settings, aws, now, context.log.error).at_all(Cursor(), only=wanted)
        for key, watched in limited.items():
            if key not in wanted:
                continue
            if watched not in seen.known:
                raise dg.Failure(f"{watched.title} could not be read: {seen.errors.get(watched.name)}")
            event = evaluation(watched, seen.known[watched], now)
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name=FRESHNESS,
                passed=event.passed,
                severity=event.severity,
                description=event.description,
                metadata=event.metadata,
            )

    return _checks
