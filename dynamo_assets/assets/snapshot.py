"""`s3/<name>_export`: the snapshots of one table, one run of the engine after another."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dagster as dg

from dynamo_assets.assets.table_engine import engine_of
from dynamo_assets.assets.table_sets.checks import tell_the_set
from dynamo_assets.automation.executor import COMPUTES_TAG
from dynamo_assets.automation.partitions import require_current_slot
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.engines.snapshot import Snapshot, snapshots_of_slot
from dynamo_assets.errors import HeldBackError
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.export.progress import WARNING_PREFIX
from dynamo_assets.failures import explained
from dynamo_assets.metadata import SNAPSHOT_LABEL, exported_columns, snapshot_metadata
from dynamo_assets.naming import snapshot_asset_key, source_asset_key
from dynamo_assets.verification.asset_checks import result_of, snapshot_specs
from dynamo_assets.verification.verify import Verifier

KINDS = {
    "auto": {"s3"},
    "glue": {"glue", "s3"},
    "glue_connector": {"glue", "s3"},
    "in_process": {"python", "s3"},
    "point_in_time": {"dynamodb", "s3"},
}
POOLS = {
    "auto": "auto_exports",
    "glue": "glue_exports",
    "glue_connector": "glue_exports",
    "in_process": "in_process_exports",
    "point_in_time": "point_in_time_exports",
}
"""Limit them in `dagster.yaml` or in the UI, under Deployment > Concurrency. A pool is chosen while loading, and an
engine of `auto` in the run, so these have one of their own."""


def snapshot_asset(table: Table, settings: Settings, slots: dg.TimeWindowPartitionsDefinition) -> dg.AssetsDefinition:
    """The partitioned asset of one table's snapshots."""
    key = dg.AssetKey(snapshot_asset_key(table.name))
    source = dg.AssetKey(source_asset_key(table.table))

    @dg.asset(
        key=key,
        deps=[source],
        partitions_def=slots,
        check_specs=snapshot_specs(table, key),
        group_name=table.group,
        kinds={*KINDS[table.engine], table.format},
        owners=table.owners,
        tags=table.tags,
        description=f"Complete snapshots of {table.table} in S3, each in a folder of its own. {_what_a_slot_is(table)}",
        metadata={"schedule": table.schedule, "engine": table.engine, "read_percentage": table.read_percentage},
        retry_policy=retry_policy(table),
        hooks=tell_the_set(table, settings),
        pool=POOLS[table.engine],
        op_tags={COMPUTES_TAG: "true"} if table.engine == "in_process" else None,
    )
    def _snapshot(context: dg.AssetExecutionContext, aws: AwsClients) -> Iterator[dg.MaterializeResult]:
        with explained(table, context):
            snapshot = _take_or_adopt(context, table, settings, aws, slots)
            manifest = snapshot.manifest
            for line in manifest.schema_changes.lines():
                context.log.warning(f"{table.table}: columns changed since {manifest.schema_changes.since}: {line}")
            record = Verifier(settings, aws).verify(table, manifest)
            yield dg.MaterializeResult(
                metadata={
                    **snapshot_metadata(manifest, snapshot.facts, settings.layout, settings.prices),
                    "dagster/column_lineage": exported_columns(manifest.columns, source),
                    "verified": record.passed,
                },
                data_version=dg.DataVersion(manifest.snapshot_timestamp),
                check_results=[
                    result_of(finding, key, **{SNAPSHOT_LABEL: manifest.snapshot_timestamp})
                    for finding in record.findings
                ],
            )
            if not record.passed:
                # Of a check that blocks Dagster would say its name alone, where people look first: run, alert and set.
                raise HeldBackError(
                    f"{table.table}: snapshot {manifest.snapshot_timestamp} did not pass its checks, so it is not "
                    f"registered, and the view shows what it showed. {record.reasons()}"
                )

    return _snapshot


def _what_a_slot_is(table: Table) -> str:
    if table.engine == "point_in_time":
        return (
            "A slot's snapshot is the table as of the slot's instant. Any slot that point-in-time recovery reaches can "
            "be filled, 35 days back at most; one that is complete is not exported again."
        )
    if table.engine == "auto":
        return (
            "Each run chooses its engine, and says which and why. A slot that is over can be filled where "
            "point-in-time recovery is on and reaches it."
        )
    return "A slot that is materialized again gets a further snapshot; a slot that is over cannot be filled."


def retry_policy(table: Table) -> dg.RetryPolicy | None:
    """The retries of one table's steps."""
    if table.retries == 0:
        return None  # with a policy of none, Dagster would report "Exceeded max_retries of 0" instead of the reason
    return dg.RetryPolicy(
        max_retries=table.retries,
        delay=table.retry_delay.total_seconds(),
        backoff=dg.Backoff.EXPONENTIAL,
        jitter=dg.Jitter.PLUS_MINUS,
    )


def _take_or_adopt(
    context: dg.AssetExecutionContext,
    table: Table,
    settings: Settings,
    aws: AwsClients,
    slots: dg.TimeWindowPartitionsDefinition,
) -> Snapshot:
    slot = context.partition_key
    manifests = ManifestStore(aws.s3, settings.layout)
    origin = context.run.root_run_id or context.run.run_id
    is_retry = context.retry_number > 0 or context.run.parent_run_id is not None
    if is_retry and (left := _unreported(context, manifests, table, origin)):
        context.log.info(f"Adopting snapshot {left.manifest.snapshot_timestamp}, complete since the run broke off")
        return left
    return engine_of(table, settings, aws, manifests, partial(_announce, context)).take_snapshot(
        settings.export_request(table, slot=slot, attempt=f"{origin}/{uuid.uuid4().hex[:8]}"),
        before_start=partial(_require_slot, table, slot, slots),
        log=partial(_log, context),
    )


def _require_slot(table: Table, slot: str, slots: dg.TimeWindowPartitionsDefinition) -> None:
    if table.engine != "point_in_time":
        require_current_slot(table.table, slot, slots, datetime.now(UTC))


def _log(context: dg.AssetExecutionContext, line: str) -> None:
    (context.log.warning if line.startswith(WARNING_PREFIX) else context.log.info)(line)


def _announce(context: dg.AssetExecutionContext, expected: Mapping[str, Any]) -> None:
    context.log_event(
        dg.AssetObservation(
            context.asset_key,
            partition=context.partition_key,
            description="What the run that has begun is expected to take and to cost",
            metadata={**expected, "run": context.run.run_id},
        )
    )


def _unreported(
    context: dg.AssetExecutionContext, manifests: ManifestStore, table: Table, origin: str
) -> Snapshot | None:
    """A complete snapshot that an earlier try of this same run took and did not live to report."""
    records = context.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=context.asset_key, asset_partitions=[context.partition_key]), limit=100
    ).records
    reported = {
        str(record.asset_materialization.metadata[SNAPSHOT_LABEL].value)
        for record in records
        if record.asset_materialization and SNAPSHOT_LABEL in record.asset_materialization.metadata
    }
    for manifest in snapshots_of_slot(manifests, table.name, context.partition_key):
        if manifest.attempt.startswith(f"{origin}/") and manifest.snapshot_timestamp not in reported:
            return Snapshot(manifest, {"adopted": True})
    return None
