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
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID

MIN_PERIOD_MICROS = 15 * 60 * MICROS
MAX_PERIOD_MICROS = 24 * 3600 * MICROS

_CHOICES = {
    "ExportFormat": ("ION", "DYNAMODB_JSON"),
    "ExportType": ("FULL_EXPORT", "INCREMENTAL_EXPORT"),
    "S3SseAlgorithm": ("AES256", "KMS"),
}
_VIEWS = ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")
_PATTERNS = {
    "TableArn": r"arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table/[\w.-]+",
    "S3Bucket": r"[a-z0-9A-Z]+[\.\-\w]*[a-z0-9A-Z]+",
    "S3Prefix": r".{0,1024}",
    "S3BucketOwner": r"[0-9]{12}",
    "ClientToken": r"[^\$]+",
}


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
    for name, pattern in _PATTERNS.items():
        if name in body and not re.fullmatch(pattern, body[name], re.ASCII):
            raise _violation(name, body[name], f"Member must satisfy regular expression pattern: {pattern}")
    for name, choices in _CHOICES.items():
        _check_choice(name, body.get(name, choices[0]), choices)
    incremental = body.get("ExportType") == "INCREMENTAL_EXPORT"
    specification = body.get("IncrementalExportSpecification")
    if incremental and not (specification and "ExportFromTime" in specification):
        raise invalid("An INCREMENTAL_EXPORT needs an IncrementalExportSpecification with an ExportFromTime")
    if incremental and "ExportTime" in body:
        raise invalid("ExportTime is of a FULL_EXPORT: name the period in IncrementalExportSpecification")
    if specification and not incremental:
        raise invalid("IncrementalExportSpecification is of an INCREMENTAL_EXPORT: set ExportType")
    if specification:
        _check_choice("ExportViewType", specification.get("ExportViewType", _VIEWS[0]), _VIEWS)
    if body.get("ExportFormat") == "ION":
        raise refusal("write exports in Amazon Ion: use DYNAMODB_JSON")
    if "FilterSpecification" in body:
        raise refusal("filter exports: leave out FilterSpecification")
    if body.get("S3BucketOwner", ACCOUNT_ID) != ACCOUNT_ID:
        raise refusal(f"have another account than {ACCOUNT_ID}: S3BucketOwner {body['S3BucketOwner']} owns no bucket")


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


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise _violation(name, value, f"Member must satisfy enum value set: [{', '.join(choices)}]")


def _violation(name: str, value: str, constraint: str) -> Exception:
    where = name[0].lower() + name[1:]
    return invalid(
        f"1 validation error detected: Value '{value}' at '{where}' failed to satisfy constraint: {constraint}"
    )


def _text(micros: int) -> str:
    return to_datetime(micros).isoformat(timespec="seconds") + "Z"
