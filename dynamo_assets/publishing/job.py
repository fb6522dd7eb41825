"""The Dagster job by which a person re-points a view."""

from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from dynamo_assets.automation.executor import threaded_executor
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.failures import explained_of
from dynamo_assets.naming import set_asset_key, view_asset_key
from dynamo_assets.publishing.by_hand import Order, Published, Publisher
from dynamo_assets.publishing.presentation import set_metadata, view_metadata
from dynamo_assets.verification.asset_checks import evaluation_of

JOB = "publish"


class PublishConfig(dg.Config):
    """What a run of the job is told."""

    target: str = Field(description="A table as tables.yaml names it, or a set.")
    snapshot_timestamp: str = Field(
        default="",
        description="The snapshot to show, such as 2026-11-23T10:00:07; the newest verified one where empty.",
    )
    pin: bool = Field(default=False, description="Hold the view there until it is unpinned.")
    unpin: bool = Field(default=False, description="Take the pin off.")
    accept: bool = Field(default=False, description="Show the snapshot although it did not pass its checks.")
    reason: str = Field(default="", description="Why; shown with the pin.")


def publish_definitions(settings: Settings) -> dg.Definitions:
    """The job, one for all tables and sets."""

    @dg.op(
        name="re_point_view",
        out=dg.Out(dg.Nothing),
        description="Re-points a view, or the views of a set, to a complete snapshot.",
    )
    def _publish(
        context: dg.OpExecutionContext, config: PublishConfig, aws: AwsClients
    ) -> Iterator[dg.AssetMaterialization | dg.Output[None]]:
        with explained_of({"target": config.target}, 0, context):
            order = Order(
                target=config.target,
                snapshot=config.snapshot_timestamp,
                pin=config.pin,
                unpin=config.unpin,
                accept=config.accept,
                reason=config.reason,
                by=f"run {context.run_id}",
            )
            publisher = Publisher(settings, aws, context.log.info)
            published = publisher.publish(order, attempt=f"{context.run_id}/{context.retry_number}")
        yield from _report(context, published, settings, aws.region_name())
        yield dg.Output(None)

    @dg.job(
        name=JOB,
        executor_def=threaded_executor,
        description="Re-points the view of a table, or the views of a set, to any complete snapshot: to roll back, to "
        "hold it there (`pin`), to let it go (`unpin`), or to show one that did not pass its checks (`accept`). A view "
        "that is not pinned moves on with the next snapshot that passes.",
    )
    def _job() -> None:
        _publish()

    return dg.Definitions(jobs=[_job])


def _report(
    context: dg.OpExecutionContext, published: Published, settings: Settings, region: str
) -> Iterator[dg.AssetMaterialization]:
    """Shows on the assets of the views what a run of the job has made of them.

    The check comes after its materialization is stored, and names it: otherwise the UI calls it not evaluated.
    """
    database = settings.catalog.database
    for shown in published.shown:
        key = dg.AssetKey(view_asset_key(database, shown.manifest.name))
        metadata = view_metadata(shown, published.pin, settings)
        yield dg.AssetMaterialization(key, description="Published by hand", metadata=metadata)
        if shown.finding:
            evaluation = evaluation_of(shown.finding, key, context.instance)
            context.instance.report_runless_asset_event(evaluation)
    if published.target.is_set:
        key = dg.AssetKey(set_asset_key(database, published.target.name))
        manifests = [shown.manifest for shown in published.shown]
        metadata = set_metadata(manifests, published.pin, region, database)
        yield dg.AssetMaterialization(key, description="Published by hand", metadata=metadata)
