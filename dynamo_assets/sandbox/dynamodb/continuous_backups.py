"""Point-in-time recovery: from which moment on a table's past can be exported.

Switching it on begins the table's history, switching it off drops it. `LatestRestorableDateTime` is five minutes ago,
as AWS's "typically" is; an export may ask for any moment up to now, there as here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import ResourceNotFoundException, TableNotFoundException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from dynamo_assets.sandbox.dynamodb.clock import MICROS, clock, to_datetime
from dynamo_assets.sandbox.dynamodb.errors import refusal
from dynamo_assets.sandbox.dynamodb.table_writes import log_of

MAX_RECOVERY_DAYS = 35
_DAY_MICROS = 86_400 * MICROS
_RESTORE_LAG_MICROS = 300 * MICROS

_moto_restore_table_to_point_in_time = DynamoHandler.restore_table_to_point_in_time


@dataclass
class Recovery:
    """A table's point-in-time recovery while it is on.

    Attributes:
        since: When its history begins, in microseconds: a whole second, as AWS's times are.
        days: How far back it reaches at most.
    """

    since: int
    days: int

    def earliest(self) -> int:
        """The first moment that can be recovered now."""
        return max(self.since, (clock.micros() - self.days * _DAY_MICROS) // MICROS * MICROS)


def recovery_of(table: Table) -> Recovery | None:
    """None while point-in-time recovery is off."""
    return vars(table).get("recovery")


def describe_continuous_backups(backend: DynamoDBBackend, table_name: str) -> dict[str, Any]:
    """`DescribeContinuousBackups`."""
    recovery = recovery_of(_table(backend, table_name))
    described: dict[str, Any] = {"PointInTimeRecoveryStatus": "DISABLED"}
    if recovery:
        earliest = recovery.earliest()
        latest = max(earliest, (clock.micros() - _RESTORE_LAG_MICROS) // MICROS * MICROS)
        described = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": recovery.days,
            "EarliestRestorableDateTime": to_datetime(earliest),
            "LatestRestorableDateTime": to_datetime(latest),
        }
    return {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": described}


def update_continuous_backups(
    backend: DynamoDBBackend, table_name: str, point_in_time_spec: dict[str, Any]
) -> dict[str, Any]:
    """`UpdateContinuousBackups`: on, off, or another recovery period (what a shorter one dropped stays dropped)."""
    table = _table(backend, table_name)
    recovery = recovery_of(table)
    days = point_in_time_spec.get("RecoveryPeriodInDays")
    if not point_in_time_spec["PointInTimeRecoveryEnabled"]:
        vars(table).pop("recovery", None)
        log_of(table).forget()
    elif recovery is None:
        since = clock.micros() // MICROS * MICROS
        log_of(table).remember(since)
        vars(table)["recovery"] = Recovery(since, days or MAX_RECOVERY_DAYS)
    elif days:
        vars(table)["recovery"] = Recovery(recovery.earliest(), days)
    return describe_continuous_backups(backend, table_name)


def restore_table_to_point_in_time(handler: DynamoHandler) -> ActionResult:
    """Restores the present, which is what moto does; any other moment is refused."""
    if "RestoreDateTime" in handler.body:
        raise refusal("restore a table to a RestoreDateTime: use UseLatestRestorableTime, or export that moment")
    return _moto_restore_table_to_point_in_time(handler)


def _table(backend: DynamoDBBackend, table_name: str) -> Table:
    try:
        return backend.get_table(table_name)
    except ResourceNotFoundException as error:
        raise TableNotFoundException(table_name) from error
