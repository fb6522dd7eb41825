"""No value changes: a hostile corpus through both engines and every format, read back through Athena."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from dynamo_assets.export.hint import expected
from dynamo_assets.export.manifest import Manifest, ManifestColumn
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance import hostile
from tests.acceptance.athena_values import read_view, type_in_view
from tests.acceptance.conftest import Pipeline, failure_of
from tests.same_values import assert_same

FORMATS = ["parquet", "orc", "avro", "json", "csv"]


def fill(aws: Endpoint, table: str, items: Iterable[hostile.Item]) -> dict[str, hostile.Item]:
    """Makes a table of items; returns them as boto3 reads them, by key."""
    aws.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with boto3.resource("dynamodb").Table(table).batch_writer() as batch:
        for item in items:
            batch.put_item(Item=item)
    return items_of(table)


def items_of(table: str) -> dict[str, hostile.Item]:
    """A table's items as boto3 reads them, by key."""
    resource: Any = boto3.resource("dynamodb").Table(table)
    found: dict[str, hostile.Item] = {}
    page = resource.scan()
    while True:
        found |= {item["id"]: item for item in page["Items"]}
        if "LastEvaluatedKey" not in page:
            return found
        page = resource.scan(ExclusiveStartKey=page["LastEvaluatedKey"])


def assert_rows(rows: Mapping[str, Mapping[str, Any]], items: Mapping[str, hostile.Item], manifest: Manifest) -> None:
    options = ExportRequest(table=manifest.table, bucket="x", format=manifest.format)  # pyright: ignore[reportArgumentType]
    assert rows.keys() == items.keys()
    columns = {column.attribute: column for column in manifest.columns}
    for key, item in items.items():
        assert set(item) <= columns.keys()
        for attribute, column in columns.items():
            kind, observed = type_in_view(column), expected(column.observed)
            try:
                assert_same(rows[key][column.name], item.get(attribute), kind, observed, options)
            except AssertionError as error:
                raise AssertionError(f"item {key!r}, attribute {attribute!r} ({column.type}): {error}") from error


def snapshot(pipeline: Pipeline, table: str) -> Manifest:
    result = pipeline.run(table)
    assert result.success, failure_of(result)
    return pipeline.latest(table)


def by_athena(pipeline: Pipeline, manifest: Manifest) -> dict[str, dict[str, Any]]:
    return read_view(pipeline.query, f'"{pipeline.database}"."{manifest.name}"', "id", manifest.columns)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("engine", ["in_process", "glue"])
def test_a_hostile_corpus_comes_back_equal(make_pipeline, unique, aws: Endpoint, engine: str, format: str) -> None:
    table = unique("Zoo")
    items = fill(aws, table, hostile.items())
    pipeline = make_pipeline({table: {"engine": engine, "format": format}})
    manifest = snapshot(pipeline, table)
    assert manifest.rows == len(items)
    assert_rows(by_athena(pipeline, manifest), items, manifest)


def by_pyarrow(pipeline: Pipeline, manifest: Manifest) -> dict[str, dict[str, Any]]:
    """What is in the files themselves, read without Athena and without the catalog."""
    rows: dict[str, dict[str, Any]] = {}
    for file in manifest.files:
        body = pipeline.clients.s3.get_object(Bucket=pipeline.settings.storage.bucket, Key=file.key)["Body"].read()
        data = io.BytesIO(body)
        table = pq.read_table(data) if manifest.format == "parquet" else orc.read_table(data)
        missing = dict.fromkeys(column.name for column in manifest.columns)
        rows |= {row["id"]: {**missing, **row} for row in table.to_pylist()}
    return rows


@pytest.mark.parametrize("settings", [{"engine": "in_process"}, {"engine": "glue"}, {"format": "orc"}], ids=str)
@pytest.mark.parametrize("corpus", [hostile.items, hostile.wide_items, hostile.big_items])
def test_the_files_themselves_hold_every_value(
    make_pipeline, unique, aws: Endpoint, settings: dict[str, str], corpus: Callable[[], Iterable[hostile.Item]]
) -> None:
    table = unique("Zoo")
    items = fill(aws, table, corpus())
    pipeline = make_pipeline({table: {"engine": "in_process", **settings}})
    manifest = snapshot(pipeline, table)
    assert_rows(by_pyarrow(pipeline, manifest), items, manifest)


@pytest.mark.parametrize("format", FORMATS)
def test_1900_attributes_have_their_columns_in_athena(make_pipeline, unique, aws: Endpoint, format: str) -> None:
    table = unique("Wide")
    items = fill(aws, table, hostile.wide_items())
    pipeline = make_pipeline({table: {"engine": "in_process", "format": format}})
    manifest = snapshot(pipeline, table)
    assert len(manifest.columns) == 1901
    some = [column for column in manifest.columns if column.name == "id" or column.name.endswith("07")]
    rows = read_view(pipeline.query, f'"{pipeline.database}"."{manifest.name}"', "id", some)
    assert_rows(rows, {key: _only(item, some) for key, item in items.items()}, replace(manifest, columns=tuple(some)))


def _only(item: hostile.Item, columns: Iterable[ManifestColumn]) -> hostile.Item:
    return {column.attribute: item[column.attribute] for column in columns if column.attribute in item}


@pytest.mark.parametrize("format", FORMATS)
def test_items_of_400_kb_and_maps_of_50000_keys_come_back_equal(
    make_pipeline, unique, aws: Endpoint, format: str
) -> None:
    table = unique("Big")
    items = fill(aws, table, hostile.big_items())
    pipeline = make_pipeline({table: {"engine": "in_process", "format": format}})
    manifest = snapshot(pipeline, table)
    assert {c.attribute: c.type for c in manifest.columns}["attributes"] == "string"
    assert_rows(by_athena(pipeline, manifest), items, manifest)


@pytest.mark.parametrize("format", FORMATS)
def test_a_second_snapshot_starts_from_the_first_one_s_columns(
    make_pipeline, unique, aws: Endpoint, format: str
) -> None:
    """An attribute that is gone keeps its column; the view and the raw table's older partition go on being readable."""
    table = unique("Zoo")
    fill(aws, table, hostile.items())
    pipeline = make_pipeline({table: {"engine": "in_process", "format": format}})
    first = snapshot(pipeline, table)
    with boto3.resource("dynamodb").Table(table).batch_writer() as batch:
        for item in hostile.items():
            if item["id"] > "b":
                batch.delete_item(Key={"id": item["id"]})
        batch.put_item(Item={"id": "new", "added": {"x": 1}, "text": "still a text"})
    items = items_of(table)
    second = snapshot(pipeline, table)
    assert [c.name for c in second.columns[: len(first.columns)]] == [c.name for c in first.columns]
    assert [c.attribute for c in second.columns[len(first.columns) :]] == ["added"]
    assert second.schema_changes.since == first.snapshot_timestamp
    assert second.schema_changes.added == ("added",)
    assert {"mixed", "deep", "日本"} <= set(second.schema_changes.gone)
    assert second.schema_changes.widened == ()
    assert_rows(by_athena(pipeline, second), items, second)
    raw = f'"{pipeline.database}"."snapshots_{second.name}"'
    counts = pipeline.query(f"SELECT snapshot_timestamp, count(*), count(text) FROM {raw} GROUP BY 1 ORDER BY 1")
    assert [row[:2] for row in counts] == [
        (first.snapshot_timestamp, first.rows),
        (second.snapshot_timestamp, len(items)),
    ]


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
    pipeline = make_pipeline({table: {"engine": "in_process", "format": format}})
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
