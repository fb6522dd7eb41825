"""`ExportTableToPointInTime`, `DescribeExport` and `ListExports`: the state of a table at a moment, in S3.

What is exported is fixed when the request is taken: every write stamped before `ExportTime` (for an incremental
export, from `ExportFromTime` on and before `ExportToTime`), exactly, where AWS's clock may be a minute off. So a full
export at A and the changes from A to B make the full export at B. The files are written in the background
(`export_files.py`), so clients poll, as on AWS.

`ListExports` keeps the API reference's order, "reverse alphanumeric order of ExportArn". As AWS was seen to do
(scylladb/scylladb, test/alternator/test_export.py), an export that did not name its `ExportType` is not described
with one, a missing bucket fails the export and not the request, and a token is given where the request had none.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import TableNotFoundException
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends

from dynamo_assets.sandbox.dynamodb.clock import MICROS, clock, to_datetime
from dynamo_assets.sandbox.dynamodb.errors import dynamodb_error, invalid
from dynamo_assets.sandbox.dynamodb.item_size import KB
from dynamo_assets.sandbox.dynamodb.table_writes import LOCK, log_of
from dynamo_assets.sandbox.native_export.buckets import DENIED, may_write, owner_of
from dynamo_assets.sandbox.native_export.files import (
    Destination,
    Line,
    change_line,
    item_line,
    write_data,
    write_summary,
)
from dynamo_assets.sandbox.native_export.request import Period, check_parameters, period_of

TOKEN_MICROS = 8 * 3600 * MICROS
LISTED_MICROS = 90 * 86_400 * MICROS
MAX_RESULTS = 25
# AWS's partitions hold 10 GB. The sandbox's are small, so that a sample table has several files, as a real one has.
PARTITION_BYTES = 8 * KB * KB
ON_DEMAND_PARTITIONS = 4
# "DynamoDB data export to Amazon S3: how it works": an incremental export is billed for 10 MB at least.
MIN_INCREMENTAL_BILLED_BYTES = 10 * KB * KB

# AWS takes five minutes for eight items; here an export is done at once, unless the sandbox is started with this.
SECONDS_VARIABLE = "DYNAMO_ASSETS_SANDBOX_EXPORT_SECONDS"

_EXPORT_ARN = re.compile(r"arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table/[\w.-]+/export/\d{14}-[0-9a-f]{8}", re.ASCII)
_ECHOED = ("S3BucketOwner", "S3Prefix", "S3SseKmsKeyId", "ExportType")
_threads: set[threading.Thread] = set()
_ending = threading.Event()


@dataclass
class Export:
    """One export and what has become of it; times in microseconds of the sandbox's clock."""

    arn: str
    request: dict[str, Any]
    client_token: str
    table_id: str
    period: Period
    started: int
    status: str = "IN_PROGRESS"
    ended: int | None = None
    outcome: dict[str, Any] = field(default_factory=dict)

    def description(self) -> dict[str, Any]:
        """The `ExportDescription`."""
        described = {
            "ExportArn": self.arn,
            "ExportStatus": self.status,
            "StartTime": to_datetime(self.started),
            "TableArn": self.request["TableArn"],
            "TableId": self.table_id,
            "ClientToken": self.client_token,
            "S3Bucket": self.request["S3Bucket"],
            "S3SseAlgorithm": self.request.get("S3SseAlgorithm", "AES256"),
            "ExportFormat": "DYNAMODB_JSON",
            **{name: self.request[name] for name in _ECHOED if name in self.request},
            **self.period.described(),
            **self.outcome,
        }
        if self.ended is not None:
            described["EndTime"] = to_datetime(self.ended)
        return described

    def end_time(self) -> int:
        """Now, or the start where the clock was set back meanwhile."""
        return max(clock.micros(), self.started)

    def end(self, status: str, **outcome: Any) -> None:
        """Makes the outcome known, all of it at once."""
        with LOCK:
            self.ended = self.end_time()
            self.outcome = outcome
            self.status = status


def export_table_to_point_in_time(handler: DynamoHandler) -> ActionResult:
    """Starts an export, or finds the one that the same token started."""
    body = handler.body
    check_parameters(body)
    exports = _exports(handler)
    request = {name: value for name, value in body.items() if name != "ClientToken"}
    if earlier := _with_token(exports, body.get("ClientToken")):
        if earlier.request != request:
            raise dynamodb_error(
                "ExportConflictException",
                f"Duplicate request detected: ClientToken {earlier.client_token!r} started {earlier.arn} with other "
                "parameters",
            )
        return ActionResult({"ExportDescription": earlier.description()})
    table = next((t for t in handler.dynamodb_backend.tables.values() if t.table_arn == body["TableArn"]), None)
    if table is None:
        raise TableNotFoundException(body["TableArn"])
    started = clock.micros()
    export = Export(
        arn=f"{table.table_arn}/export/{started // 1000:014d}-{secrets.token_hex(4)}",
        request=request,
        client_token=body.get("ClientToken") or str(uuid.uuid4()),
        table_id=log_of(table).table_id,
        period=period_of(body, table, now=started),
        started=started,
    )
    exports[export.arn] = export
    description = export.description()
    _in_background(_writer(handler, table, export))
    return ActionResult({"ExportDescription": description})


