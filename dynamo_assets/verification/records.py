"""The outcome of verification, kept beside the manifests: which snapshots may be shown is told from S3 alone.

A snapshot that passed has a document below `_verified/`, one that did not below `_rejected/`, so that a listing tells
which is which and nothing need be read. What has neither has not been asked yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

import msgspec

from dynamo_assets.export.labels import labels_below, last_label
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.export.s3_files import read_if_there
from dynamo_assets.naming import Layout, parse_snapshot
from dynamo_assets.verification.finding import Finding

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

VERSION = 1
State = Literal["verified", "rejected", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Record:
    """What was found of one snapshot.

    Attributes:
        table: The DynamoDB table.
        name: Its catalog name.
        snapshot_timestamp: The snapshot's label.
        rows: How many rows it has.
        verified_at: When, in UTC, ISO 8601.
        passed: Whether it may be shown.
        findings: Of each check that was run.
        accepted_by: Who published it although it was rejected; empty where nobody had to.
    """

    version: int = VERSION
    table: str
    name: str
    snapshot_timestamp: str
    rows: int
    verified_at: str
    passed: bool
    findings: tuple[Finding, ...] = ()
    accepted_by: str = ""

    @classmethod
    def of(cls, manifest: Manifest, findings: Sequence[Finding], *, accepted_by: str = "") -> Record:
        """Of a snapshot that was verified just now."""
        return cls(
            table=manifest.table,
            name=manifest.name,
            snapshot_timestamp=manifest.snapshot_timestamp,
            rows=manifest.rows,
            verified_at=datetime.now(UTC).isoformat(timespec="seconds"),
            passed=bool(accepted_by) or not any(finding.blocks for finding in findings),
            findings=tuple(findings),
            accepted_by=accepted_by,
        )

    def reasons(self) -> str:
        """Why it was rejected, in sentences."""
        return " ".join(finding.sentence() for finding in self.findings if finding.blocks)


class Records:
    """The records of all tables below one bucket and prefix."""

    def __init__(self, s3: S3Client, layout: Layout):
        self._s3 = s3
        self._layout = layout

    def write(self, record: Record) -> str:
        """Keeps a record in the place of an older one; returns its key."""
        name, label = record.name, record.snapshot_timestamp
        keys = self._layout.rejected_key(name, label), self._layout.verified_key(name, label)
        key, other = keys[record.passed], keys[not record.passed]
        body = msgspec.json.format(msgspec.json.encode(record), indent=1)
        # In this order it is rejected while there are both.
        self._s3.put_object(Bucket=self._layout.bucket, Key=key, Body=body, ContentType="application/json")
        self._s3.delete_object(Bucket=self._layout.bucket, Key=other)
        return key

    def state(self, name: str, label: str) -> State:
        """What is known of a snapshot."""
        record = self.read(name, label)
        if record is None:
            return "unknown"
        return "verified" if record.passed else "rejected"

    def read(self, name: str, label: str) -> Record | None:
        """The record of a snapshot; None where there is none."""
        return self.rejection(name, label) or self._read(self._layout.verified_key(name, label))

    def rejection(self, name: str, label: str) -> Record | None:
        """Why a snapshot was rejected, in one request; None where it was not, or not yet."""
        return self._read(self._layout.rejected_key(name, label))

    def verified(self, name: str, *, after: str | None = None) -> Iterator[str]:
        """The labels of a table's verified snapshots, oldest first; see `ManifestStore.labels`."""
        return labels_below(self._s3, self._layout.bucket, self._layout.verified_prefix(name), after=after)

    def rejected(self, name: str, *, after: str | None = None) -> Iterator[str]:
        """The labels of those that were rejected."""
        return labels_below(self._s3, self._layout.bucket, self._layout.rejected_prefix(name), after=after)

    def before(self, name: str, label: str) -> Record | None:
        """The record of the last verified snapshot before an instant."""
        newest = last_label(
            lambda after: takewhile(lambda found: found < label, self.verified(name, after=after)),
            parse_snapshot(label),
        )
        return self.read(name, newest) if newest else None

    def _read(self, key: str) -> Record | None:
        body = read_if_there(self._s3, self._layout.bucket, key)
        return None if body is None else msgspec.json.decode(body, type=Record)
