"""`catalog.method: direct` where columns widen: which older snapshots stay readable, by which types."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import boto3
import pytest
from pyathena.error import OperationalError

from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.storage_formats import storage_descriptor
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance.raw_tables import DIRECT, columns_of, glue_partitions, registered
from tests.acceptance.tables import FORMATS, fill, snapshot


@pytest.mark.parametrize("format", FORMATS)
def test_older_snapshots_are_read_by_their_own_types_when_columns_widen(
    make_pipeline, unique, aws: Endpoint, format: str
) -> None:
    """Those of the changes that Athena reconciles: a whole number becomes text, and a struct gets a field."""
    table = unique("Reviews")
    fill(aws, table, [{"id": "1", "stars": 5, "place": {"city": "Rome"}, "visits": [{"year": 1}]}])
    pipeline = make_pipeline({table: {"engine": "in_process", "format": format}}, catalog=DIRECT)
    first = snapshot(pipeline, table)
    boto3.resource("dynamodb").Table(table).put_item(
        Item={
            "id": "2",
            "stars": "many",
            "place": {"city": "Ulm", "zip": "89073"},
            "visits": [{"year": 2, "by": "rail"}],
            "new": True,
        }
    )
    second = snapshot(pipeline, table)
    assert snapshot(pipeline, table).schema_changes.widened == ()
    partitions = glue_partitions(pipeline, first.name)
    for manifest in (first, second):
        own = {column.name: column.type for column in manifest.columns}
        assert columns_of(partitions[manifest.snapshot_timestamp]) == own
    raw = f'"{pipeline.database}"."snapshots_{first.name}"'
    old = f"WHERE snapshot_timestamp = '{first.snapshot_timestamp}'"
    assert pipeline.query(f"SELECT id, stars, new FROM {raw} {old}") == [("1", "5", None)]
    stars = pipeline.query(f"SELECT DISTINCT stars FROM {raw} WHERE id = '1'")
    assert stars == [("5",)]
    if format != "csv":  # whose structs are JSON text
        assert pipeline.query(f"SELECT place.city, place.zip FROM {raw} {old}") == [("Rome", None)]
        [(place, visits)] = pipeline.query(f"SELECT place, visits FROM {raw} {old}")
        assert (_shown(place), _shown(visits)) == ("{city=Rome, zip=null}", "[{year=1, by=null}]")


def _shown(value: Any) -> str:
    """A value as Athena's results write it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return "null" if value is None else str(value)


@pytest.mark.parametrize("before", [Decimal("1.5"), True, b"x", {"a": 1}, [7]])
def test_what_becomes_text_from_anything_but_a_whole_number_is_refused_in_older_snapshots(reviews, before: Any) -> None:
    """As the table in docs/catalog.md says; a whole number that becomes a decimal has a test of its own below."""
    pipeline, table, name = reviews
    pipeline.put(table, {"id": "x", "v": before})
    assert pipeline.run(table, select=f"s3/{name}_export").success
    old = pipeline.latest(table)
    pipeline.put(table, {"id": "y", "v": "text"})
    new = snapshot(pipeline, table)
    types = [next(c.type for c in manifest.columns if c.name == "v") for manifest in (old, new)]
    assert types[0] != types[1]
    assert pipeline.query(f'SELECT count(*) FROM "{name}"') == [(4,)]
    older = f"FROM \"snapshots_{name}\" WHERE snapshot_timestamp = '{old.snapshot_timestamp}' AND id = 'x'"
    for column in ("v", "id"):  # also where another column is asked for
        with pytest.raises(OperationalError, match="HIVE_PARTITION_SCHEMA_MISMATCH"):
            pipeline.query(f"SELECT {column} {older}")


def test_between_the_widened_table_and_the_new_view_a_query_fails_and_shows_nothing_else(reviews) -> None:
    pipeline, table, name = reviews
    snapshot(pipeline, table)
    pipeline.put(table, {"id": "3", "stars": "many"})
    assert pipeline.run(table, select=f"s3/{name}_export").success
    registered(pipeline, table)
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
    for asked in ("sum(stars)", "max(id)"):  # also where another column is asked for
        with pytest.raises(OperationalError, match="HIVE_PARTITION_SCHEMA_MISMATCH"):
            pipeline.query(f'SELECT {asked} FROM "snapshots_{name}"')
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

    assert registered(pipeline, table)["partitions_described_anew"] == 3

    assert pipeline.query(stars) == [("2",), ("5",)]
    assert registered(pipeline, table)["partitions_described_anew"] == 0


def test_with_the_crawler_an_older_csv_snapshot_loses_backslashes_and_direct_gives_them_back(reviews) -> None:
    pipeline, table, name = reviews
    pipeline = pipeline.with_table_settings(table, format="csv")
    crawled = pipeline.with_method("crawler")
    pipeline.put(table, {"id": "3", "path": "a\\b"})
    old = snapshot(crawled, table)
    snapshot(crawled, table)
    path = f"SELECT path FROM \"snapshots_{name}\" WHERE id = '3' ORDER BY snapshot_timestamp"
    assert pipeline.query(path) == [("ab",), ("a\\b",)]
    registered(pipeline, table)
    assert pipeline.query(path) == [("a\\b",), ("a\\b",)]
    assert old.snapshot_timestamp in pipeline.labels(table)
