"""The Dagster job that erases items.

It takes their keys from a file alone: what stands in a run's config, Dagster keeps for ever.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from dynamo_assets.automation.executor import COMPUTES_TAG, threaded_executor
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.erasure.outcome import Outcome
from dynamo_assets.errors import DynamoAssetsError
from dynamo_assets.export.claim import utc_now
from dynamo_assets.naming import snapshot_asset_key

JOB = "erase"
S3 = "s3://"
SHOWN_LINES = 200
"""The run's log has all of them; the metadata of an event is loaded with every page that shows it."""


class EraseConfig(dg.Config):
    """What a run of the job is told. There is no field for keys themselves, so that none can be stored by mistake."""

    table: str = Field(description="The table, named as in tables.yaml.")
    keys_file: str = Field(
        description="Where the keys are: `s3://bucket/key`, or a path on the machine that runs this. A JSON object a "
        'line, such as {"customer_id": "42"}: the table\'s primary key, or its partition key alone, for all items that '
        "have it."
    )
    dry_run: bool = Field(default=False, description="Only count what would be erased; nothing is changed.")
    delete_keys_file: bool = Field(
        default=False, description="Delete the keys file of S3 when everything is erased. A dry run leaves it."
    )


def erasure_definitions(settings: Settings) -> dg.Definitions:
    """The job: one for all tables."""

    @dg.op(
        name="erase_items",
        out=dg.Out(dg.Nothing),
        tags={COMPUTES_TAG: "true"},
        description="Erases the items of some keys from every snapshot of a table.",
    )
    def _erase(
        context: dg.OpExecutionContext, config: EraseConfig, aws: AwsClients
    ) -> Iterator[dg.AssetObservation | dg.Output[None]]:
        yield from _run(context, config, settings, aws)

    @dg.job(
        name=JOB,
        executor_def=threaded_executor,
        description="Erases items, given by their keys, from every snapshot of a table. Delete them from the DynamoDB "
        "table first: the next snapshot has again what is still there. Put the keys into a file: a run's config is "
        "kept for ever. Set `dry_run` to see how many rows would go.",
    )
    def _job() -> None:
        _erase()

    return dg.Definitions(jobs=[_job])


def _run(
    context: dg.OpExecutionContext, config: EraseConfig, settings: Settings, aws: AwsClients
) -> Iterator[dg.AssetObservation | dg.Output[None]]:
    # They bring pyarrow, which a process that only loads the definitions need not pay for.
    from dynamo_assets.erasure.keys import read_keys  # noqa: PLC0415
    from dynamo_assets.erasure.run import ErasureRun  # noqa: PLC0415

    try:
        table = settings.table_named(config.table)
        keys = read_keys(config.keys_file, aws.s3)
        run = ErasureRun(settings, aws, table, keys, f"run {context.run_id}", utc_now, config.dry_run, context.log.info)
        outcome = run.apply()
    except DynamoAssetsError as error:
        raise dg.Failure(f"{config.table}: {error}", allow_retries=False) from None
    context.log.info("\n".join(outcome.lines()))
    yield _observation(table, outcome)
    if problem := outcome.problem():
        raise dg.Failure(problem, metadata=_metadata(outcome), allow_retries=False)
    if not config.dry_run:
        _see_to_keys_file(context, config, aws)
    yield dg.Output(None, metadata=_metadata(outcome))


def _see_to_keys_file(context: dg.OpExecutionContext, config: EraseConfig, aws: AwsClients) -> None:
    """The keys file says who was erased."""
    if config.delete_keys_file and config.keys_file.startswith(S3):
        bucket, _, key = config.keys_file.removeprefix(S3).partition("/")
        aws.s3.delete_object(Bucket=bucket, Key=key)
        context.log.info(f"Deleted {config.keys_file}")
    else:
        context.log.warning(f"{config.keys_file} still says whom you have erased: delete it")


def _observation(table: Table, outcome: Outcome) -> dg.AssetObservation:
    """What is shown on a table's snapshots."""
    return dg.AssetObservation(
        dg.AssetKey(snapshot_asset_key(table.name)), description=outcome.lines()[0], metadata=_metadata(outcome)
    )


def _metadata(outcome: Outcome) -> dict[str, Any]:
    lines = outcome.lines()
    shown = lines[:SHOWN_LINES] + (["  ..."] if len(lines) > SHOWN_LINES else [])
    return {
        "dry_run": outcome.dry_run,
        "keys": outcome.keys,
        "rows": outcome.rows,
        "files": outcome.files,
        "snapshots": len(outcome.erased),
        "looked_through": outcome.snapshots,
        "history": outcome.history,
        "all": dg.MetadataValue.md("```\n" + "\n".join(shown) + "\n```"),
    }
