"""Makes what must exist before the first export: bucket, database, workgroup, Glue jobs. Running it twice is safe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.errors import ConfigError
from dynamo_assets.infrastructure.glue_code import GlueCode, build_glue_code
from dynamo_assets.settings import Settings

GLUE_TIMEOUT_MINUTES = 2880
"""The job's own limit; each run is started with the table's `time_limit`."""


def deploy(settings: Settings, aws: AwsClients, log: Callable[[str], None]) -> None:
    """Creates what is missing and updates what differs.

    The role of the Glue job and the crawlers is not made here: it must exist, with access to the bucket, the tables
    and the catalog.

    Args:
        settings: What `tables.yaml` says.
        aws: Where to.
        log: Called once for each thing, with what was done.

    Raises:
        ConfigError: `glue.role_arn` is not set.
    """
    if not settings.glue.role_arn:
        raise ConfigError(
            "glue.role_arn: set it to the ARN of the role that Glue jobs and crawlers run under (docs/configuration.md "
            "says what it must be allowed to do)"
        )
    log(_bucket(settings.storage.bucket, aws))
    log(_database(settings.catalog.database, aws))
    log(_workgroup(settings, aws))
    code = build_glue_code()
    _upload(settings, aws, code)
    jobs = {"glue": settings.glue.job_name, "glue_connector": settings.glue.connector_job_name}
    for engine, job_name in jobs.items():
        log(_job(job_name, engine, settings, code, aws))


def _bucket(bucket: str, aws: AwsClients) -> str:
    try:
        aws.s3.head_bucket(Bucket=bucket)
        return f"bucket {bucket}: exists"
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
    region = aws.region_name()
    # us-east-1 is the one region that must not be named (API reference, CreateBucket).
    where: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    aws.s3.create_bucket(Bucket=bucket, **where)
    aws.s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    return f"bucket {bucket}: created"


def _database(database: str, aws: AwsClients) -> str:
    try:
        aws.glue.create_database(DatabaseInput={"Name": database, "Description": "Snapshots of DynamoDB tables"})
    except aws.glue.exceptions.AlreadyExistsException:
        return f"database {database}: exists"
    return f"database {database}: created"


def _workgroup(settings: Settings, aws: AwsClients) -> str:
    name = settings.athena.workgroup
    location = settings.layout.uri(settings.layout.athena_results_prefix())
    try:
        aws.athena.create_work_group(
            Name=name,
            Description="Views of DynamoDB snapshots",
            Configuration={
                "ResultConfiguration": {"OutputLocation": location},
                "EnforceWorkGroupConfiguration": True,
                "PublishCloudWatchMetricsEnabled": True,
            },
        )
    except aws.athena.exceptions.InvalidRequestException as error:
        if "already" not in str(error).lower():
            raise
        return f"workgroup {name}: exists"
    return f"workgroup {name}: created, results go to {location}"


def _upload(settings: Settings, aws: AwsClients, code: GlueCode) -> None:
    """Puts scripts and package where no earlier version of them lies."""
    prefix = settings.layout.glue_code_prefix()
    for name, body in [*code.scripts.values(), (code.package_name, code.package)]:
        aws.s3.put_object(Bucket=settings.storage.bucket, Key=prefix + name, Body=body)


def _job(job_name: str, engine: str, settings: Settings, code: GlueCode, aws: AwsClients) -> str:
    glue, prefix = settings.glue, settings.layout.glue_code_prefix()
    script = settings.layout.uri(prefix + code.scripts[engine][0])
    definition: Any = {
        "Description": f"Exports DynamoDB tables to S3, engine {engine} (dynamo-assets)",
        "Role": glue.role_arn,
        "Command": {"Name": "glueetl", "ScriptLocation": script, "PythonVersion": "3"},
        "DefaultArguments": {
            "--extra-py-files": settings.layout.uri(prefix + code.package_name),
            "--additional-python-modules": code.additional_python_modules,
            "--enable-metrics": "true",
        },
        "GlueVersion": glue.version,
        "WorkerType": glue.worker_type,
        "NumberOfWorkers": glue.fixed_workers or 2,  # each run is started with its own number
        "Timeout": GLUE_TIMEOUT_MINUTES,
        "MaxRetries": 0,  # Dagster retries, and attaches to what is in flight
        "ExecutionProperty": {"MaxConcurrentRuns": glue.max_concurrent_runs},
    }
    try:
        current = aws.glue.get_job(JobName=job_name)["Job"]
    except aws.glue.exceptions.EntityNotFoundException:
        aws.glue.create_job(Name=job_name, **definition)
        return f"Glue job {job_name}: created, script {script}"
    if all(current.get(key) == value for key, value in definition.items()):
        return f"Glue job {job_name}: unchanged"
    aws.glue.update_job(JobName=job_name, JobUpdate=definition)
    return f"Glue job {job_name}: updated, script {script}"
