"""How a snapshot is made of the one before it and of the changes since: planned, and checked when it is done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dynamo_assets.errors import ManifestError, MergeError, PlanError
from dynamo_assets.export.hint import counted_facts, expected_facts
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.export.native_export.base_files import Base, BaseFiles, are_digits_missing
from dynamo_assets.export.native_export.change_files import ChangeFiles
from dynamo_assets.export.native_export.changed_keys import ChangedKeys, read_changed_keys
from dynamo_assets.export.native_export.conversion_plan import even_groups, groups_of
from dynamo_assets.export.native_export.manifests import NativeExport, read_native_export
from dynamo_assets.export.native_export.mergeable import why_not_mergeable
from dynamo_assets.export.observed import Facts
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.scan_plan import SEGMENT_BYTES
from dynamo_assets.export.schema import TableSchema
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.export.unit import Job, UnitResult
from dynamo_assets.naming import format_snapshot

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from dynamo_assets.export.attempt import Attempt

BASE_BYTES = 64 * 1024 * 1024
"""How much of the base's files is worth a unit of its own."""


@dataclass(frozen=True)
class Merge:
    """What all units of a merge share.

    Attributes:
        base: The snapshot before.
        changed: The items that changed since.
    """

    base: Base
    changed: ChangedKeys


@dataclass(frozen=True)
class MergePlan:
    """How changes are merged with a snapshot; see `dynamo_assets.export.plan.Plan`.

    Attributes:
        base: The snapshot.
        exports: The incremental exports, oldest first.
        changes: Their files, in groups.
        copies: The snapshot's files, in groups.
        parallelism: How many groups run at once.
    """

    base: Base
    exports: tuple[NativeExport, ...]
    changes: tuple[ChangeFiles, ...]
    copies: tuple[BaseFiles, ...]
    parallelism: int

    @property
    def units(self) -> Sequence[ChangeFiles | BaseFiles]:
        """What is read by itself."""
        return [*self.copies, *self.changes]

    @property
    def expected_items(self) -> int:
        """About as many as there were."""
        return self.base.manifest.rows

    @property
    def read_units_per_second(self) -> float:
        """A native export costs the table nothing."""
        return math.inf

    @property
    def billed_bytes(self) -> int:
        """What DynamoDB bills for all exports."""
        return sum(export.billed_bytes for export in self.exports)

    @property
    def changed_items(self) -> int:
        """How many changes the exports have; an item may have one in each."""
        return sum(export.items for export in self.exports)

    def read(self, attempt: Attempt) -> list[UnitResult]:
        """See `Plan`.

        Raises:
            MergeError: The changes do not fit the snapshot.
        """
        job = attempt.job
        changed = read_changed_keys(
            attempt.clients.s3, job.request.bucket, self.exports, job.table.keys, attempt.supervisor
        )
        # The last snapshot before this one need not be the base; but the base's rows must find their types.
        hint = job.hint.copy()
        hint.merge(expected_facts(self.base.manifest))
        attempt.job = replace(job, hint=hint, merge=Merge(self.base, changed))
        results = attempt.read(self.units)
        self._require_all(job.request.table, changed, results)
        before = UnitResult([], counted_facts(self.base.manifest))
        facts = attempt.job.expected_facts()
        for result in [*results, before]:
            facts.merge(result.facts)
        self._require_whole(attempt.job, facts)
        return [*results, before]

    def _require_all(self, table: str, changed: ChangedKeys, results: Sequence[UnitResult]) -> None:
        """Every row whose item changed was found in the base, and no other."""
        kept = sum(result.items for result in results[: len(self.copies)])
        put = sum(result.items for result in results[len(self.copies) :])
        label, rows = self.base.manifest.snapshot_timestamp, self.base.manifest.rows
        if rows - kept != changed.removed or put != changed.put:
            raise MergeError(
                f"table {table}: by the incremental exports {changed.removed} items of snapshot {label} changed or "
                f"went, and {changed.put} items are what changes made of them; {rows - kept} of its rows have their "
                f"keys, and {put} rows were made. A full export is needed"
            )

    def _require_whole(self, job: Job, facts: Facts) -> None:
        """Nothing was taken away that was not there, and nothing is asked of the base that it lost."""
        label = self.base.manifest.snapshot_timestamp
        schema = TableSchema.of(facts, job.request, job.table.keys)
        for attribute, observed in facts.attributes.items():
            if min(observed.counts.values(), default=0) < 0:
                raise MergeError(
                    f"table {job.request.table}: attribute {attribute!r} had more values in items that changed or went "
                    f"than snapshot {label} has of it. A full export is needed"
                )
            narrow, wide = self.base.schema.columns.get(attribute), schema.columns[attribute]
            if narrow and are_digits_missing(narrow.type, wide.type):
                raise MergeError(
                    f"table {job.request.table}: attribute {attribute!r} becomes {wide.type}, and snapshot {label} has "
                    "its numbers without all of their digits. A full export is needed"
                )

    def describe(self) -> str:
        """One line for a person."""
        return (
            f"{self.base.manifest.rows:,} items of snapshot {self.base.manifest.snapshot_timestamp} and "
            f"{self.changed_items:,} changes until {format_snapshot(self.exports[-1].until)} in {len(self.exports)} "
            f"incremental export(s), {self.billed_bytes / 1e6:,.1f} MB, no read units; {len(self.units)} unit(s), "
            f"{min(self.parallelism, len(self.units))} at once"
        )

    def warnings(self) -> Sequence[str]:
        """None: there is no rate to be kept."""
        return []

    def read_facts(self) -> Mapping[str, Any]:
        """What was merged, and what DynamoDB bills for it."""
        base = self.base.manifest
        return {
            "consistent": False,
            "segments": len(self.units),
            "base": base.snapshot_timestamp,
            "full": base.read.get("full", base.snapshot_timestamp),
            "export_arns": [export.arn for export in self.exports],
            "changed_items": self.changed_items,
            "billed_bytes": self.billed_bytes,
        }


