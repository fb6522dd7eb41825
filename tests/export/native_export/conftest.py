"""Native exports of the sandbox, as they are found by the time they are to be converted."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import boto3
import pytest

from dynamo_assets.export import ExportRequest, InProcess, Manifest, run_export
from dynamo_assets.naming import format_snapshot, parse_snapshot
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.sandbox.exports import DAY, Exports

BEGINNING = int(time.time()) - 3 * DAY


class NativeExports(Exports):
    """Exports, and the requests to convert them."""

    def exported(self, table: str, label: str, **parameters: Any) -> dict[str, Any]:
        """A completed full export of an instant, by its label."""
        return self.run(table, ExportTime=parse_snapshot(label), S3Prefix=f"native/{label}", **parameters)

    def request(self, table: str, described: dict[str, Any], label: str, **options: Any) -> ExportRequest:
        return ExportRequest(
            table=table,
            bucket=self.bucket,
            snapshot_timestamp=label,
            native_export=described["ExportManifest"],
            **{"engine": "point_in_time", **options},
        )

    def replace(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)


@pytest.fixture
def exports(aws: Endpoint, bucket: str, unique: Any, dynamodb_clock: Any) -> NativeExports:
    return NativeExports(aws, bucket, unique, dynamodb_clock)


class Merges(NativeExports):
    """Exports of changes, and snapshots made of them."""

    def __init__(self, *exports: Any):
        super().__init__(*exports)
        self._session = boto3.Session()  # to make one takes longer than a small export

    def changed(self, table: str, since: str, until: str) -> dict[str, Any]:
        """A completed incremental export of the period between two labels."""
        period = {
            "ExportFromTime": parse_snapshot(since),
            "ExportToTime": parse_snapshot(until),
            "ExportViewType": "NEW_AND_OLD_IMAGES",
        }
        return self.run(
            table,
            ExportType="INCREMENTAL_EXPORT",
            IncrementalExportSpecification=period,
            S3Prefix=f"native/{until}",
        )

    def full(self, table: str, label: str, **options: Any) -> Manifest:
        """A snapshot made of a full export."""
        return run_export(
            self.request(table, self.exported(table, label), label, **options), InProcess(2), session=self._session
        )

    def merge_request(self, table: str, *labels: str, **options: Any) -> ExportRequest:
        """The request of the last label's snapshot: the first one's, and the changes between each and the next."""
        changes = [self.changed(table, since, until) for since, until in pairwise(labels)]
        return ExportRequest(
            table=table,
            bucket=self.bucket,
            snapshot_timestamp=labels[-1],
            base_snapshot=labels[0],
            incremental_exports=tuple(described["ExportManifest"] for described in changes),
            **{"engine": "point_in_time", **options},
        )

    def merged(self, table: str, *labels: str, **options: Any) -> Manifest:
        """A snapshot made of the first label's and of the changes since."""
        return run_export(self.merge_request(table, *labels, **options), InProcess(2), session=self._session)


@pytest.fixture
def merges(aws: Endpoint, bucket: str, unique: Any, dynamodb_clock: Any) -> Merges:
    return Merges(aws, bucket, unique, dynamodb_clock)


def label_at(seconds: float) -> str:
    """The label of so many seconds after the beginning."""
    return format_snapshot(datetime.fromtimestamp(BEGINNING + seconds, UTC))
