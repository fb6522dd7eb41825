"""The check that says on a set's own asset which member held it back, also where Dagster never runs the set's step.

Dagster does not run a step below one that failed, and says nothing of it on the step's assets. So the members' steps
tell the set when they fail: as its check, and as an observation among its events.
"""

from __future__ import annotations

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from dynamo_assets.configuration.settings import Settings, TableSet
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.metadata import SNAPSHOT_LABEL
from dynamo_assets.naming import format_snapshot, parse_slot, set_asset_key

MOVED_TOGETHER = "moved_together"


def moved_together_spec(asset: dg.AssetKey) -> dg.AssetCheckSpec:
    """The set's views show the newest instant."""
    return dg.AssetCheckSpec(
        MOVED_TOGETHER,
        asset=asset,
        description="Every view of the set shows the newest instant there is. Where not: which member held it back, "
        "why, and what to do.",
    )


def tell_the_set(table: Table, settings: Settings) -> frozenset[dg.HookDefinition]:
    """What a member's steps do when they fail; nothing, where the table is in no set."""
    return frozenset(_hook(table, each, settings) for each in settings.sets if table.table in each.tables)


def _hook(table: Table, table_set: TableSet, settings: Settings) -> dg.HookDefinition:
    asset = dg.AssetKey(set_asset_key(settings.catalog.database, table_set.name))

    @dg.failure_hook(name=f"{table.name}_holds_back_{table_set.name}")
    def _tell(context: dg.HookContext) -> None:
        run = context.instance.get_run_by_id(context.run_id)
        slot = run and run.tags.get("dagster/partition")
        if not slot or not _is_news(context.instance, asset, format_snapshot(parse_slot(slot))):
            _say_again(context.instance, dg.AssetCheckKey(asset, MOVED_TOGETHER))
            return
        text = (
            f"{table.table} held the set back at slot {slot}: {_reason(context.op_exception, table)} "
            f"Every view of the set shows what it showed before. {what_to_do(table.table, slot)}"
        )
        metadata = {
            "slot": slot,
            "step": context.step_key,
            "run": dg.MetadataValue.dagster_run(context.run_id),
        }
        context.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(asset, MOVED_TOGETHER, passed=False, description=text, metadata=metadata)
        )
        context.instance.report_runless_asset_event(dg.AssetObservation(asset, description=text, metadata=metadata))

    return _tell


def what_to_do(tables: str, slot: str) -> str:
    """How a person lets a set move on."""
    return (
        f"Mend that, then re-execute the run from failure, or materialize slot {slot} of {tables} and the set. "
        "Without that it moves with the next slot that every member has."
    )


def _is_news(instance: dg.DagsterInstance, asset: dg.AssetKey, label: str) -> bool:
    """Whether the set shows something older: what fails below what it shows holds nothing back."""
    event = instance.get_latest_materialization_event(asset)
    shown = event and event.asset_materialization and event.asset_materialization.metadata.get(SNAPSHOT_LABEL)
    return not shown or str(shown.value) < label


def _say_again(instance: dg.DagsterInstance, check: dg.AssetCheckKey) -> None:
    """Repeats what the check said last: a run that plans a check and does not come to it shows it as skipped."""
    said = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}
    for record in instance.event_log_storage.get_asset_check_execution_history(check, limit=1, status=said):
        if record.event and record.event.dagster_event:
            instance.report_runless_asset_event(record.event.dagster_event.asset_check_evaluation_data)


def _reason(error: BaseException | None, table: Table) -> str:
    text = (isinstance(error, dg.Failure) and error.description) or str(error or "its step failed")
    text = text.removeprefix(f"{table.table}: ")
    return text if text.endswith(".") else f"{text}."
