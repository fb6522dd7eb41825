"""Which permissions a configuration needs: the one list, by what they are for.

`template.yaml` allows the same; `tests/doctor/test_needs.py` holds the two together. Here are resources as they are
named in calls, there are the patterns that cover them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dynamo_assets.configuration.settings import Settings
from dynamo_assets.doctor.case import Place
from dynamo_assets.doctor.need import Need
from dynamo_assets.doctor.table_needs import tables_of_dagster, tables_of_glue
from dynamo_assets.doctor.usage import is_exported_by_dynamodb, job_of, runs_on_glue
from dynamo_assets.naming import crawler_name, snapshots_table

SAMPLE = "2026-11-23T10:00:00"
"""A label and a file's name, for resources of which there may be none yet."""


def needs_of_dagster(settings: Settings, place: Place, keys: Sequence[str] = ()) -> list[Need]:
    """What the role of Dagster's processes must be allowed.

    Args:
        settings: The configuration.
        place: Where.
        keys: The ARNs of the KMS keys that encrypt what is written.
    """
    return [
        need
        for part in (
            tables_of_dagster(settings, place),
            _objects(settings, place),
            _of_dagster_alone(settings, place),
            _jobs(settings, place),
            _crawlers(settings, place),
            _catalog(settings, place),
            _encryption(keys),
        )
        for need in part
        if need.resources
    ]


def needs_of_glue(settings: Settings, place: Place, keys: Sequence[str] = ()) -> list[Need]:
    """What the role of jobs and crawlers must be allowed; see `needs_of_dagster`."""
    return [
        need
        for part in (
            tables_of_glue(settings, place),
            _objects(settings, place),
            _crawls(settings, place),
            _logs(settings, place),
            _encryption(keys),
        )
        for need in part
        if need.resources
    ]


def _bucket(settings: Settings, place: Place) -> str:
    return f"arn:{place.partition}:s3:::{settings.storage.bucket}"


def _objects(settings: Settings, place: Place) -> Iterator[Need]:
    """What whoever writes snapshots does in the bucket."""
    layout, bucket, name = settings.layout, _bucket(settings, place), settings.tables[0].name
    yield Need("listing the bucket", ("s3:GetBucketLocation", "s3:ListBucket"), (bucket,))
    yield Need(
        "reading and writing snapshots",
        ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
        tuple(
            f"{bucket}/{key}"
            for key in (
                f"{layout.snapshots_prefix(name)}{SAMPLE}",
                f"{layout.manifests_prefix(name)}{SAMPLE}.json",
                layout.view_claim_key(name),
                f"{layout.units_prefix(name, SAMPLE)}{SAMPLE}",
                f"{layout.native_export_prefix(name, SAMPLE)}{SAMPLE}",
                f"{layout.athena_results_prefix()}{SAMPLE}",
            )
        ),
    )
    yield Need("the code of the jobs", ("s3:GetObject",), (f"{bucket}/{layout.glue_code_prefix()}{SAMPLE}",))


def _of_dagster_alone(settings: Settings, place: Place) -> Iterator[Need]:
    layout, bucket = settings.layout, _bucket(settings, place)
    yield Need("asking whether the bucket keeps versions", ("s3:GetBucketVersioning",), (bucket,))
    exported = [table.name for table in settings.tables if is_exported_by_dynamodb(table)]
    yield Need(
        "DynamoDB's own exports into the bucket",
        ("s3:PutObjectAcl",),
        tuple(f"{bucket}/{layout.native_export_prefix(name, SAMPLE)}{SAMPLE}" for name in exported[:1]),
    )
    yield Need(
        "queries",
        (
            "athena:GetQueryExecution",
            "athena:GetQueryResults",
            "athena:StartQueryExecution",
            "athena:StopQueryExecution",
        ),
        (place.arn("athena", f"workgroup/{settings.athena.workgroup}"),),
    )
    topic = settings.alerts.sns_topic
    yield Need("alerts", ("sns:Publish",), (topic,) if topic else ())


