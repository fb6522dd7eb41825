"""DynamoDB's own exports to S3: start one, find one that was started before, follow it to its end.

DynamoDB cannot be told to stop an export, and bills each one. So no export is ever started twice for one snapshot: the
client token follows from what is asked for, and exports that an earlier run has begun are found by their folders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dynamo_assets.aws.console import dynamodb_exports_url
from dynamo_assets.aws.recovery import PERMISSIONS, explained
from dynamo_assets.aws.waiting import wait_until
from dynamo_assets.aws.wanted_export import WantedExport
from dynamo_assets.errors import AwsOperationError, SlotError
from dynamo_assets.naming import format_snapshot

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

TIME_PASSED_PATIENCE = timedelta(minutes=15)
"""For so long after an instant DynamoDB may not be ready to export it."""
MAX_FAILED = 10
"""So many exports of one snapshot may fail before no further one is started."""
_DENIED = (
    f"DynamoDB writes with the caller's permissions, or those of the table's role: {PERMISSIONS}. For a bucket of "
    "another account, `storage.bucket_owner` must name it and its policy must allow the role (docs/accounts.md)."
)
WHAT_TO_DO = {
    "S3NoSuchBucket": "Create the bucket, or correct `storage.bucket`.",
    "AccessDenied": _DENIED,
    "S3AccessDenied": _DENIED,
}
"""By `FailureCode`, of which AWS publishes no list."""


@dataclass(frozen=True)
class CompletedExport:
    """A native export that is complete.

    Attributes:
        arn: Its ARN.
        manifest_key: The key of its `manifest-summary.json`.
        billed_bytes: What DynamoDB bills.
        seconds: How long it took.
        attached: Whether an earlier run had started it.
    """

    arn: str
    manifest_key: str
    billed_bytes: int
    seconds: float
    attached: bool


class NativeExports:
    """The exports of one region's tables."""

    def __init__(self, dynamodb: DynamoDBClient, s3: S3Client):
        self._dynamodb = dynamodb
        self._s3 = s3

    @property
    def url(self) -> str:
        """The page of all exports in the console."""
        return dynamodb_exports_url(self._dynamodb.meta.region_name)

    def obtain(self, wanted: WantedExport, *, timeout: timedelta, log: Callable[[str], None]) -> CompletedExport:
        """Gets an export: one that was started before, complete or not, else a new one, which it waits for.

        Args:
            wanted: What is asked for.
            timeout: How long to wait, for a turn as for the end.
            log: Hears what happens.

        Raises:
            NativeExportError: It failed.
            AwsTimeoutError: It did not end within the time limit. DynamoDB goes on with it, and the next call attaches.
            PlanError: DynamoDB refuses: no recovery, no permission.
            SlotError: DynamoDB refuses the instant.
        """
        return self.obtain_all([wanted], timeout=timeout, log=log)[0]

    def obtain_all(
        self, wanted: Sequence[WantedExport], *, timeout: timedelta, log: Callable[[str], None]
    ) -> list[CompletedExport]:
        """Gets exports as `obtain` does, side by side: each is begun before the first one is waited for."""
        begun = [(one, *self._begin(one, timeout, log)) for one in wanted]
        return [self._follow(one, arn, attached, timeout, log) for one, arn, attached in begun]

    def is_begun(self, wanted: WantedExport) -> bool:
        """Whether an export was started before, and has not failed."""
        return any(description["ExportStatus"] != "FAILED" for description in self._earlier(wanted))

    def _begin(self, wanted: WantedExport, timeout: timedelta, log: Callable[[str], None]) -> tuple[str, bool]:
        for description in self._earlier(wanted):
            if description["ExportStatus"] != "FAILED":
                arn = description["ExportArn"]
                log(f"Attaching to DynamoDB's export {arn}, {description['ExportStatus']}: none is started twice")
                return arn, True
        return self._start(wanted, timeout, log), False

    def _follow(
        self, wanted: WantedExport, arn: str, attached: bool, timeout: timedelta, log: Callable[[str], None]
    ) -> CompletedExport:
        what = f"{wanted.table}: DynamoDB's export {arn}"
        told = ""

        def poll() -> Mapping[str, Any] | None:
            nonlocal told
            description: Mapping[str, Any] = self._dynamodb.describe_export(ExportArn=arn)["ExportDescription"]
            if (status := description["ExportStatus"]) != told:
                log(f"DynamoDB's export {arn.rpartition('/')[2]} is {status}")
                told = status
            return None if status == "IN_PROGRESS" else description

        ended = wait_until(poll, what=what, timeout=timeout, interval_seconds=20.0)
        if ended["ExportStatus"] != "COMPLETED":
            raise NativeExportError(wanted.table, ended, self.url)
        return CompletedExport(
            arn=arn,
            manifest_key=ended["ExportManifest"],
            billed_bytes=ended.get("BilledSizeBytes", 0),
            seconds=(ended["EndTime"] - ended["StartTime"]).total_seconds(),
            attached=attached,
        )

    def _earlier(self, wanted: WantedExport) -> Iterator[Mapping[str, Any]]:
        """The exports into the same folder, newest first. DynamoDB makes each a folder with its first file."""
        folder = f"{wanted.prefix}/AWSDynamoDB/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=wanted.bucket, Prefix=folder, Delimiter="/")
        found = [entry.get("Prefix", "") for page in pages for entry in page.get("CommonPrefixes", [])]
        for prefix in reversed(found):
            export_id = prefix.removeprefix(folder).rstrip("/")
            if export_id == "data":
                continue
            try:
                answer = self._dynamodb.describe_export(ExportArn=f"{wanted.table_arn}/export/{export_id}")
            except ClientError as error:
                if _code(error) not in {"ExportNotFoundException", "ValidationException"}:
                    raise
                continue
            if wanted.is_described_by(answer["ExportDescription"]):
                yield answer["ExportDescription"]

    def _start(self, wanted: WantedExport, timeout: timedelta, log: Callable[[str], None]) -> str:
        told = False

        def start() -> str | None:
            nonlocal told
            try:
                with explained(wanted.table):
                    return self._start_once(wanted)
            except ClientError as error:
                why = _why_later(error, wanted)
                if why is None:
                    raise
                if not told:
                    log(why)
                    told = True
                return None

        arn = wait_until(
            start, what=f"{wanted.table}: starting DynamoDB's export", timeout=timeout, interval_seconds=20.0
        )
        log(f"Started DynamoDB's export {arn}")
        return arn

    def _start_once(self, wanted: WantedExport) -> str:
        for failed in range(MAX_FAILED):
            answer = self._dynamodb.export_table_to_point_in_time(
                **wanted.parameters(), ClientToken=wanted.token(failed)
            )["ExportDescription"]
            if answer.get("ExportStatus") != "FAILED":
                return answer.get("ExportArn", "")
        raise AwsOperationError(
            f"{wanted.table}: DynamoDB's export of {format_snapshot(wanted.until)} failed {MAX_FAILED} times; "
            f"see {self.url}"
        )


class NativeExportError(AwsOperationError):
    """DynamoDB's export failed."""

    def __init__(self, table: str, description: Mapping[str, Any], url: str):
        code = description.get("FailureCode", "")
        super().__init__(
            f"{table}: DynamoDB's export {description['ExportArn']} FAILED: {code or 'no code'}: "
            f"{description.get('FailureMessage', 'DynamoDB gave no reason')}. {WHAT_TO_DO.get(code, '')} {url}"
        )
        self.url = url


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _why_later(error: ClientError, wanted: WantedExport) -> str | None:
    """Why an export cannot begin yet; None where waiting does not help."""
    code = _code(error)
    if code == "LimitExceededException":
        return "DynamoDB runs as many exports as the account may have at once: waiting for a turn"
    if code == "InvalidExportTimeException":
        if datetime.now(UTC) - wanted.until < TIME_PASSED_PATIENCE:
            return f"DynamoDB cannot export {format_snapshot(wanted.until)} yet: waiting. It says: {error}"
        raise SlotError(f"{wanted.table}: DynamoDB cannot export {format_snapshot(wanted.until)}: {error}") from error
    return None
