"""No value changes: a hostile corpus in two snapshots, in every format, read back through Athena and from the files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from dynamo_assets.export.manifest import Manifest
from dynamo_assets.naming import snapshots_table
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance import hostile
from tests.acceptance.conftest import Pipeline
from tests.acceptance.raw_tables import columns_of, glue_partitions, glue_table, raw_counts, registered
from tests.acceptance.tables import FORMATS, TYPED, assert_rows, by_athena, by_pyarrow, fill, items_of, snapshot

Rows = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Taken:
    """A snapshot, what the table held then, and what its view showed then."""

    manifest: Manifest
    items: Mapping[str, hostile.Item]
    rows: Rows


@dataclass(frozen=True)
class TwoSnapshots:
    """A table of the corpus with a crawler; between the snapshots most items went and one with a new attribute came."""

    pipeline: Pipeline
    table: str
    first: Taken
    second: Taken


def _taken(pipeline: Pipeline, table: str) -> Taken:
    items = items_of(table)
    manifest = snapshot(pipeline, table)
    return Taken(manifest, items, by_athena(pipeline, manifest))


@pytest.fixture(scope="module", params=FORMATS)
def two(request: pytest.FixtureRequest, make_shared_pipeline: Callable[..., Pipeline], unique) -> TwoSnapshots:
    table = unique("Zoo")
    pipeline = make_shared_pipeline({table: {"engine": "in_process", "format": request.param}})
    fill(pipeline.endpoint, table, hostile.items())
    first = _taken(pipeline, table)
    with boto3.resource("dynamodb").Table(table).batch_writer() as batch:
        for item in hostile.items():
            if item["id"] > "b":
                batch.delete_item(Key={"id": item["id"]})
        batch.put_item(Item={"id": "new", "added": {"x": 1}, "text": "still a text"})
    return TwoSnapshots(pipeline, table, first, _taken(pipeline, table))


def test_a_hostile_corpus_comes_back_equal(two: TwoSnapshots) -> None:
    assert two.first.manifest.rows == len(two.first.items)
    assert_rows(two.first.rows, two.first.items, two.first.manifest)


def test_the_files_themselves_hold_every_value(two: TwoSnapshots) -> None:
    if two.first.manifest.format in TYPED:
        assert_rows(by_pyarrow(two.pipeline, two.first.manifest), two.first.items, two.first.manifest)


def test_a_second_snapshot_starts_from_the_first_one_s_columns(two: TwoSnapshots) -> None:
    """An attribute that is gone keeps its column; the view and the raw table's older partition go on being readable."""
    first, second = two.first.manifest, two.second.manifest
    assert [c.name for c in second.columns[: len(first.columns)]] == [c.name for c in first.columns]
    assert [c.attribute for c in second.columns[len(first.columns) :]] == ["added"]
    assert second.schema_changes.since == first.snapshot_timestamp
    assert second.schema_changes.added == ("added",)
    assert {"mixed", "deep", "日本"} <= set(second.schema_changes.gone)
    assert second.schema_changes.widened == ()
    assert_rows(two.second.rows, two.second.items, second)
    raw = f'"{two.pipeline.database}"."snapshots_{second.name}"'
    counts = two.pipeline.query(f"SELECT snapshot_timestamp, count(*), count(text) FROM {raw} GROUP BY 1 ORDER BY 1")
    assert [row[:2] for row in counts] == [
        (first.snapshot_timestamp, first.rows),
        (second.snapshot_timestamp, len(two.second.items)),
    ]


def test_what_direct_makes_is_what_the_crawler_s_finds_are_made(two: TwoSnapshots) -> None:
    """Of everything that Athena reads. Only the crawler's notes for itself differ, and its older partitions.

    These inherit the table's description with each crawl, and with it columns that their files do not have.
    """
    pipeline, first, second = two.pipeline, two.first.manifest, two.second.manifest
    name, old, new = second.name, first.snapshot_timestamp, second.snapshot_timestamp
    table_of_crawler, by_crawler = glue_table(pipeline, name), glue_partitions(pipeline, name)

    pipeline.clients.glue.delete_table(DatabaseName=pipeline.database, Name=snapshots_table(name))
    registered(pipeline.with_method("direct"), two.table)

    table_of_manifest, by_manifest = glue_table(pipeline, name), glue_partitions(pipeline, name)
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
    assert columns_of(by_manifest[old]) == {column.name: column.type for column in first.columns}
    assert columns_of(by_crawler[old]).keys() == columns_of(table_of_crawler).keys()
    assert raw_counts(pipeline, name) == [(old, first.rows), (new, second.rows)]
    assert pipeline.query(f'SELECT count(*) FROM "{name}"') == [(second.rows,)]


@pytest.fixture(scope="module")
def zoo(module_aws: Endpoint, unique: Callable[[str], str]) -> tuple[str, Mapping[str, hostile.Item]]:
    """A table of the corpus that stays as it is, and its items."""
    table = unique("Zoo")
    return table, fill(module_aws, table, hostile.items())


@pytest.mark.parametrize("format", FORMATS)
def test_a_hostile_corpus_comes_back_equal_from_glue(zoo, make_pipeline, format: str) -> None:
    table, items = zoo
    pipeline = make_pipeline({table: {"engine": "glue", "format": format}})
    manifest = snapshot(pipeline, table)
    assert manifest.rows == len(items)
    assert_rows(by_athena(pipeline, manifest), items, manifest)
    if format == "parquet":
        assert_rows(by_pyarrow(pipeline, manifest), items, manifest)