def describe_export(handler: DynamoHandler) -> ActionResult:
    """One export."""
    arn = handler.body["ExportArn"]
    if not _EXPORT_ARN.fullmatch(arn):
        raise invalid(f"Invalid Export ARN: {arn!r}")
    export = _exports(handler).get(arn)
    if export is None:
        raise dynamodb_error("ExportNotFoundException", f"Export not found: {arn}")
    return ActionResult({"ExportDescription": export.description()})


def list_exports(handler: DynamoHandler) -> ActionResult:
    """The exports of one table, or of all, of the last 90 days."""
    body = handler.body
    wanted, size, token = body.get("TableArn"), body.get("MaxResults", MAX_RESULTS), body.get("NextToken")
    since = clock.micros() - LISTED_MICROS
    found = [
        export
        for arn, export in sorted(_exports(handler).items(), reverse=True)
        if wanted in (None, export.request["TableArn"]) and export.started >= since and (token is None or arn < token)
    ]
    answer: dict[str, Any] = {
        "ExportSummaries": [
            {
                "ExportArn": export.arn,
                "ExportStatus": export.status,
                "ExportType": export.request.get("ExportType", "FULL_EXPORT"),
            }
            for export in found[:size]
        ]
    }
    if len(found) > size:
        answer["NextToken"] = found[size - 1].arn
    return ActionResult(answer)


def shut_down() -> None:
    """Waits for the exports that are being written."""
    _ending.set()
    for thread in list(_threads):
        thread.join(timeout=10)


def _exports(handler: DynamoHandler) -> dict[str, Export]:
    # moto's own dictionary, so that its reset empties this one too.
    return cast("dict[str, Export]", handler.dynamodb_backend.table_exports)


def _with_token(exports: dict[str, Export], token: str | None) -> Export | None:
    valid_since = clock.micros() - TOKEN_MICROS
    return next(
        (
            export
            for export in exports.values()
            if export.client_token == token and (export.ended is None or export.ended > valid_since)
        ),
        None,
    )


def _writer(handler: DynamoHandler, table: Table, export: Export) -> Callable[[], None]:
    """Takes what the table held now, so that later writes and deletions do not matter; returns what writes it."""
    lines, size = _lines(table, export.period)
    partitions = _partitions(table, size)
    request = export.request
    owner = owner_of(request["S3Bucket"]) or handler.current_account
    denied = not may_write(handler, request)
    destination = Destination(
        s3=s3_backends[owner][handler.partition],
        bucket=request["S3Bucket"],
        root="/".join(part for part in (request.get("S3Prefix"), "AWSDynamoDB") if part),
        export_id=export.arn.rpartition("/")[2],
        encryption={"encryption": "aws:kms", "kms_key_id": request.get("S3SseKmsKeyId")}
        if request.get("S3SseAlgorithm") == "KMS"
        else {"encryption": "AES256"},
    )
    incremental = export.period.since is not None
    billed = max(size, MIN_INCREMENTAL_BILLED_BYTES) if incremental else size

    def write() -> None:
        if denied:
            return export.end("FAILED", FailureCode="S3AccessDenied", FailureMessage=DENIED)
        try:
            write_data(destination, lines, partitions, shared_folder=incremental)
            _ending.wait(float(os.environ.get(SECONDS_VARIABLE, "0")))
            figures = {"BilledSizeBytes": billed, "ItemCount": len(lines)}
            described = export.description() | {"EndTime": to_datetime(export.end_time())} | figures
            write_summary(destination, described)
            export.end("COMPLETED", ExportManifest=destination.summary_key, **figures)
        except MissingBucket:
            export.end("FAILED", FailureCode="S3NoSuchBucket", FailureMessage="The specified bucket does not exist")
        except Exception as error:  # noqa: BLE001 - the end of a thread: a client must see why, not wait for ever
            export.end("FAILED", FailureCode="UNKNOWN", FailureMessage=f"{type(error).__name__}: {error}")

    return write


def _lines(table: Table, period: Period) -> tuple[list[Line], int]:
    log = log_of(table)
    if period.since is None:
        items = list(log.as_of(period.until))
        return [item_line(position, image) for position, image in items], sum(image.size for _, image in items)
    changes = list(log.changes(period.since, period.until))
    images = [image for change in changes for image in (change.old, change.new) if image]
    return [change_line(change, period.view) for change in changes], sum(image.size for image in images)


def _partitions(table: Table, size_bytes: int) -> int:
    for_size = -(-size_bytes // PARTITION_BYTES)
    if table.billing_mode == "PAY_PER_REQUEST":
        return max(ON_DEMAND_PARTITIONS, for_size)
    # A partition gives 3000 read units and 1000 write units.
    read, write = table.throughput["ReadCapacityUnits"], table.throughput["WriteCapacityUnits"]
    return max(1, -(-(read + 3 * write) // 3000), for_size)


def _in_background(work: Callable[[], None]) -> None:
    def run() -> None:
        try:
            work()
        finally:
            _threads.discard(threading.current_thread())

    thread = threading.Thread(target=run, name="native-export", daemon=True)
    _threads.add(thread)
    thread.start()
