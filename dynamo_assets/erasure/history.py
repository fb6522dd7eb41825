"""What erasures did, kept for ever: when, how many, where; never which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from dynamo_assets.naming import Layout

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Amount(msgspec.Struct, frozen=True):
    """How much of one snapshot was erased.

    Attributes:
        rows: So many rows.
        files: From so many files.
    """

    rows: int
    files: int


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One erasure of items of one table.

    Attributes:
        erasure: Its name, of when it began and of nothing else that means anything.
        table: The table.
        run: The Dagster run, or how else it was started.
        started_at: When.
        ended_at: When it had looked through all snapshots; None where it died, or is under way.
        keys: How many keys it was given.
        snapshots: How many snapshots it looked through.
        erased: What it erased, by label.
        finished: The snapshots in which it ended what an earlier run had begun, and the name of that one.
        failed: The snapshots that it could not look through, or not to the end.
    """

    version: int = 1
    erasure: str
    table: str
    run: str
    started_at: str
    ended_at: str | None = None
    keys: int
    snapshots: int = 0
    erased: dict[str, Amount] = {}
    finished: dict[str, str] = {}
    failed: list[str] = []


@dataclass
class History:
    """The record of a run, written again with each thing that it did.

    Attributes:
        s3: Where it lies.
        layout: Knows its key.
        name: The table's catalog name.
        record: What it says now.
    """

    s3: S3Client
    layout: Layout
    name: str
    record: Record

    def write(self, **changes: object) -> None:
        """Says what has changed."""
        self.record = msgspec.structs.replace(self.record, **changes)
        key = self.layout.erasure_history_key(self.name, self.record.erasure)
        body = msgspec.json.format(msgspec.json.encode(self.record), indent=1)
        self.s3.put_object(Bucket=self.layout.bucket, Key=key, Body=body, ContentType="application/json")
