"""Point-in-time recovery: from when on a table can be exported, and what a person has to mend where it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dynamo_assets.errors import PlanError, SlotError
from dynamo_assets.naming import format_snapshot, table_account

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PERMISSIONS = (
    "allow dynamodb:ExportTableToPointInTime, dynamodb:DescribeExport and dynamodb:DescribeContinuousBackups on the "
    "table, and s3:PutObject, s3:PutObjectAcl and s3:AbortMultipartUpload on the bucket"
)


def require_recoverable(dynamodb: DynamoDBClient, table: str, instant: datetime, now: datetime) -> datetime:
    """Refuses what DynamoDB could not export, with the reason.

    Args:
        dynamodb: Of the table's region.
        table: The table's name or ARN.
        instant: What is to be exported.
        now: The wall clock.

    Returns:
        From which instant on the table can be exported.

    Raises:
        PlanError: There is no such table, point-in-time recovery is off, or a permission is missing.
        SlotError: The instant is to come, or lies before the recovery window.
    """
    wanted = format_snapshot(instant)
    if instant > now:
        raise SlotError(f"{table}: {wanted} is still to come; nothing was started. Wait for it")
    earliest = recoverable_from(dynamodb, table)
    if earliest is None:
        raise PlanError(_off(table))
    if instant < earliest:
        raise SlotError(
            f"{table}: {wanted} is before {format_snapshot(earliest)}, the first instant that this table's "
            "point-in-time recovery reaches: it keeps 35 days at most, and begins when the table was made or "
            "recovery was turned on. Nothing was started; no engine can fill this slot any more"
        )
    return earliest


def recoverable_from(dynamodb: DynamoDBClient, table: str) -> datetime | None:
    """From which instant on a table can be exported; None where point-in-time recovery is off.

    Raises:
        PlanError: There is no such table, or a permission is missing.
    """
    with explained(table):
        answer = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recovery: Mapping[str, Any] = answer.get("PointInTimeRecoveryDescription", {})
    return recovery["EarliestRestorableDateTime"] if recovery.get("PointInTimeRecoveryStatus") == "ENABLED" else None


@contextmanager
def explained(table: str) -> Iterator[None]:
    """Turns DynamoDB's refusals that a person has to mend into errors that say how."""
    try:
        yield
    except ClientError as error:
        match error.response.get("Error", {}).get("Code"):
            case "PointInTimeRecoveryUnavailableException":
                raise PlanError(_off(table)) from error
            case "ResourceNotFoundException" | "TableNotFoundException":
                raise PlanError(
                    f"table {table} does not exist; check its name, the region and the credentials, or give its ARN"
                ) from error
            case "AccessDeniedException":
                # Resource-based policies reach neither recovery nor exports of another account's table.
                role = "; a table of another account needs a `role_arn` there" if table_account(table) else ""
                raise PlanError(f"table {table}: {error}; {PERMISSIONS}{role}") from error
            case _:
                raise


def _off(table: str) -> str:
    return (
        f"{table}: point-in-time recovery is off, and without it DynamoDB exports nothing. Turn it on (it is billed by "
        f"the table's size): aws dynamodb update-continuous-backups --table-name '{table}' "
        "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
    )