def plan_merge(s3: S3Client, request: ExportRequest, table: TableDescription, parallelism: int) -> MergePlan:
    """Verifies the manifests and spreads the files.

    Args:
        s3: Where the exports and the base lie.
        request: Names them.
        table: What DynamoDB says about the table.
        parallelism: How many units the engine can run at once.

    Raises:
        IntegrityError: A manifest is not whole, or the base is gone or is none.
        PlanError: The exports hold something else than the changes from the base's label to the snapshot's.
    """
    try:
        manifest = ManifestStore(s3, request.layout).read(request.name, request.base_snapshot or "")
    except ManifestError as error:
        raise MergeError(f"table {request.table}: the base snapshot is gone: {error}") from error
    if why := why_not_mergeable(manifest, request, table.keys):
        raise MergeError(f"table {request.table}: snapshot {manifest.snapshot_timestamp} is no base: {why}")
    base = Base.of(manifest, request)
    exports = tuple(read_native_export(s3, request.bucket, key) for key in request.incremental_exports)
    _require_back_to_back(request, exports)
    changes: list[ChangeFiles] = []
    for number, export in enumerate(exports):
        groups = groups_of(export.billed_bytes, SEGMENT_BYTES, parallelism)
        for group in even_groups(export.files, groups, lambda file: file.items):
            changes.append(ChangeFiles(len(changes), number, group))
    groups = groups_of(manifest.bytes, BASE_BYTES, parallelism)
    bases = even_groups(manifest.files, groups, lambda file: file.bytes)
    copies = tuple(BaseFiles(number, group) for number, group in enumerate(bases))
    return MergePlan(base, exports, tuple(changes), copies, parallelism)


def _require_back_to_back(request: ExportRequest, exports: Sequence[NativeExport]) -> None:
    begin = request.base_snapshot
    for export in exports:
        since = None if export.since is None else format_snapshot(export.since)
        if since != begin or export.view != "NEW_AND_OLD_IMAGES":
            raise PlanError(
                f"table {request.table}: {export.arn} is of {export.view or 'items'} since {since}, and changes with "
                f"new and old images since {begin} are needed"
            )
        begin = format_snapshot(export.until)
    if begin != request.snapshot_timestamp:
        raise PlanError(
            f"table {request.table}: there are changes until {begin}, and the snapshot is to be of "
            f"{request.snapshot_timestamp}; a label never lies"
        )
