"""Every format: empty tables, a change of format."""

from __future__ import annotations

import boto3
import pytest

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance.conftest import failure_of
from tests.acceptance.tables import FORMATS, fill, snapshot


@pytest.mark.parametrize("formats", [["parquet", "json", "avro", "orc"], ["orc", "csv", "parquet", "avro", "csv"]])
def test_9_a_change_of_format_is_one_table_and_every_snapshot_can_be_read(
    make_pipeline, unique, aws: Endpoint, formats: list[str]
) -> None:
    table = unique("Reviews")
    fill(aws, table, [{"id": "1", "stars": 5, "note": "a\nb"}, {"id": "2", "stars": 2}])
    pipeline = make_pipeline({table: {"engine": "in_process"}})
    labels = []
    for name in formats:
        pipeline = pipeline.with_table_settings(table, format=name)
        manifest = snapshot(pipeline, table)
        assert manifest.format == name
        labels.append(manifest.snapshot_timestamp)
        rows = pipeline.query(f'SELECT id, stars, note FROM "{pipeline.database}"."{manifest.name}" ORDER BY id')
        assert rows == [("1", 5, "a\nb"), ("2", 2, None)]
    raw = f'"{pipeline.database}"."snapshots_{pipeline.table(table).name}"'
    assert pipeline.query(f"SELECT snapshot_timestamp, count(*) FROM {raw} GROUP BY 1 ORDER BY 1") == [
        (label, 2) for label in labels
    ]


def test_9_csv_and_json_are_not_mixed_and_the_view_stays_as_it_was(make_pipeline, unique, aws: Endpoint) -> None:
    table = unique("Reviews")
    fill(aws, table, [{"id": "1"}])
    pipeline = make_pipeline({table: {"engine": "in_process", "format": "json"}})
    first = snapshot(pipeline, table)
    changed = pipeline.with_table_settings(table, format="csv")
    message = failure_of(changed.run(table))
    assert "one table cannot have CSV and JSON" in message
    assert "another `name:`" in message
    view = f'"{pipeline.database}"."{first.name}"'
    assert pipeline.query(f"SELECT * FROM {view}") == [("1", first.snapshot_timestamp)]
    assert snapshot(pipeline, table).format == "json"


@pytest.mark.parametrize("format", FORMATS)
def test_4_an_empty_table_is_a_view_of_no_rows_in_every_format(
    make_pipeline, unique, aws: Endpoint, format: str
) -> None:
    table = unique("Empty")
    fill(aws, table, [])
    emptied = {"verification": {"volume": "off"}}
    pipeline = make_pipeline({table: {"engine": "in_process", "format": format, **emptied}})
    manifest = snapshot(pipeline, table)
    assert [(column.name, column.view_type or column.type) for column in manifest.columns] == [("id", "string")]
    view = f'"{pipeline.database}"."{manifest.name}"'
    assert pipeline.query(f"SELECT id, snapshot_timestamp FROM {view}") == []
    boto3.resource("dynamodb").Table(table).put_item(Item={"id": "first", "n": 1})
    assert snapshot(pipeline, table).rows == 1
    assert pipeline.query(f"SELECT id, n FROM {view}") == [("first", 1)]
    boto3.resource("dynamodb").Table(table).delete_item(Key={"id": "first"})
    assert snapshot(pipeline, table).rows == 0
    assert pipeline.query(f"SELECT id, n FROM {view}") == []
