"""Engine `glue_connector`: AWS's own reader in front of the same export; what it keeps, and what it cannot keep."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import Binary

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance.conftest import failure_of
from tests.acceptance.test_values import assert_rows, by_athena, fill, snapshot

# A quarter of what a new on-demand table serves is less than the reader can be held to.
CONNECTOR = {"engine": "glue_connector", "read_percentage": 0.5}
KEPT: list[dict[str, Any]] = [
    {"id": "1", "stars": 5, "price": Decimal("9.99"), "tags": {"a", "b"}, "sizes": {Decimal(1), Decimal("2.5")}},
    {"id": "2", "price": 10, "address": {"city": "Roma", "zip code": 100}, "lines": [{"sku": "x"}, {"qty": 2}]},
    {
        "id": "3",
        "raw": Binary(b"\x00\xff"),
        "raws": {Binary(b"a"), Binary(b"bc")},
        "ok": True,
        "S": "tag",
        "a.b": "dot",
    },
    {"id": "4", "mixed": "text", "Case": "upper", "case": "lower", "never": None, "address": {"city": None}},
    {"id": "5", "mixed": Decimal("1.5"), "list": [1, "two", None], "snapshot_timestamp": "an attribute"},
    {"id": "6", "mixed": {"a": 1}, "empty": "", "nested": {"deep": [[1], []]}},
]


@pytest.mark.parametrize("format", ["parquet", "json"])
def test_what_aws_s_reader_keeps_comes_back_equal(make_pipeline, unique, aws: Endpoint, format: str) -> None:
    table = unique("Kept")
    items = fill(aws, table, KEPT)
    pipeline = make_pipeline({table: {**CONNECTOR, "format": format}})
    manifest = snapshot(pipeline, table)
    assert (manifest.engine, manifest.rows, manifest.read["items"]) == ("glue_connector", 6, 6)
    assert_rows(by_athena(pipeline, manifest), items, manifest)
    types = {column.attribute: (column.view_type or column.type) for column in manifest.columns}
    assert types["price"] == "decimal(38,18)"  # as every engine has it: the reader's choice of long and double is gone
    assert types["never"] == "string"
    assert (types["Case"], types["case"]) == ("string", "string")
    run = pipeline.clients.glue.get_job_runs(JobName=pipeline.settings.glue.connector_job_name)["JobRuns"][0]
    assert run["JobRunState"] == "SUCCEEDED"
    assert pipeline.glue_runs() == []


def test_its_snapshots_and_those_of_engine_glue_are_one_table(make_pipeline, unique, aws: Endpoint) -> None:
    table = unique("Both")
    fill(aws, table, KEPT)
    pipeline = make_pipeline({table: CONNECTOR}, glue={"flex": True})
    first = snapshot(pipeline, table)
    second = snapshot(pipeline.with_table_settings(table, engine="glue"), table)
    assert [run["ExecutionClass"] for run in pipeline.glue_runs()] == ["FLEX"]
    assert [(c.name, c.type) for c in first.columns] == [(c.name, c.type) for c in second.columns]
    assert not second.schema_changes


def test_digits_beyond_a_double_are_what_it_loses(make_pipeline, unique, aws: Endpoint) -> None:
    table = unique("Lost")
    fill(aws, table, [{"id": "1", "n": Decimal("12345678901234567890.123456789012345678"), "i": Decimal(2**53 + 1)}])
    pipeline = make_pipeline({table: CONNECTOR})
    manifest = snapshot(pipeline, table)
    [(lost, kept)] = pipeline.query(f'SELECT CAST(n AS varchar), i FROM "{pipeline.database}"."{manifest.name}"')
    assert float(lost) == 12345678901234567890.0
    assert Decimal(lost) != Decimal("12345678901234567890.123456789012345678")
    assert kept == 2**53 + 1


def test_an_empty_table_is_a_view_of_no_rows(make_pipeline, unique, aws: Endpoint) -> None:
    table = unique("Empty")
    fill(aws, table, [])
    pipeline = make_pipeline({table: CONNECTOR})
    manifest = snapshot(pipeline, table)
    assert manifest.rows == 0
    assert pipeline.query(f'SELECT id FROM "{pipeline.database}"."{manifest.name}"') == []


def test_a_rate_that_it_cannot_keep_is_refused_before_anything_is_read(make_pipeline, unique, aws: Endpoint) -> None:
    """It takes an on-demand table for one of 40,000 units a second, and uses a tenth of that at least."""
    table = unique("Slow")
    fill(aws, table, KEPT)
    pipeline = make_pipeline({table: {**CONNECTOR, "max_read_units": 100}})
    message = failure_of(pipeline.run(table))
    assert "AWS's own reader takes the capacity for 40,000 read units a second" in message
    assert "Use engine glue" in message
    assert pipeline.labels(table) == []
    assert (
        boto3.client("s3").list_objects_v2(Bucket=pipeline.settings.storage.bucket, Prefix="_claims")["KeyCount"] == 0
    )
