"""The engine of one table, made as the settings say."""

from __future__ import annotations

from functools import partial

from dynamo_assets.automation.partitions import last_tick
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.glue_jobs import GlueJobs
from dynamo_assets.aws.native_exports import NativeExports
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.engines.auto import AutoEngine
from dynamo_assets.engines.glue import GlueEngine
from dynamo_assets.engines.in_process import InProcessEngine
from dynamo_assets.engines.increments import Chain
from dynamo_assets.engines.point_in_time import PointInTimeEngine
from dynamo_assets.engines.sizer import Sizer
from dynamo_assets.engines.sizing import Limits
from dynamo_assets.engines.snapshot import Announce, Engine, nobody
from dynamo_assets.export.manifest import ManifestStore


def engine_of(
    table: Table, settings: Settings, aws: AwsClients, manifests: ManifestStore, announce: Announce = nobody
) -> Engine:
    """What takes the table's snapshots. Nothing is asked of AWS yet."""
    dynamodb, limits = aws.dynamodb_of(table), limits_of(table, settings)
    sizer = Sizer(dynamodb, limits, announce)
    in_process = InProcessEngine(session=aws.session(), sizer=sizer)
    glue = GlueEngine(
        jobs=GlueJobs(aws.glue, aws.logs),
        manifests=manifests,
        job_name=settings.glue.connector_job_name if table.engine == "glue_connector" else settings.glue.job_name,
        sizer=sizer,
    )
    options = table.point_in_time
    point_in_time = PointInTimeEngine(
        dynamodb=dynamodb,
        exports=NativeExports(dynamodb, aws.s3),
        manifests=manifests,
        s3=aws.s3,
        in_process=in_process,
        glue=glue,
        in_process_below=options.in_process_below_bytes,
        limits=limits,
        keep_native_export=options.keep_native_export,
        bucket_owner=settings.storage.bucket_owner,
        kms_key=options.kms_key,
        chain=Chain(manifests, partial(last_tick, options.full_every)) if options.full_every else None,
        announce=announce,
    )
    match table.engine:
        case "in_process":
            return in_process
        case "glue" | "glue_connector":
            return glue
        case "point_in_time":
            return point_in_time
        case "auto":
            return AutoEngine(dynamodb, in_process, glue, point_in_time)


def limits_of(table: Table, settings: Settings) -> Limits:
    """Within what the table's exports are sized."""
    return Limits(
        time_limit=table.time_limit,
        worker_type=settings.glue.worker_type,
        flex=settings.glue.flex,
        max_workers=settings.glue.max_workers,
        workers=settings.glue.fixed_workers,
        prices=settings.prices,
    )
