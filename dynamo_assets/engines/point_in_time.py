"""Engine `point_in_time`: DynamoDB's own export of the slot's instant, converted by the export core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dynamo_assets.aws.native_exports import CompletedExport, NativeExports, WantedExport
from dynamo_assets.engines.snapshot import Engine, Log, Snapshot
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.naming import format_snapshot, parse_slot

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class PointInTimeEngine:
    """Takes snapshots as of their slot's instant. A snapshot that is complete is adopted, never taken again.

    Attributes:
        exports: DynamoDB's exports.
        manifests: Where complete snapshots are found.
        s3: Where native exports lie, and are removed from.
        in_process: Converts small exports.
        glue: Converts large ones.
        in_process_below: From this size on, in bytes as DynamoDB bills them, an export is large.
        time_limit: How long to wait for one export.
        keep_native_export: Whether DynamoDB's files stay.
        bucket_owner: The account that owns the bucket, where it is not the table's.
        kms_key: The key that encrypts DynamoDB's files.
    """

    exports: NativeExports
    manifests: ManifestStore
    s3: S3Client
    in_process: Engine
    glue: Engine
    in_process_below: float
    time_limit: timedelta
    keep_native_export: bool = False
    bucket_owner: str | None = None
    kms_key: str | None = None

    def take_snapshot(self, request: ExportRequest, *, before_start: Callable[[], None], log: Log) -> Snapshot:
        """See `Engine.take_snapshot`.

        Raises:
            SlotError: The instant is to come, or too long ago.
            PlanError: There is no such table, point-in-time recovery is off, or a permission is missing.
            NativeExportError: DynamoDB's export failed.
            AwsTimeoutError: It did not end within the time limit; the next attempt attaches to it.
            IntegrityError: Its files are not what its manifests say.
        """
        instant = parse_slot(request.slot or "")
        label = format_snapshot(instant)
        prefix = request.layout.native_export_prefix(request.name, label)
        if complete := self._complete(request.name, label):
            log(f"Snapshot {label} is complete: it is adopted, and nothing is exported")
            self._remove(request.bucket, prefix, log)
            return Snapshot(complete, {"adopted": True})
        before_start()
        self.exports.require_recoverable(request.table, instant, datetime.now(UTC))
        wanted = WantedExport(
            table=request.table,
            table_arn=self.exports.table_arn(request.table),
            until=instant,
            bucket=request.bucket,
            prefix=prefix.rstrip("/"),
            bucket_owner=self.bucket_owner,
            kms_key=self.kms_key,
        )
        export = self.exports.obtain(wanted, timeout=self.time_limit, log=log)
        small = export.billed_bytes < self.in_process_below
        log(f"{export.billed_bytes / 1e6:,.1f} MB: converting {'in this run' if small else 'on Glue'}")
        converted = (self.in_process if small else self.glue).take_snapshot(
            replace(request, snapshot_timestamp=label, native_export=export.manifest_key),
            before_start=lambda: None,
            log=log,
        )
        self._remove(request.bucket, prefix, log)
        return Snapshot(converted.manifest, {**self._facts(export, small), **converted.facts})

    def _complete(self, name: str, label: str) -> Manifest | None:
        return self.manifests.read(name, label) if label in self.manifests.labels(name, after=_before(label)) else None

    def _facts(self, export: CompletedExport, small: bool) -> dict[str, Any]:
        return {
            "native_exports": self.exports.url,
            "native_export_arn": export.arn,
            "native_export_seconds": round(export.seconds, 1),
            "native_export_attached": export.attached,
            "billed_bytes": export.billed_bytes,
            "converted": "in process" if small else "on Glue",
        }

    def _remove(self, bucket: str, prefix: str, log: Log) -> None:
        """Removes DynamoDB's files: they are the snapshot's twice."""
        if self.keep_native_export:
            return
        removed = 0
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            doomed: Any = [{"Key": entry.get("Key", "")} for entry in page.get("Contents", [])]
            if doomed:
                errors = self.s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed, "Quiet": True}).get("Errors")
                if errors:
                    log(
                        f"WARNING: {len(errors)} of DynamoDB's files in s3://{bucket}/{prefix} could not be removed: "
                        f"{errors[0].get('Code')}; the snapshot is complete without them"
                    )
                    return
                removed += len(doomed)
        if removed:
            log(f"Removed DynamoDB's {removed} files")


def _before(label: str) -> str:
    return format_snapshot(parse_slot(label[:16]) - timedelta(seconds=1))
