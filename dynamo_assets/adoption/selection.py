"""Which of the old snapshots are wanted, and which of those may be adopted, before any file is looked into."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dynamo_assets.adoption.old_folders import SUCCESS, OldFolder, doubts, list_old_folders
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.errors import AdoptionError
from dynamo_assets.naming import PARTITION_COLUMN, label_of_old_folder
from dynamo_assets.retention.decision import Protected, decide

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Order:
    """Which of the old snapshots a person wants.

    Attributes:
        source: Where the original pipeline put them: `s3://bucket/prefix/`.
        format: What they must be; any that Athena reads where empty.
        labels: Those that the person says are complete; all that the writer has marked so where empty.
        all: Those too that have no mark, where none of them has.
        by: Who it is.
    """

    source: str
    format: str = ""
    labels: Collection[str] = ()
    all: bool = False
    by: str = ""


@dataclass(frozen=True)
class Selection:
    """The snapshots below the address that a person gave.

    Attributes:
        settings: Where everything is.
        table: The table.
        order: What is wanted.
        found: All that are there, oldest first.
    """

    settings: Settings
    table: Table
    order: Order
    found: Sequence[OldFolder]

    @classmethod
    def of(cls, settings: Settings, s3: S3Client, table: Table, order: Order) -> Selection:
        """Lists what is there.

        Raises:
            AdoptionError: There is nothing, or not what was named, or it cannot be adopted at all.
        """
        bucket = settings.storage.bucket
        prefix = _prefix(table, order, bucket)
        found, others = list_old_folders(s3, bucket, prefix)
        if not found:
            there = f"there is {', '.join(sorted(others)[:5])}" if others else "there is nothing"
            raise AdoptionError(
                f"{table.table}: no folder {PARTITION_COLUMN}=YYYY-MM-DDTHH:MM is right below s3://{bucket}/{prefix}: "
                f"{there}"
            )
        selection = cls(settings, table, order, found)
        if missing := sorted(selection.named - {folder.label for folder in found}):
            raise AdoptionError(f"{table.table}: there is no snapshot {', '.join(missing)} in {order.source}")
        return selection

    @property
    def named(self) -> set[str]:
        """The labels that a person has named, with seconds or as the original pipeline wrote them."""
        return {label_of_old_folder(f"{PARTITION_COLUMN}={text}") or text for text in self.order.labels}

    @property
    def wanted(self) -> list[OldFolder]:
        """Those that a person has named; all of them where none is."""
        named = self.named
        return [folder for folder in self.found if not named or folder.label in named]

    def beyond_retention(self, complete: Iterable[str], now: datetime) -> dict[str, str]:
        """Which would be gone after the next run of retention, were they adopted: files that nobody has a copy of.

        Args:
            complete: The labels of the snapshots that the table has.
            now: The wall clock.

        Returns:
            By label, what is to be said of it.
        """
        if self.table.retention is None:
            return {}
        fit = [folder.label for folder in self.wanted if not self.unfit(folder)]
        going = decide(sorted({*complete, *fit}), self.table.retention, Protected(), now).going
        why = (
            "it is beyond the limits of `retention`, which would remove it, files and all, at its next run: widen them "
            "to adopt it"
        )
        return dict.fromkeys(going, why)

    def unfit(self, folder: OldFolder) -> str:
        """Why a snapshot is not looked into at all; empty where it is."""
        own = self.settings.layout.snapshots_prefix(self.table.name)
        if folder.temporary:
            return f"its writer has not finished, or died: there is {folder.temporary[0]}"
        if folder.nested:
            return f"it has files in folders within, such as {folder.nested[0]}: that is not the original's layout"
        if self.settings.catalog.method == "crawler" and folder.key.startswith(own):
            return (
                f"it lies in {self.settings.layout.uri(own)}, where this table's crawler looks, which would take its "
                "files for those of new snapshots: use `catalog.method: direct`, or another `storage.prefix`"
            )
        return "" if self.order.labels or folder.succeeded else self._untold(folder)

    def _untold(self, folder: OldFolder) -> str:
        if doubt := doubts(folder, self.found):
            return f"{doubt}. If you know that it is complete, name it: --snapshot {folder.label}"
        if self.order.all:
            return ""
        return (
            f"nothing tells whether it is complete: its writer left no {SUCCESS}. Look at its rows (--all --dry-run), "
            f"then name it (--snapshot {folder.label}), or take all (--all)"
        )


def _prefix(table: Table, order: Order, bucket: str) -> str:
    """The prefix that is meant.

    Raises:
        AdoptionError: It is in another bucket, or no address.
    """
    scheme, _, rest = order.source.partition("://")
    named, _, prefix = rest.partition("/")
    if scheme != "s3" or not named:
        raise AdoptionError(f"{order.source!r} is no address in S3; write it as s3://bucket/prefix/")
    if named != bucket:
        raise AdoptionError(
            f"{table.table}: {order.source} is in another bucket than `storage.bucket`, {bucket}. "
            "A deployment has one bucket, which its roles and its retention are limited to: use the old one as "
            "`storage.bucket`, or copy the old snapshots first (`aws s3 cp --recursive`), and adopt the copies"
        )
    return f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
