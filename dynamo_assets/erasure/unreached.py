"""Where erased items may lie all the same: asked of S3, and told, for a person to see to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dynamo_assets.naming import Layout, is_label

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAMED = 5
ALWAYS = (
    "never reached: the table itself, DynamoDB's backups and its point-in-time recovery, Athena's query results, the "
    "rows that Dagster shows as samples, and copies that others have made (docs/erasure.md)"
)


@dataclass(frozen=True)
class Unreached:
    """What an erasure of one table's items does not reach.

    Attributes:
        s3: Where it lies.
        layout: Knows where.
        name: The table's catalog name.
    """

    s3: S3Client
    layout: Layout
    name: str

    def lines(self, complete: Collection[str]) -> tuple[str, ...]:
        """What there is, a line each.

        Args:
            complete: The labels of the snapshots that were looked through.
        """
        return (*self._unfinished(set(complete)), *self._native_exports(), *self._versions(), ALWAYS)

    def _unfinished(self, complete: set[str]) -> Iterator[str]:
        """Attempts that run may yet complete a snapshot with the items; those that died left files."""
        layout, name = self.layout, self.name
        folders = self._below(layout.snapshots_prefix(name))
        labels = {folder.partition("=")[2] for folder in folders if "=" in folder}
        labels |= {entry.removesuffix(".json") for entry in self._below(layout.claims_prefix(name))}
        labels |= {*self._below(layout.all_units_prefix(name))}
        if unfinished := sorted(filter(is_label, labels - complete)):
            yield (
                f"{_named(unfinished)}: no complete snapshot. An attempt that runs now may have read the items: erase "
                "again when it has ended. What is left of one that died, retention removes after a day"
            )
        if retired := [entry.removesuffix(".json") for entry in self._below(layout.retired_prefix(name))]:
            yield f"{_named(retired)}: retention began to remove these and died; run it again"
        if beside := sorted({*self._below(layout.all_units_prefix(name))} & complete):
            yield f"{_named(beside)}: files of units lie beside the snapshots in _units; retention removes them"

    def _native_exports(self) -> Iterator[str]:
        prefix = self.layout.native_exports_prefix(self.name)
        if labels := self._below(prefix):
            yield (
                f"{_named(labels)}: DynamoDB's own exports lie in {self.layout.uri(prefix)}, kept for "
                "keep_native_export or not converted yet; delete those that have the items"
            )

    def _versions(self) -> Iterator[str]:
        bucket = self.layout.bucket
        try:
            status = self.s3.get_bucket_versioning(Bucket=bucket).get("Status")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            yield f"whether bucket {bucket} keeps old versions of objects is not known: GetBucketVersioning: {code}"
            return
        if status:
            yield (
                f"bucket {bucket} keeps old versions of objects (versioning is {status}): the files that were replaced "
                "are among them, with the items. Delete the noncurrent versions, or have a lifecycle rule do it"
            )

    def _below(self, prefix: str) -> list[str]:
        """The names right below a prefix, folders without their slash."""
        pages: Any = self.s3.get_paginator("list_objects_v2")
        found: list[str] = []
        for page in pages.paginate(Bucket=self.layout.bucket, Prefix=prefix, Delimiter="/"):
            keys = [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
            keys += [entry["Key"] for entry in page.get("Contents", [])]
            found += [key.removeprefix(prefix).rstrip("/") for key in keys if key != prefix]
        return sorted(found)


def _named(labels: Collection[str]) -> str:
    shown = ", ".join(list(labels)[:NAMED])
    return f"{shown} and {len(labels) - NAMED} more" if len(labels) > NAMED else shown
