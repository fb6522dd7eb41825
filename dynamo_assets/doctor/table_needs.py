"""Which permissions the tables need: with whose credentials each is read, and by which keys it is encrypted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.doctor.case import Place
from dynamo_assets.doctor.need import Need
from dynamo_assets.doctor.usage import is_exported_by_dynamodb, is_scanned_here, is_scanned_on_glue, runs_on_glue
from dynamo_assets.naming import table_name


def table_arn(table: Table, place: Place) -> str:
    """A table's ARN."""
    if table.table.startswith("arn:"):
        return table.table
    return place.arn("dynamodb", f"table/{table_name(table.table)}")


def tables_of_dagster(settings: Settings, place: Place) -> Iterator[Need]:
    """What whoever runs Dagster must be allowed. Of a table with a role of its own that is to assume the role."""
    own = [table for table in settings.tables if table.role is None]
    exported = _arns(filter(is_exported_by_dynamodb, own), place)
    yield Need("looking at tables", ("dynamodb:DescribeTable",), _arns(own, place))
    yield Need("scanning tables in the Dagster run", ("dynamodb:Scan",), _arns(filter(is_scanned_here, own), place))
    yield Need(
        "DynamoDB's own exports",
        ("dynamodb:DescribeContinuousBackups", "dynamodb:ExportTableToPointInTime"),
        exported,
    )
    yield Need(
        "following DynamoDB's own exports",
        ("dynamodb:DescribeExport",),
        tuple(f"{arn}/export/01693685827463-2d8752fd" for arn in exported),
    )
    yield _roles(settings.tables)
    yield _keys(settings, place)


def tables_of_glue(settings: Settings, place: Place) -> Iterator[Need]:
    """What the role of the jobs must be allowed."""
    read = [table for table in settings.tables if runs_on_glue(table)]
    own = [table for table in read if table.role is None]
    yield Need("looking at tables on Glue", ("dynamodb:DescribeTable",), _arns(own, place))
    yield Need("scanning tables on Glue", ("dynamodb:Scan",), _arns(filter(is_scanned_on_glue, own), place))
    yield _roles(read)
    if read:
        yield _keys(settings, place)


def _arns(tables: Iterable[Table], place: Place) -> tuple[str, ...]:
    return tuple(table_arn(table, place) for table in tables)


def _roles(tables: Iterable[Table]) -> Need:
    roles = dict.fromkeys(table.role.arn for table in tables if table.role)
    return Need("assuming the roles of tables", ("sts:AssumeRole",), tuple(roles))


def _keys(settings: Settings, place: Place) -> Need:
    suffix = ".cn" if place.partition == "aws-cn" else ""
    return Need(
        "reading encrypted tables",
        ("kms:Decrypt",),
        tuple(settings.deploy.table_kms_keys),
        {"kms:ViaService": f"dynamodb.{place.region}.amazonaws.com{suffix}"},
        elsewhere="the key",
    )
