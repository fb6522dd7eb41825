"""What may be asked of `ExportTableToPointInTime`: its parameters, and the moments that a table's history reaches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from moto.dynamodb.exceptions import PointInTimeRecoveryUnavailable
from moto.dynamodb.models.table import Table

from dynamo_assets.sandbox.dynamodb.clock import MICROS, to_datetime, to_micros
from dynamo_assets.sandbox.dynamodb.continuous_backups import recovery_of
from dynamo_assets.sandbox.dynamodb.errors import dynamodb_error, invalid, refusal

MIN_PERIOD_MICROS = 15 * 60 * MICROS
MAX_PERIOD_MICROS = 24 * 3600 * MICROS

_TABLE_ARN = re.compile(r"arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table/[\w.-]+", re.ASCII)


@dataclass(frozen=True)
class Period:
    """What to export, in microseconds of the sandbox's clock.

    Attributes:
        until: The state just before this moment.
        since: For an incremental export, the moment from which on writes count; None for a full one.
        view: `NEW_IMAGE` or `NEW_AND_OLD_IMAGES`; of an incremental export only.
    """

    until: int
    since: int | None = None
    view: str = "NEW_AND_OLD_IMAGES"

    def described(self) -> dict[str, Any]:
        """The fields by which `DescribeExport` gives it."""
        if self.since is None:
            return {"ExportTime": to_datetime(self.until)}
        specification = {
            "ExportFromTime": to_datetime(self.since),
            "ExportToTime": to_datetime(self.until),
            "ExportViewType": self.view,
        }
        return {"IncrementalExportSpecification": specification}


def check_parameters(body: dict[str, Any]) -> None:
    """Raises a `ValidationException` for what AWS does not take, and for what the sandbox does not do."""
    if not _TABLE_ARN.fullmatch(body["TableArn"]):
        raise invalid(f"Invalid TableArn: {body['TableArn']!r}")
    incremental = body.get("ExportType") == "INCREMENTAL_EXPORT"
    specification = body.get("IncrementalExportSpecification")
    if incremental and not (specification and "ExportFromTime" in specification):
        raise invalid("An INCREMENTAL_EXPORT needs an IncrementalExportSpecification with an ExportFromTime")
    if incremental and "ExportTime" in body:
        raise invalid("ExportTime is of a FULL_EXPORT: name the period in IncrementalExportSpecification")
    if specification and not incremental:
        raise invalid("IncrementalExportSpecification is of an INCREMENTAL_EXPORT: set ExportType")
    if body.get("ExportFormat") == "ION":
        raise refusal("write exports in Amazon Ion: use DYNAMODB_JSON")
    if "FilterSpecification" in body:
        raise refusal("filter exports: leave out FilterSpecification")


def period_of(body: dict[str, Any], table: Table, *, now: int) -> Period:
    """What the request asks for, once the table can give it.

    Raises:
        JsonRESTError: `PointInTimeRecoveryUnavailableException` while recovery is off, `InvalidExportTimeException`
            for a moment that it does not reach, or a period that is too short or too long.
    """
    recovery = recovery_of(table)
    if recovery is None:
        raise PointInTimeRecoveryUnavailable(table.name)
    earliest = recovery.earliest()
    specification = body.get("IncrementalExportSpecification")
    if specification is None:
        period = Period(to_micros(body["ExportTime"]) if "ExportTime" in body else now)
        moments = {"ExportTime": period.until}
    else:
        until = specification.get("ExportToTime")
        period = Period(
            until=to_micros(until) if until else now,
            since=to_micros(specification["ExportFromTime"]),
            view=specification.get("ExportViewType", "NEW_AND_OLD_IMAGES"),
        )
        moments = {"ExportFromTime": period.since or 0, "ExportToTime": period.until}
    for name, moment in moments.items():
        if not earliest <= moment <= now:
            raise dynamodb_error(
                "InvalidExportTimeException",
                f"Export Time is invalid: {name} {_text(moment)} of table {table.name!r} is not between "
                f"EarliestRestorableDateTime {_text(earliest)} and now, {_text(now)}",
            )
    if period.since is not None:
        _check_length(period.until - period.since)
    return period


def _check_length(micros: int) -> None:
    wrong = "less than 15 minutes" if micros < MIN_PERIOD_MICROS else "greater than 24 hours"
    if not MIN_PERIOD_MICROS <= micros <= MAX_PERIOD_MICROS:
        raise dynamodb_error(
            "InvalidExportTimeException",
            f"Difference between export period from time and to time is {wrong}: it is {micros // MICROS} s",
        )


def _text(micros: int) -> str:
    return to_datetime(micros).isoformat(timespec="seconds") + "Z"
