from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3

from dynamo_assets.engines.sizer import Sizer
from dynamo_assets.engines.sizing import Limits
from dynamo_assets.engines.work import conversion_work
from dynamo_assets.export.request import ExportRequest


def test_what_is_expected_is_announced_once_and_not_again_of_a_part_of_it() -> None:
    announced: list[Any] = []
    sizer = Sizer(boto3.client("dynamodb", "us-east-1"), Limits(timedelta(hours=1)), announced.append)
    scan = ExportRequest(table="Orders", bucket="exports")
    work = conversion_work(10**9, "parquet", 10**6)

    _, facts = sizer.size(scan, "glue", work, lambda _line: None)
    sizer.size(
        replace(scan, native_export="e/manifest-summary.json", snapshot_timestamp="2026-11-25T10:00:00"),
        "point_in_time",
        work,
        lambda _line: None,
    )

    assert announced == [facts]
    assert facts["expected_seconds"]
