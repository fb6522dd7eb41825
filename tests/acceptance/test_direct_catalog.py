"""`catalog.method: direct`: no crawler, and the raw table never holds what is not complete and verified."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import boto3
import dagster as dg
import pytest
from pyathena.error import OperationalError

from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.storage_formats import storage_descriptor
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.naming import format_snapshot, parse_snapshot, snapshots_table
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance import hostile
from tests.acceptance.conftest import Pipeline, failure_of
from tests.acceptance.tables import FORMATS, assert_rows, by_athena, fill, items_of, snapshot

ITEMS = [{"id": "1", "stars": 5}, {"id": "2", "stars": 2}]
DIRECT = {"method": "direct"}


@pytest.fixture
def reviews(make_pipeline: Callable[..., Pipeline], unique) -> tuple[Pipeline, str, str]:
    """A pipeline of one table of two items, its name and its catalog name."""
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": "in_process"}}, catalog=DIRECT)
    pipeline.create_table(table, ITEMS)
    return pipeline, table, pipeline.table(table).name


def _glue_table(pipeline: Pipeline, name: str) -> Mapping[str, Any]:
    return pipeline.clients.glue.get_table(DatabaseName=pipeline.database, Name=snapshots_table(name))["Table"]


def _glue_partitions(pipeline: Pipeline, name: str) -> dict[str, Mapping[str, Any]]:
    pages = pipeline.clients.glue.get_paginator("get_partitions").paginate(
        DatabaseName=pipeline.database, TableName=snapshots_table(name)
    )
    return {found["Values"][0]: found for page in pages for found in page["Partitions"]}  # pyright: ignore[reportTypedDictNotRequiredAccess]


def _register(pipeline: Pipeline, table: str) -> dg.ExecuteInProcessResult:
    return pipeline.run(table, select=f"{pipeline.database}/snapshots_{pipeline.table(table).name}")


def _registered(pipeline: Pipeline, table: str) -> Mapping[str, Any]:
    """Has the catalog asset do its work alone; returns its metadata."""
    result = _register(pipeline, table)
    assert result.success, failure_of(result)
    node = f"{pipeline.database}__snapshots_{pipeline.table(table).name}"
    (event,) = result.asset_materializations_for_node(node)
    return {key: value.value for key, value in event.metadata.items()}


def _raw_counts(pipeline: Pipeline, name: str) -> list[tuple[Any, ...]]:
    return pipeline.query(f'SELECT snapshot_timestamp, count(*) FROM "snapshots_{name}" GROUP BY 1 ORDER BY 1')


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
    boto3.resource("dynamodb").Table(table).put_item(Item={"id": "new", "added": {"x": 1}, "text": "still a text"})
    second = snapshot(pipeline, table)
    assert_rows(by_athena(pipeline, second), items_of(table), second)
    assert _raw_counts(pipeline, second.name) == [
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
    assert _raw_counts(pipeline, name) == [(label, 2) for label in pipeline.labels(table)]
    # The table that is made anew from the whole history is the same one.
    made = _glue_table(pipeline, name)
    pipeline.clients.glue.delete_table(DatabaseName=pipeline.database, Name=snapshots_table(name))
    assert _registered(pipeline, table)["partitions_added"] == len(formats)
    again = _glue_table(pipeline, name)
    for field in ("StorageDescriptor", "Parameters", "PartitionKeys"):
        assert again[field] == made[field]
    assert _raw_counts(pipeline, name) == [(label, 2) for label in pipeline.labels(table)]


def test_csv_and_json_are_not_mixed_and_what_does_not_fit_holds_nothing_up(reviews) -> None:
    pipeline, table, catalog_name = reviews
    json, csv = (pipeline.with_table_settings(table, format=name) for name in ("json", "csv"))
    first = snapshot(json, table)
    assert "one table cannot have CSV and JSON" in failure_of(csv.run(table))
    last = snapshot(json, table)
    assert _raw_counts(pipeline, catalog_name) == [(each.snapshot_timestamp, 2) for each in (first, last)]
    assert list(_registered(json, table)["not_registered"]) == [pipeline.labels(table)[1]]


@pytest.mark.parametrize("format", FORMATS)
def test_what_it_makes_is_what_the_crawler_s_finds_are_made(make_pipeline, unique, aws: Endpoint, format: str) -> None:
    """Of everything that Athena reads. Only the crawler's notes for itself differ, and its older partitions.

    These inherit the table's description with each crawl, and with it columns that their files do not have.
    """
    table = unique("Zoo")
    fill(aws, table, hostile.items())
    pipeline = make_pipeline({table: {"engine": "in_process", "format": format}})
    first = snapshot(pipeline, table)
    boto3.resource("dynamodb").Table(table).put_item(Item={"id": "new", "added": {"x": 1}})
    second = snapshot(pipeline, table)
    name, old, new = second.name, first.snapshot_timestamp, second.snapshot_timestamp
    table_of_crawler, by_crawler = _glue_table(pipeline, name), _glue_partitions(pipeline, name)

    pipeline.clients.glue.delete_table(DatabaseName=pipeline.database, Name=snapshots_table(name))
    _registered(pipeline.with_method("direct"), table)

    table_of_manifest, by_manifest = _glue_table(pipeline, name), _glue_partitions(pipeline, name)
    read = ("Columns", "Location", "InputFormat", "OutputFormat", "Compressed", "SerdeInfo", "StoredAsSubDirectories")
    for one, other in ((table_of_manifest, table_of_crawler), (by_manifest[new], by_crawler[new])):
        assert {key: one["StorageDescriptor"][key] for key in read} == {
            key: other["StorageDescriptor"][key] for key in read
        }
        assert one["Parameters"].items() <= other["Parameters"].items()
        notes = other["Parameters"].keys() - one["Parameters"].keys()
        assert notes <= {
            "CrawlerSchemaDeserializerVersion", "CrawlerSchemaSerializerVersion", "UPDATED_BY_CRAWLER",
            "averageRecordSize", "objectCount", "recordCount", "sizeKey", "typeOfData", "exclusions",
            "areColumnsQuoted", "columnsOrdered", "delimiter",  # a CSV classifier's
            "avro.schema.literal",  # stands in the SerDe's parameters, too
        }  # fmt: skip
    for key in ("PartitionKeys", "TableType", "Name"):
        assert table_of_manifest[key] == table_of_crawler[key]
    assert _columns(by_manifest[old]) == {column.name: column.type for column in first.columns}
    assert _columns(by_crawler[old]).keys() == _columns(table_of_crawler).keys()


def _columns(described: Mapping[str, Any]) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in described["StorageDescriptor"]["Columns"]}


def test_a_half_written_snapshot_never_appears_in_the_raw_table(reviews) -> None:
    pipeline, table, name = reviews
    whole = snapshot(pipeline, table)
    layout = pipeline.settings.layout
    half = format_snapshot(parse_snapshot(whole.snapshot_timestamp) + timedelta(minutes=1))
    source = {"Bucket": layout.bucket, "Key": whole.files[0].key}
    key = layout.snapshot_prefix("x", half).replace("snapshots_x", f"snapshots_{name}") + "part-0.parquet"
    pipeline.clients.s3.copy_object(Bucket=layout.bucket, Key=key, CopySource=source)  # pyright: ignore[reportArgumentType]
    snapshot(pipeline, table)
    assert _raw_counts(pipeline, name) == [(label, 2) for label in pipeline.labels(table)]
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

    message = failure_of(_register(pipeline, table))

    assert f"{table}: snapshot {damaged.snapshot_timestamp} is not registered" in message
    assert f"/{key}: " in message
    assert "materialize this slot again" in message
    assert _raw_counts(pipeline, name) == [(good.snapshot_timestamp, 2)]
    # It holds up no other snapshot.
    last = snapshot(pipeline, table)
    assert _raw_counts(pipeline, name) == [(each.snapshot_timestamp, 2) for each in (good, last)]
    assert key in _registered(pipeline, table)["not_registered"][damaged.snapshot_timestamp]


def test_a_switch_to_direct_and_back_keeps_every_snapshot_readable(reviews) -> None:
    pipeline, table, name = reviews
    for method in ("crawler", "direct", "crawler"):
        pipeline = pipeline.with_method(method)
        snapshot(pipeline, table)
        assert _raw_counts(pipeline, name) == [(label, 2) for label in pipeline.labels(table)]
        assert pipeline.query(f'SELECT sum(stars) FROM "snapshots_{name}"') == [(7 * len(pipeline.labels(table)),)]


@pytest.mark.parametrize("format", FORMATS)
def test_older_snapshots_are_read_by_their_own_types_when_columns_widen(
    make_pipeline, unique, aws: Endpoint, format: str
) -> None:
    """Those of the changes that Athena reconciles: a whole number becomes text, and a struct gets a field."""
    table = unique("Reviews")
    fill(aws, table, [{"id": "1", "stars": 5, "place": {"city": "Rome"}}])
    pipeline = make_pipeline({table: {"engine": "in_process", "format": format}}, catalog=DIRECT)
    first = snapshot(pipeline, table)
    boto3.resource("dynamodb").Table(table).put_item(
        Item={"id": "2", "stars": "many", "place": {"city": "Ulm", "zip": "89073"}, "new": True}
    )
    second = snapshot(pipeline, table)
    assert snapshot(pipeline, table).schema_changes.widened == ()
    partitions = _glue_partitions(pipeline, first.name)
    for manifest in (first, second):
        own = {column.name: column.type for column in manifest.columns}
        assert _columns(partitions[manifest.snapshot_timestamp]) == own
    raw = f'"{pipeline.database}"."snapshots_{first.name}"'
    old = f"WHERE snapshot_timestamp = '{first.snapshot_timestamp}'"
    assert pipeline.query(f"SELECT id, stars, new FROM {raw} {old}") == [("1", "5", None)]
    stars = pipeline.query(f"SELECT DISTINCT stars FROM {raw} WHERE id = '1'")
    assert stars == [("5",)]
    if format != "csv":  # whose structs are JSON text
        assert pipeline.query(f"SELECT place.city, place.zip FROM {raw} {old}") == [("Rome", None)]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (7, "text", "7"),
        ({"a": 1}, {"a": 1, "b": 2}, "{a=1, b=null}"),
        ([{"a": 1}], [{"a": 1, "b": 2}], "[{a=1, b=null}]"),
        (7, Decimal("1.5"), None),
        (Decimal("1.5"), "text", None),
        (True, "text", None),
        (b"x", "text", None),
        ({"a": 1}, "text", None),
        ([7], "text", None),
    ],
)
def test_which_changes_leave_older_snapshots_readable(reviews, before: Any, after: Any, shown: str | None) -> None:
    """The table in docs/catalog.md: what is not shown is refused."""
    pipeline, table, name = reviews
    pipeline.put(table, {"id": "x", "v": before})
    old = snapshot(pipeline, table)
    pipeline.put(table, {"id": "y", "v": after})
    new = snapshot(pipeline, table)
    types = [next(c.type for c in manifest.columns if c.name == "v") for manifest in (old, new)]
    assert types[0] != types[1]
    older = f"FROM \"snapshots_{name}\" WHERE snapshot_timestamp = '{old.snapshot_timestamp}' AND id = 'x'"
    assert pipeline.query(f'SELECT count(*) FROM "{name}"') == [(4,)]
    if shown is None:
        for column in ("v", "id"):  # also where another column is asked for
            with pytest.raises(OperationalError, match="HIVE_PARTITION_SCHEMA_MISMATCH"):
                pipeline.query(f"SELECT {column} {older}")
    else:
        ((value,),) = pipeline.query(f"SELECT v {older}")
        assert _shown(value) == shown


def _shown(value: Any) -> str:
    """A value as Athena's results write it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return "null" if value is None else str(value)


