"""Which parts of AWS a table's exports use, by its settings."""

from __future__ import annotations

from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table


def is_exported_by_dynamodb(table: Table) -> bool:
    """Whether DynamoDB's own exports are taken of it, or may be."""
    return table.engine in {"point_in_time", "auto"}


def is_scanned_here(table: Table) -> bool:
    """Whether the Dagster run itself scans it, or may."""
    return table.engine in {"in_process", "auto"}


def is_scanned_on_glue(table: Table) -> bool:
    """Whether a Glue job scans it, or may."""
    return table.engine in {"glue", "glue_connector", "auto"}


def runs_on_glue(table: Table) -> bool:
    """Whether a Glue job has a part in its exports, or may have: native exports beyond a size are converted there."""
    return is_scanned_on_glue(table) or (
        table.engine == "point_in_time" and table.point_in_time.convert != "in_process"
    )


def job_of(table: Table, settings: Settings) -> str | None:
    """The Glue job that its exports run on, or may; None where none does."""
    if not runs_on_glue(table):
        return None
    return settings.glue.connector_job_name if table.engine == "glue_connector" else settings.glue.job_name


def needs_the_role(settings: Settings) -> bool:
    """Whether anything runs under `glue.role_arn`: jobs, or crawlers."""
    return settings.catalog.method == "crawler" or any(map(runs_on_glue, settings.tables))
