"""`catalog.method: direct`: no crawler, and the raw table never holds what is not complete and verified."""

from __future__ import annotations

from datetime import timedelta

import boto3
import pytest

from dynamo_assets.export.manifest import Manifest
from dynamo_assets.naming import format_snapshot, parse_snapshot, snapshots_table
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance import hostile
from tests.acceptance.conftest import Pipeline, failure_of
from tests.acceptance.raw_tables import DIRECT, glue_table, raw_counts, register, registered
from tests.acceptance.tables import FORMATS, assert_rows, by_athena, fill, items_of, snapshot


@pytest.mark.parametrize("format", FORMATS)
def test_a_table_goes_all_the_way_to_its_view_and_there_is_no_crawler(
    make_pipeline, unique, aws: Endpoint, format: str
) -> None:
    table = unique("Zoo")
    items = fill(aws, table, hostile.items())
    pipeline = make_pipeline({table: {"engine": "in_process", "format": format}}, catalog=DIRECT)
    before = pipeline.clients.glue.list_crawlers()["CrawlerNames"]
    first = snapshot(pipeline, table)
    assert_rows(by_athena(pipeline, first), items, first)
    if format == "parquet":  # of the others, the tests of columns that widen have a second one
        boto3.resource("dynamodb").Table(table).put_item(Item={"id": "new", "added": {"x": 1}, "text": "still a text"})
        second = snapshot(pipeline, table)
        assert_rows(by_athena(pipeline, second), items_of(table), second)
        assert raw_counts(pipeline, second.name) == [
            (first.snapshot_timestamp, first.rows),
            (second.snapshot_timestamp, second.rows),
        ]
    assert pipeline.clients.glue.list_crawlers()["CrawlerNames"] == before


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_table_is_a_view_of_no_rows(make_pipeline, unique, aws: Endpoint, format: str) -> None:
    table = unique("Empty")
    fill(aws, table, [])
    pipeline = make_pipeline({table: {"engine": "in_process", "format": format}}, catalog=DIRECT)
    view = f'"{pipeline.database}"."{snapshot(pipeline, table).name}"'
    assert pipeline.query(f"SELECT id, snapshot_timestamp FROM {view}") == []
    boto3.resource("dynamodb").Table(table).put_item(Item={"id": "first", "n": 1})
    assert snapshot(pipeline, table).rows == 1
    assert pipeline.query(f"SELECT id, n FROM {view}") == [("first", 1)]


@pytest.mark.parametrize("formats", [["parquet", "json", "avro", "orc"], ["orc", "csv", "parquet", "avro", "csv"]])
def test_a_change_of_format_is_one_table_and_every_snapshot_can_be_read(
    make_pipeline, unique, aws: Endpoint, formats: list[str]
) -> None:
    table = unique("Reviews")
    fill(aws, table, [{"id": "1", "stars": 5, "note": "a\nb"}, {"id": "2", "stars": 2}])
    pipeline = make_pipeline({table: {"engine": "in_process"}}, catalog=DIRECT)
    for name in formats:
        pipeline = pipeline.with_table_settings(table, format=name)
        manifest = snapshot(pipeline, table)
        rows = pipeline.query(f'SELECT id, stars, note FROM "{pipeline.database}"."{manifest.name}" ORDER BY id')
        assert rows == [("1", 5, "a\nb"), ("2", 2, None)]
    name = pipeline.table(table).name
    assert raw_counts(pipeline, name) == [(label, 2) for label in pipeline.labels(table)]
    # The table that is made anew from the whole history is the same one.
    made = glue_table(pipeline, name)
    pipeline.clients.glue.delete_table(DatabaseName=pipeline.database, Name=snapshots_table(name))
    assert registered(pipeline, table)["partitions_added"] == len(formats)
    again = glue_table(pipeline, name)
    for field in ("StorageDescriptor", "Parameters", "PartitionKeys"):
        assert again[field] == made[field]
    assert raw_counts(pipeline, name) == [(label, 2) for label in pipeline.labels(table)]


