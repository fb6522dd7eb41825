from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dynamo_assets.export.request import ExportRequest


def request(**options: Any) -> ExportRequest:
    return ExportRequest(**{"table": "My-Orders.v2", "bucket": "exports", **options})


FULL = request(
    table="arn:aws:dynamodb:eu-west-1:123456789012:table/Orders",
    prefix="team/exports",
    name="orders",
    read_percentage=0.5,
    max_read_units=12.5,
    consistent_read=True,
    snapshot_timestamp="2026-11-23T10:00:07",
    native_export="_native_exports/x/AWSDynamoDB/01-ab/manifest-summary.json",
    slot="2026-11-23T10:00",
    engine="glue",
    attempt="run/1",
    mixed_types="dynamodb_json",
    nested="json",
    numbers="double",
    columns={"price": "decimal(10,2)", 'qu"ote': "string"},
    target_file_bytes=1000,
    segments=7,
    format="orc",
    rediscover=True,
    time_limit_seconds=3600,
    role_arn="arn:aws:iam::123456789012:role/reader",
    external_id="us: and/you",
)

MERGE = replace(
    FULL,
    native_export=None,
    base_snapshot="2026-11-23T09:00:00",
    incremental_exports=("_native_exports/x/AWSDynamoDB/01-ab/manifest-summary.json", 'a "b"'),
)


@pytest.mark.parametrize("original", [request(), FULL, MERGE])
def test_a_request_survives_its_way_through_a_job_s_arguments(original: ExportRequest) -> None:
    arguments = [text for pair in original.to_arguments().items() for text in pair]
    assert ExportRequest.from_arguments([*arguments, "--JOB_NAME", "x", "--enable-metrics", "true"]) == original


def test_the_full_requests_differ_from_the_default_in_every_option() -> None:
    default = request()
    same = [
        name
        for name in vars(FULL)
        if getattr(FULL, name) == getattr(default, name) and getattr(MERGE, name) == getattr(default, name)
    ]
    assert same == ["bucket"]


def test_the_name_is_derived_from_the_table() -> None:
    assert request().name == "my_orders_v2"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"table": "x"}, "neither a DynamoDB table name"),
        ({"read_percentage": 0.001}, r"table My-Orders.v2: read_percentage is 0.001; it must be between 0.1 and 1.0"),
        ({"read_percentage": 1.5}, "must be between"),
        ({"max_read_units": 0}, "max_read_units is 0; it must be above 0"),
        ({"segments": 0}, "segments is 0; DynamoDB takes 1 to 1,000,000"),
        (
            {"format": "xml"},
            "format xml is not offered, because Athena cannot read it: choose parquet, orc",
        ),
        ({"format": "ion"}, "format 'ion' is none of parquet, orc, avro, json, csv"),
        ({"target_file_bytes": 0}, "target_file_bytes is 0"),
        ({"mixed_types": "guess"}, "mixed_types 'guess' is none of text, dynamodb_json, fail"),
        ({"nested": "flat"}, "nested 'flat' is none of struct, json"),
        ({"numbers": "float"}, "numbers 'float' is none of exact, double"),
        ({"snapshot_timestamp": "yesterday"}, "yesterday"),
        ({"base_snapshot": "2026-11-23T09:00:00"}, "incremental_exports and base_snapshot need each other"),
        ({"incremental_exports": ("key",)}, "incremental_exports and base_snapshot need each other"),
        ({"base_snapshot": "2026-11-23T09:00:00", "incremental_exports": ("key",)}, "needs snapshot_timestamp"),
        (
            {
                "base_snapshot": "2026-11-23T09:00:00",
                "incremental_exports": ("key",),
                "snapshot_timestamp": "2026-11-23T10:00:00",
                "format": "json",
            },
            "base_snapshot needs a format that can be read back: parquet, orc",
        ),
        ({"columns": {"price": "money"}}, r"columns: attribute 'price' cannot be 'money'; choose string, json, bigint"),
        ({"columns": {"price": "decimal(39,2)"}}, "cannot be 'decimal"),
        ({"columns": {"price": "decimal(5,6)"}}, "cannot be 'decimal"),
    ],
)
def test_an_option_out_of_its_range_is_refused_at_once_and_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        request(**options)