def test_between_the_widened_table_and_the_new_view_a_query_fails_and_shows_nothing_else(reviews) -> None:
    pipeline, table, name = reviews
    snapshot(pipeline, table)
    pipeline.put(table, {"id": "3", "stars": "many"})
    assert pipeline.run(table, select=f"s3/{name}_export").success
    _registered(pipeline, table)
    with pytest.raises(OperationalError, match="VIEW_IS_STALE"):
        pipeline.query(f'SELECT id FROM "{name}"')
    assert pipeline.run(table, select=f"{pipeline.database}/{name}").success
    assert pipeline.query(f"SELECT stars FROM \"{name}\" WHERE id < '3' ORDER BY 1") == [("2",), ("5",)]


def test_what_athena_does_not_reconcile_fails_and_can_be_read_as_a_table_of_its_own(reviews, unique) -> None:
    """A whole number that becomes a decimal: only in queries that touch the older snapshots."""
    pipeline, table, name = reviews
    old = snapshot(pipeline, table)
    pipeline.put(table, {"id": "3", "stars": Decimal("1.5")})
    new = snapshot(pipeline, table)
    view = f'SELECT count(*) FROM "{name}"'
    assert pipeline.query(view) == [(3,)]
    newer = f"SELECT count(*) FROM \"snapshots_{name}\" WHERE snapshot_timestamp >= '{new.snapshot_timestamp}'"
    assert pipeline.query(newer) == [(3,)]
    with pytest.raises(OperationalError, match="HIVE_PARTITION_SCHEMA_MISMATCH"):
        pipeline.query(f'SELECT sum(stars) FROM "snapshots_{name}"')
    past = Catalog(pipeline.clients.glue, unique("past"))
    pipeline.clients.glue.create_database(DatabaseInput={"Name": past.database})
    columns = [(column.name, column.type) for column in old.columns]
    pipeline.clients.glue.create_table(
        DatabaseName=past.database,
        TableInput={
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "StorageDescriptor": storage_descriptor(old.format, columns, old.location, {}),  # pyright: ignore[reportArgumentType]
        },
    )
    assert pipeline.query(f'SELECT id, stars FROM "{past.database}"."{name}" ORDER BY 1') == [("1", 5), ("2", 2)]