def test_csv_and_json_are_not_mixed_and_what_does_not_fit_holds_nothing_up(reviews) -> None:
    pipeline, table, catalog_name = reviews
    json, csv = (pipeline.with_table_settings(table, format=name) for name in ("json", "csv"))
    first = snapshot(json, table)
    assert "one table cannot have CSV and JSON" in failure_of(csv.run(table))
    last = snapshot(json, table)
    assert raw_counts(pipeline, catalog_name) == [(each.snapshot_timestamp, 2) for each in (first, last)]
    assert list(registered(json, table)["not_registered"]) == [pipeline.labels(table)[1]]


def test_a_half_written_snapshot_never_appears_in_the_raw_table(reviews) -> None:
    pipeline, table, name = reviews
    whole = snapshot(pipeline, table)
    layout = pipeline.settings.layout
    half = format_snapshot(parse_snapshot(whole.snapshot_timestamp) + timedelta(minutes=1))
    source = {"Bucket": layout.bucket, "Key": whole.files[0].key}
    key = layout.snapshot_prefix("x", half).replace("snapshots_x", f"snapshots_{name}") + "part-0.parquet"
    pipeline.clients.s3.copy_object(Bucket=layout.bucket, Key=key, CopySource=source)  # pyright: ignore[reportArgumentType]
    snapshot(pipeline, table)
    assert raw_counts(pipeline, name) == [(label, 2) for label in pipeline.labels(table)]
    assert half not in pipeline.labels(table)


def _truncate(pipeline: Pipeline, manifest: Manifest) -> str:
    bucket, key = pipeline.settings.layout.bucket, manifest.files[0].key
    body = pipeline.clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    pipeline.clients.s3.put_object(Bucket=bucket, Key=key, Body=body[:-10])
    return key


def test_a_snapshot_whose_file_was_cut_short_is_not_registered_and_the_file_is_named(reviews) -> None:
    pipeline, table, name = reviews
    good = snapshot(pipeline, table)
    assert pipeline.run(table, select=f"s3/{name}_export").success
    damaged = pipeline.latest(table)
    key = _truncate(pipeline, damaged)

    message = failure_of(register(pipeline, table))

    assert f"{table}: snapshot {damaged.snapshot_timestamp} is not registered" in message
    assert f"/{key}: " in message
    assert "materialize this slot again" in message
    assert raw_counts(pipeline, name) == [(good.snapshot_timestamp, 2)]
    # It holds up no other snapshot.
    last = snapshot(pipeline, table)
    assert raw_counts(pipeline, name) == [(each.snapshot_timestamp, 2) for each in (good, last)]
    assert key in registered(pipeline, table)["not_registered"][damaged.snapshot_timestamp]


def test_a_switch_to_direct_and_back_keeps_every_snapshot_readable(reviews) -> None:
    pipeline, table, name = reviews
    for method in ("crawler", "direct", "crawler"):
        pipeline = pipeline.with_method(method)
        snapshot(pipeline, table)
        assert raw_counts(pipeline, name) == [(label, 2) for label in pipeline.labels(table)]
        assert pipeline.query(f'SELECT sum(stars) FROM "snapshots_{name}"') == [(7 * len(pipeline.labels(table)),)]


def test_snapshots_of_the_past_can_be_filled_in_any_order(make_history) -> None:
    history = make_history(hours=3)
    history.pipeline = history.pipeline.with_method("direct")
    history.write()
    slots = [history.slot(hours_ago) for hours_ago in (1, 2, 0)]
    for slot in slots:
        result = history.pipeline.run(history.table, slot=slot)
        assert result.success, failure_of(result)
    assert history.shown() == f"{max(slots)}:00"
    assert {slot: history.snapshot(slot) for slot in slots} == {slot: history.states[slot] for slot in slots}
