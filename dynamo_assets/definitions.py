"""The code location: `tables.yaml` -> Dagster definitions. Loading it calls no AWS API."""

from __future__ import annotations

import dagster as dg

from dynamo_assets.alerts.run_failures import run_failure_sensor
from dynamo_assets.assets.catalog import catalog_asset
from dynamo_assets.assets.snapshot import snapshot_asset
from dynamo_assets.assets.source import source_asset
from dynamo_assets.assets.table_sets.asset import set_asset
from dynamo_assets.assets.view import view_asset
from dynamo_assets.automation.executor import threaded_executor
from dynamo_assets.automation.jobs import cadence_definitions, cadences
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.load import load_settings
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.erasure.job import erasure_definitions
from dynamo_assets.freshness.checks import freshness_checks
from dynamo_assets.freshness.sensor import freshness_sensor
from dynamo_assets.publishing.job import publish_definitions
from dynamo_assets.retention.job import retention_definitions


def build_definitions(settings: Settings) -> dg.Definitions:
    """Every asset, check, job, schedule and sensor of the tables in the settings."""
    groups = cadences(settings)
    checks = freshness_checks(settings)
    failures = run_failure_sensor(settings)
    in_sets = settings.tables_in_sets
    tables = dg.Definitions(
        assets=[
            *(
                definition
                for cadence in groups
                for table in cadence.tables
                for definition in (
                    source_asset(table),
                    snapshot_asset(table, settings, cadence.slots),
                    catalog_asset(table, settings, cadence.slots),
                )
            ),
            *(view_asset(table, settings) for table in settings.tables if table.table not in in_sets),
            *(set_asset(table_set, settings) for table_set in settings.sets),
        ],
        asset_checks=[checks] if checks else [],
        sensors=[freshness_sensor(settings), *([failures] if failures else [])],
        resources={"aws": AwsClients()},
        executor=threaded_executor,
    )
    jobs = [
        *(cadence_definitions(cadence, settings) for cadence in groups),
        publish_definitions(settings),
        retention_definitions(settings),
        erasure_definitions(settings),
    ]
    return dg.Definitions.merge(tables, *jobs)


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads: the tables of the file that `DYNAMO_ASSETS_CONFIG` names."""
    return build_definitions(load_settings())
