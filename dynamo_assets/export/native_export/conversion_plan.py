"""How the files of a native export are spread over units."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from dynamo_assets.errors import PlanError
from dynamo_assets.export.manifest import ManifestFile
from dynamo_assets.export.native_export.data_files import DataFiles
from dynamo_assets.export.native_export.manifests import ExportedFile, NativeExport, read_native_export
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.scan_plan import SEGMENT_BYTES, SEGMENTS_PER_WORKER
from dynamo_assets.naming import format_snapshot

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from dynamo_assets.export.attempt import Attempt
    from dynamo_assets.export.unit import UnitResult

T = TypeVar("T", ExportedFile, ManifestFile)


@dataclass(frozen=True)
class ConversionPlan:
    """How a native export is converted; see `dynamo_assets.export.plan.Plan`.

    Attributes:
        export: The export.
        units: Its files, in as many groups as are worth a task of their own.
        parallelism: How many of them run at once.
    """

    export: NativeExport
    units: Sequence[DataFiles]
    parallelism: int

    @property
    def expected_items(self) -> int:
        """Exactly so many."""
        return self.export.items

    @property
    def read_units_per_second(self) -> float:
        """A native export costs the table nothing."""
        return math.inf

    def read(self, attempt: Attempt) -> list[UnitResult]:
        """See `Plan`."""
        return attempt.read(self.units)

    def describe(self) -> str:
        """One line for a person."""
        return (
            f"{self.export.items:,} items as of {format_snapshot(self.export.until)}, "
            f"{self.export.billed_bytes / 1e6:,.1f} MB in {len(self.export.files)} file(s) of DynamoDB's export, no "
            f"read units; {len(self.units)} unit(s), {min(self.parallelism, len(self.units))} at once"
        )

    def warnings(self) -> Sequence[str]:
        """None: there is no rate to be kept."""
        return []

    def read_facts(self) -> Mapping[str, Any]:
        """Which export it was, and what DynamoDB bills for it."""
        return {"consistent": False, "export_arn": self.export.arn, "billed_bytes": self.export.billed_bytes}


def plan_conversion(s3: S3Client, request: ExportRequest, parallelism: int) -> ConversionPlan:
    """Verifies the manifests and spreads the files.

    Args:
        s3: Where the export lies.
        request: Names the export's summary manifest.
        parallelism: How many units the engine can run at once.

    Raises:
        IntegrityError: The manifests are not whole, or do not agree.
        PlanError: It is an export of something else than the snapshot's label says.
    """
    export = read_native_export(s3, request.bucket, request.native_export or "")
    if export.since is not None:
        raise PlanError(f"table {request.table}: {export.arn} holds changes only; a snapshot is made of a full export")
    if request.snapshot_timestamp != format_snapshot(export.until):
        raise PlanError(
            f"table {request.table}: {export.arn} is of {format_snapshot(export.until)}, and the snapshot is to be of "
            f"{request.snapshot_timestamp}; a label never lies"
        )
    groups = groups_of(export.billed_bytes, SEGMENT_BYTES, parallelism)
    return ConversionPlan(export, spread(export.files, groups), parallelism)


def groups_of(size: int, each: int, parallelism: int) -> int:
    """How many units are worth it: of about so many bytes each, and not so many that they become confetti."""
    return max(1, min(math.ceil(size / each), SEGMENTS_PER_WORKER * parallelism))


def spread(files: Sequence[ExportedFile], groups: int) -> tuple[DataFiles, ...]:
    """The largest first, each to the group that has least: no group is much larger than another."""
    groups_of_files = even_groups(files, groups, lambda file: file.items)
    return tuple(DataFiles(number, group) for number, group in enumerate(groups_of_files))


def even_groups(files: Sequence[T], groups: int, size: Callable[[T], int]) -> list[tuple[T, ...]]:
    """Files in at most so many groups, at least one, the largest first, each in the group that has least."""
    spread: list[list[T]] = [[] for _ in range(min(groups, len(files)) or 1)]
    sizes = [0] * len(spread)
    for file in sorted(files, key=lambda file: (-size(file), file.key)):
        least = sizes.index(min(sizes))
        spread[least].append(file)
        sizes[least] += size(file)
    return [tuple(group) for group in spread]