def test_with_the_crawler_older_snapshots_take_the_table_s_types_and_direct_gives_theirs_back(reviews) -> None:
    """The reason to choose `direct` where columns widen; the docs say so."""
    pipeline, table, name = reviews
    crawled = pipeline.with_method("crawler")
    old = snapshot(crawled, table)
    pipeline.put(table, {"id": "3", "stars": "many"})
    snapshot(crawled, table)
    snapshot(crawled, table)
    stars = f"SELECT stars FROM \"snapshots_{name}\" WHERE snapshot_timestamp = '{old.snapshot_timestamp}' ORDER BY 1"
    with pytest.raises(OperationalError, match="HIVE_BAD_DATA"):
        pipeline.query(stars)

    assert _registered(pipeline, table)["partitions_described_anew"] == 3

    assert pipeline.query(stars) == [("2",), ("5",)]
    assert _registered(pipeline, table)["partitions_described_anew"] == 0


def test_with_the_crawler_an_older_csv_snapshot_loses_backslashes_and_direct_gives_them_back(reviews) -> None:
    pipeline, table, name = reviews
    pipeline = pipeline.with_table_settings(table, format="csv")
    crawled = pipeline.with_method("crawler")
    pipeline.put(table, {"id": "3", "path": "a\\b"})
    old = snapshot(crawled, table)
    snapshot(crawled, table)
    path = f"SELECT path FROM \"snapshots_{name}\" WHERE id = '3' ORDER BY snapshot_timestamp"
    assert pipeline.query(path) == [("ab",), ("a\\b",)]
    _registered(pipeline, table)
    assert pipeline.query(path) == [("a\\b",), ("a\\b",)]
    assert old.snapshot_timestamp in pipeline.labels(table)


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
