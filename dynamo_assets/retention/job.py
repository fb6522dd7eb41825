"""The Dagster job that removes old snapshots, and its schedule, which is off until a person turns it on."""

from collections.abc import Iterator, Sequence

import dagster as dg
from pydantic import Field

from dynamo_assets.automation.executor import threaded_executor
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.export.claim import utc_now
from dynamo_assets.naming import snapshot_asset_key
from dynamo_assets.retention.outcome import Outcome
from dynamo_assets.retention.run import RetentionRun

JOB = "retention"
DAILY = "30 4 * * *"
SHOWN_LINES = 200
"""The run's log has all of them; the metadata of an event is loaded with every page that shows it."""


class RetentionConfig(dg.Config):
    """What a run of the job may be told."""

    dry_run: bool = Field(default=False, description="Only list what would go; nothing is changed.")
    tables: list[str] = Field(
        default=[], description="Only these tables, named as in tables.yaml; all that have `retention` where empty."
    )


def retention_definitions(settings: Settings) -> dg.Definitions:
    """The job and its schedule; nothing where no table has `retention`."""
    tables = tables_with_retention(settings)
    if not tables:
        return dg.Definitions()

    @dg.op(
        name="remove_old_snapshots",
        out=dg.Out(dg.Nothing),
        description="Removes the snapshots of each table that are beyond its limits, and what dead attempts left.",
    )
    def _remove(
        context: dg.OpExecutionContext, config: RetentionConfig, aws: AwsClients
    ) -> Iterator[dg.AssetObservation | dg.Output[None]]:
        yield from _run(context, config, settings, aws)

    @dg.job(
        name=JOB,
        executor_def=threaded_executor,
        description=f"Retention of {', '.join(table.table for table in tables[:10])}"
        f"{', ...' if len(tables) > 10 else ''}: old snapshots go, and what dead attempts left. Set `dry_run` to see "
        "what would go. What is published, the newest, or needed by the next incremental snapshot always stays.",
    )
    def _job() -> None:
        _remove()

    return dg.Definitions(
        jobs=[_job], schedules=[dg.ScheduleDefinition(name=f"{JOB}_schedule", job=_job, cron_schedule=DAILY)]
    )


def tables_with_retention(settings: Settings, names: Sequence[str] = ()) -> list[Table]:
    """The tables that have `retention`, or those of them that are named.

    Raises:
        ValueError: One that is named has none.
    """
    tables = {table.table: table for table in settings.tables if table.retention is not None}
    for name in names:
        if name not in tables:
            raise ValueError(f"{name!r} has no `retention` in tables.yaml; tables that have: {', '.join(tables)}")
    return [table for name, table in tables.items() if not names or name in names]


def _run(
    context: dg.OpExecutionContext, config: RetentionConfig, settings: Settings, aws: AwsClients
) -> Iterator[dg.AssetObservation | dg.Output[None]]:
    try:
        tables = tables_with_retention(settings, config.tables)
    except ValueError as error:
        raise dg.Failure(f"{error}. Nothing was changed", allow_retries=False) from error
    run = RetentionRun(settings, aws, utc_now(), config.dry_run, context.log.info)
    outcomes, errors = run.apply_to_all(tables)
    for outcome in outcomes:
        context.log.info("\n".join(outcome.lines()))
        if outcome.changes:
            yield _observation(outcome)
    summary = {"tables": _summary(outcomes, errors)}
    if errors:
        reasons = " ".join(f"{table}: {str(error).removeprefix(f'{table}: ')}" for table, error in errors.items())
        raise dg.Failure(
            f"Retention of {len(errors)} of {len(tables)} tables failed; the others were seen to. {reasons}",
            metadata=summary,
            allow_retries=False,
        )
    yield dg.Output(None, metadata=summary)


def _observation(outcome: Outcome) -> dg.AssetObservation:
    """What is shown on a table's snapshots."""
    lines = outcome.lines()
    shown = lines[:SHOWN_LINES] + (["  ..."] if len(lines) > SHOWN_LINES else [])
    return dg.AssetObservation(
        dg.AssetKey(snapshot_asset_key(outcome.table.name)),
        description=lines[0],
        metadata={
            "dry_run": outcome.dry_run,
            "snapshots": outcome.snapshots,
            "rows": outcome.rows,
            "bytes": outcome.bytes,
            "left_by_dead_attempts": len(outcome.leavings),
            "protected": dg.MetadataValue.json(dict(outcome.staying)),
            "all": dg.MetadataValue.md("```\n" + "\n".join(shown) + "\n```"),
        },
    )


def _summary(outcomes: Sequence[Outcome], errors: dict[str, Exception]) -> dg.MetadataValue:
    verb = "would go" if any(outcome.dry_run for outcome in outcomes) else "went"
    lines = [
        f"| table | snapshots that {verb} | rows | left by dead attempts | bytes | old, and stay |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for one in outcomes:
        staying = "; ".join(f"{label}: {why}" for label, why in list(one.staying.items())[:10])
        lines.append(
            f"| {one.table.table} | {one.snapshots:,} | {one.rows:,} | {len(one.leavings):,} "
            f"| {one.bytes:,} | {staying} |"
        )
    lines += [f"| {table} | failed: {_in_a_cell(error)} | | | | |" for table, error in errors.items()]
    return dg.MetadataValue.md("\n".join(lines))


def _in_a_cell(error: Exception) -> str:
    return str(error).replace("|", "\\|").replace("\n", " ")
