"""Engine `point_in_time`: DynamoDB's own exports, full or of changes, to snapshots of the slot's instant."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dynamo_assets.aws.native_exports import CompletedExport, NativeExports
from dynamo_assets.aws.recovery import require_recoverable
from dynamo_assets.aws.wanted_export import WantedExport
from dynamo_assets.engines.increments import Chain, Full, Increment
from dynamo_assets.engines.sizer import expectation
from dynamo_assets.engines.sizing import Limits, Size, full_export_size
from dynamo_assets.engines.snapshot import Announce, Engine, Log, Snapshot, nobody
from dynamo_assets.engines.work import Work, conversion_work
from dynamo_assets.errors import AwsOperationError, IntegrityError, SlotError
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.export.progress import WARNING_PREFIX
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.s3_files import delete_objects
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.naming import format_snapshot, parse_slot

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class PointInTimeEngine:
    """Takes snapshots as of their slot's instant. A snapshot that is complete is adopted, never taken again.

    Attributes:
        dynamodb: Says what the table is.
        exports: DynamoDB's exports.
        manifests: Where complete snapshots are found.
        s3: Where native exports lie, and are removed from.
        in_process: Converts small exports.
        glue: Converts large ones.
        in_process_below: From this size on, in bytes as DynamoDB bills them, an export is large; of a merge, the base's
            own bytes are added.
        limits: How long to wait for one export, and within what conversions are sized.
        keep_native_export: Whether DynamoDB's files stay.
        bucket_owner: The account that owns the bucket, where it is not the table's.
        kms_key: The key that encrypts DynamoDB's files.
        chain: How snapshots between full exports are made of changes; None where each is made of a full export.
        announce: Is told what a full export is expected to take.
    """

    dynamodb: DynamoDBClient
    exports: NativeExports
    manifests: ManifestStore
    s3: S3Client
    in_process: Engine
    glue: Engine
    in_process_below: float
    limits: Limits
    keep_native_export: bool = False
    bucket_owner: str | None = None
    kms_key: str | None = None
    chain: Chain | None = None
    announce: Announce = nobody

    def take_snapshot(
        self, request: ExportRequest, *, before_start: Callable[[], None], log: Log, work: Work | None = None
    ) -> Snapshot:
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
        reachable = require_recoverable(self.dynamodb, request.table, instant, datetime.now(UTC))
        table = TableDescription.of(self.dynamodb, request.table)
        wanted = WantedExport(
            table=request.table,
            table_arn=table.arn,
            until=instant,
            bucket=request.bucket,
            prefix=prefix.rstrip("/"),
            bucket_owner=self.bucket_owner,
            kms_key=self.kms_key,
        )
        request = replace(request, snapshot_timestamp=label)
        try:
            link = self._link(request, wanted, reachable, table.keys)
            work = work or conversion_work(table.bytes, request.format, table.items)
            snapshot = self._take(request, wanted, link, work, log)
        except (IntegrityError, AwsOperationError):
            # A run that shared the export may have made the snapshot of its files meanwhile, and removed them.
            if (complete := self._complete(request.name, label)) is None:
                raise
            log(f"Another run has completed snapshot {label}: it is adopted")
            snapshot = Snapshot(complete, {"adopted": True})
        self._remove(request.bucket, prefix, log)
        return snapshot

    def has_begun(self, request: ExportRequest) -> bool:
        """Whether there is anything of DynamoDB's export of the slot's instant."""
        prefix = request.layout.native_export_prefix(request.name, format_snapshot(parse_slot(request.slot or "")))
        return bool(self.s3.list_objects_v2(Bucket=request.bucket, Prefix=prefix, MaxKeys=1).get("Contents"))

    def _take(
        self, request: ExportRequest, wanted: WantedExport, link: Increment | Full, work: Work, log: Log
    ) -> Snapshot:
        snapshot = self._merged(request, wanted, link, log) if isinstance(link, Increment) else link
        return self._full(request, wanted, snapshot, work, log) if isinstance(snapshot, Full) else snapshot

    def _link(
        self, request: ExportRequest, wanted: WantedExport, reachable: datetime, keys: Mapping[str, str]
    ) -> Increment | Full:
        if self.chain is None:
            return Full("each snapshot is, without full_every", expected=True)
        link = self.chain.next_link(request, wanted.until, reachable=reachable, keys=keys)
        if isinstance(link, Increment) and self.exports.is_begun(wanted):
            return Full("an earlier run began one of this instant", expected=True)
        return link

    def _full(self, request: ExportRequest, wanted: WantedExport, why: Full, work: Work, log: Log) -> Snapshot:
        if self.chain:
            log(f"{'' if why.expected else WARNING_PREFIX}A full export is taken: {why.reason}")
        expected = full_export_size(work, self.limits, on_glue=work.bytes >= self.in_process_below)
        log(f"Expected: {expectation(expected)}")
        self.announce(expected.facts())
        export = self.exports.obtain(wanted, timeout=self.limits.time_limit, log=log)
        request = replace(request, native_export=export.manifest_key)
        converted = self._convert(request, export.billed_bytes, log, items=work.items)
        facts: dict[str, Any] = {"native_export": "full", "native_export_arn": export.arn, **self._facts([export])}
        if self.chain:
            facts["full_because"] = why.reason
        if why.billed_bytes:
            facts["billed_bytes"] += why.billed_bytes
        # The whole is what was expected before it began; how many workers it is known only when the export's size is.
        return Snapshot(converted.manifest, {**facts, **converted.facts, **_whole(expected)})

    def _merged(self, request: ExportRequest, wanted: WantedExport, link: Increment, log: Log) -> Snapshot | Full:
        """The snapshot, made of changes; or why it cannot be."""
        base = link.base
        log(f"{len(link.windows)} incremental export(s) since snapshot {base.snapshot_timestamp}")
        changes = [replace(wanted, since=since, until=until) for since, until in link.windows]
        exports: list[CompletedExport] = []
        try:
            exports += self.exports.obtain_all(changes, timeout=self.limits.time_limit, log=log)
            request = replace(
                request,
                base_snapshot=base.snapshot_timestamp,
                incremental_exports=tuple(export.manifest_key for export in exports),
            )
            merged = self._convert(request, base.bytes + sum(export.billed_bytes for export in exports), log)
        except (SlotError, IntegrityError, AwsOperationError) as error:
            # Of what was raised on Glue there is the text.
            elsewhere = isinstance(error, AwsOperationError)
            if elsewhere and not re.search(r"\b(IntegrityError|MergeError)\b", str(error)):
                raise
            if self._complete(request.name, request.snapshot_timestamp or ""):
                raise
            return Full(str(error), billed_bytes=sum(export.billed_bytes for export in exports))
        facts: dict[str, Any] = {
            # Another attempt may have completed the snapshot meanwhile, in its own way.
            "native_export": "incremental" if "base" in merged.manifest.read else "full",
            "base_snapshot": base.snapshot_timestamp,
            "full_snapshot": merged.manifest.read.get("full"),
            "windows": len(exports),
            "changed_items": merged.manifest.read.get("changed_items"),
            **self._facts(exports),
        }
        return Snapshot(merged.manifest, {**facts, **merged.facts})

    def _convert(self, request: ExportRequest, size: int, log: Log, items: float = 0) -> Snapshot:
        small = size < self.in_process_below
        log(f"{size / 1e6:,.1f} MB: converting {'in this run' if small else 'on Glue'}")
        engine = self.in_process if small else self.glue
        work = conversion_work(size, request.format, items)
        converted = engine.take_snapshot(request, before_start=lambda: None, log=log, work=work)
        return Snapshot(converted.manifest, {"converted": "in process" if small else "on Glue", **converted.facts})

    def _complete(self, name: str, label: str) -> Manifest | None:
        return self.manifests.read(name, label) if self.manifests.has(name, label) else None

    def _facts(self, exports: Sequence[CompletedExport]) -> dict[str, Any]:
        return {
            "native_exports": self.exports.url,
            "native_export_seconds": round(max(export.seconds for export in exports), 1),
            "native_export_attached": any(export.attached for export in exports),
            "billed_bytes": sum(export.billed_bytes for export in exports),
        }

    def _remove(self, bucket: str, prefix: str, log: Log) -> None:
        """Removes DynamoDB's files: they are the snapshot's twice."""
        if self.keep_native_export:
            return
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [entry.get("Key", "") for page in pages for entry in page.get("Contents", [])]
        if errors := delete_objects(self.s3, bucket, keys):
            log(
                f"{WARNING_PREFIX}{len(errors)} of DynamoDB's files in s3://{bucket}/{prefix} could not be removed: "
                f"{errors[0].get('Code')}; the snapshot is complete without them"
            )
        elif keys:
            log(f"Removed DynamoDB's {len(keys)} files")


def _whole(expected: Size) -> dict[str, object]:
    return {name: value for name, value in expected.facts().items() if name.startswith("expected_")}