def _jobs(settings: Settings, place: Place) -> Iterator[Need]:
    jobs = sorted({job for table in settings.tables if (job := job_of(table, settings))})
    yield Need(
        "Glue runs",
        ("glue:BatchStopJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun"),
        tuple(place.arn("glue", f"job/{job}") for job in jobs),
    )
    stream = place.arn("logs", "log-group:/aws-glue/jobs/output:log-stream:jr_0123456789abcdef")
    yield Need("the logs of Glue runs", ("logs:GetLogEvents",), (stream,) if jobs else ())


def _crawlers(settings: Settings, place: Place) -> Iterator[Need]:
    if settings.catalog.method != "crawler":
        return
    yield Need(
        "crawlers",
        ("glue:GetCrawler", "glue:ListCrawls", "glue:StartCrawler", "glue:StopCrawler", "glue:UpdateCrawler"),
        tuple(
            place.arn("glue", f"crawler/{crawler_name(settings.catalog.database, table.name)}")
            for table in settings.tables
        ),
    )
    yield Need("making crawlers", ("glue:CreateCrawler",), ("*",))
    csv = any(table.format == "csv" for table in settings.tables)
    yield Need("making the classifier of CSV files", ("glue:CreateClassifier",), ("*",) if csv else ())
    yield Need(
        "giving crawlers their role",
        ("iam:PassRole",),
        (settings.glue.role_arn,),
        {"iam:PassedToService": "glue.amazonaws.com"},
    )


def _catalog(settings: Settings, place: Place) -> Iterator[Need]:
    yield Need(
        "the Data Catalog",
        (
            "glue:BatchCreatePartition",
            "glue:BatchDeletePartition",
            "glue:BatchUpdatePartition",
            "glue:CreateTable",
            "glue:DeleteTable",
            "glue:GetDatabase",
            "glue:GetPartition",
            "glue:GetPartitions",
            "glue:GetTable",
            "glue:GetTables",
            "glue:UpdatePartition",
            "glue:UpdateTable",
        ),
        _catalog_resources(settings, place),
    )
    # Athena looks for the Region's default database, whatever database a query is in.
    yield Need(
        "queries, which look for the default database", ("glue:GetDatabase",), (place.arn("glue", "database/default"),)
    )


def _catalog_resources(settings: Settings, place: Place) -> tuple[str, ...]:
    database, name = settings.catalog.database, settings.tables[0].name
    return (
        place.arn("glue", "catalog"),
        place.arn("glue", f"database/{database}"),
        place.arn("glue", f"table/{database}/{snapshots_table(name)}"),
        place.arn("glue", f"table/{database}/{name}"),
    )


def _crawls(settings: Settings, place: Place) -> Iterator[Need]:
    if settings.catalog.method != "crawler":
        return
    yield Need(
        "crawls",
        (
            "glue:BatchCreatePartition",
            "glue:BatchGetPartition",
            "glue:BatchUpdatePartition",
            "glue:CreatePartition",
            "glue:CreateTable",
            "glue:GetDatabase",
            "glue:GetPartition",
            "glue:GetPartitions",
            "glue:GetTable",
            "glue:GetTables",
            "glue:UpdatePartition",
            "glue:UpdateTable",
        ),
        _catalog_resources(settings, place),
    )


def _logs(settings: Settings, place: Place) -> Iterator[Need]:
    group = place.arn("logs", "log-group:/aws-glue/jobs/output:log-stream:jr_0123456789abcdef")
    yield Need("logs", ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"), (group,))
    on_glue = any(map(runs_on_glue, settings.tables))
    yield Need("metrics", ("cloudwatch:PutMetricData",), ("*",) if on_glue else (), {"cloudwatch:namespace": "Glue"})


def _encryption(keys: Sequence[str]) -> Iterator[Need]:
    yield Need("encrypted files", ("kms:Decrypt", "kms:GenerateDataKey"), tuple(keys), elsewhere="the key")
