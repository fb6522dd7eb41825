"""Point-in-time recovery, where DynamoDB's own exports are taken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dynamo_assets.aws.recovery import recoverable_from
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.doctor.case import Case
from dynamo_assets.doctor.finding import Finding, ok, problem, warning
from dynamo_assets.doctor.inquiry import UntoldError
from dynamo_assets.doctor.usage import is_exported_by_dynamodb
from dynamo_assets.engines.increments import MAX_WINDOW, MAX_WINDOWS, MIN_WINDOW
from dynamo_assets.errors import PlanError
from dynamo_assets.naming import format_snapshot

RECOVERY = "point-in-time recovery"
HOW = (
    "Turn it on (it is billed by the table's size): aws dynamodb update-continuous-backups --table-name {table} "
    "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
)


def recovery_of(case: Case, table: Table) -> datetime | None:
    """From which instant on it can be exported; None where recovery is off, or no engine of the table uses it.

    Raises:
        UntoldError: DynamoDB did not say.
    """
    if not is_exported_by_dynamodb(table):
        return None
    action = "dynamodb:DescribeContinuousBackups"
    try:
        earliest = case.inquiry.ask(action, lambda: recoverable_from(case.aws.dynamodb_of(table), table.table))
    except PlanError as error:
        case.inquiry.denied.add(action)
        raise UntoldError(f"could not be examined: {error}", f"Allow {action}") from error
    return earliest


def examine_recovery(
    table: Table, earliest: datetime | None, interval: timedelta | None, set_name: str | None
) -> Iterator[Finding]:
    """What follows of it.

    Args:
        table: The table.
        earliest: From when on it can be exported.
        interval: The shortest time between two ticks of its schedule.
        set_name: The set that it is a member of.
    """
    name, chain = table.table, table.point_in_time.full_every
    if earliest is None:
        if table.engine == "auto":
            yield ok(RECOVERY, "off: engine auto scans", name)
            return
        because = (
            f"engine point_in_time exports nothing without it{f', nor does its set {set_name}' if set_name else ''}"
        )
        yield problem(RECOVERY, f"off, and {because}", HOW.format(table=f"'{name}'"), name)
        return
    yield ok(RECOVERY, f"on; it reaches back to {format_snapshot(earliest)}", name)
    if chain is None or interval is None:
        return
    longest = MAX_WINDOWS * MAX_WINDOW
    if interval > longest:
        yield warning(
            RECOVERY,
            f"its snapshots are {_days(interval)} apart, and changes are followed for {_days(longest)}: each is made "
            "of a full export all the same",
            "Take full_every out, or take snapshots more often",
            name,
        )
    elif interval < MIN_WINDOW:
        yield warning(
            RECOVERY,
            f"its schedule ticks every {round(interval.total_seconds() / 60)} min, and DynamoDB exports changes of 15 "
            "min at least: snapshots start from an older one each",
            "Take snapshots every 15 minutes at most",
            name,
        )


def _days(period: timedelta) -> str:
    return f"{period.total_seconds() / 86400:g} days"
