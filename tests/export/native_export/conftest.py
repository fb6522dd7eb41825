"""Native exports of the sandbox, as they are found by the time they are to be converted."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dynamo_assets.export import ExportRequest
from dynamo_assets.naming import parse_snapshot
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
