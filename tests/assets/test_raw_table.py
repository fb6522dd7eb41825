"""The raw table says what the manifests say, whatever a crawler or somebody else has made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from dynamo_assets.assets.raw_table import RawTable
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.storage_formats import format_of, storage_descriptor, table_parameters
from dynamo_assets.errors import CatalogError
from dynamo_assets.export.manifest import Manifest, ManifestColumn, ManifestStore
from dynamo_assets.naming import Layout, crawler_name
from dynamo_assets.sandbox.endpoint import Endpoint
from dynamo_assets.verification.records import Records
from tests.export.manifests import snapshot_of

TABLE = "snapshots_zoo"
LABELS = [f"2026-11-23T10:00:0{second}" for second in range(5)]


@dataclass
class Zoo:
    """A raw table, and the snapshots that it is of."""

    table: RawTable
    said: list[str]

    @property
    def catalog(self) -> Catalog:
        return self.table.catalog

    def snapshot(self, label: str, format: Any = "parquet", **columns: str) -> Manifest:
        """Completes a snapshot."""
        listed = tuple(ManifestColumn(n, n, kind) for n, kind in (columns or {"id": "string"}).items())
        manifest = snapshot_of(self.table.manifests.layout, label, format, columns=listed)
        self.table.manifests.write(manifest)
        return manifest

    def create(
        self, manifest: Manifest, name: str = TABLE, by: str = "", location: str | None = None, **columns: str
    ) -> None:
        """Has the table as a crawler might have made it."""
        kinds = columns.items() or [(c.name, c.type) for c in manifest.columns]
        storage = storage_descriptor(manifest.format, kinds, location or self.location, {})
        parameters = table_parameters(manifest.format) | ({"UPDATED_BY_CRAWLER": by} if by else {})
        self.catalog.create(name, storage, parameters)

    def register(self, manifest: Manifest, **columns: str) -> None:
        kinds = columns.items() or [(c.name, c.type) for c in manifest.columns]
        storage = storage_descriptor(manifest.format, kinds, manifest.location, {})
        self.catalog.register(TABLE, [(manifest.snapshot_timestamp, storage, {})])

    @property
    def location(self) -> str:
        layout = self.table.manifests.layout
        return layout.uri(layout.snapshots_prefix("zoo"))

    def columns(self, label: str | None = None) -> dict[str, str]:
        found = self.catalog.table(TABLE) if label is None else self.catalog.partition(TABLE, label)
        assert found is not None
        return {column["Name"]: column["Type"] for column in found["StorageDescriptor"]["Columns"]}

    def format(self, label: str | None = None) -> str | None:
        found = self.catalog.table(TABLE) if label is None else self.catalog.partition(TABLE, label)
        assert found is not None
        return format_of(found["StorageDescriptor"])


@pytest.fixture
def zoo(aws: Endpoint, bucket: str, unique: Callable[[str], str]) -> Zoo:
    glue, database = aws.client("glue"), unique("db")
    glue.create_database(DatabaseInput={"Name": database})
    manifests = ManifestStore(aws.client("s3"), Layout(bucket))
    return Zoo(RawTable(Catalog(glue, database), "zoo", manifests, Records(aws.client("s3"), Layout(bucket))), [])


def test_a_table_that_no_crawler_made_is_made_once(zoo: Zoo) -> None:
    manifest = zoo.snapshot(LABELS[0], "json", id="string", n="bigint")
    zoo.table.ensure(manifest, zoo.said.append)
    assert (zoo.columns(), zoo.format(), len(zoo.said)) == ({"id": "string", "n": "bigint"}, "json", 1)
    zoo.table.ensure(zoo.snapshot(LABELS[1], "json", other="string"), zoo.said.append)
    assert (list(zoo.columns()), len(zoo.said)) == (["id", "n"], 1)


def test_no_second_table_is_made_beside_one_of_another_name(zoo: Zoo) -> None:
    """`match_partitions` then says which."""
    manifest = zoo.snapshot(LABELS[0])
    zoo.create(manifest, "snapshots_zoo_4711")
    zoo.table.ensure(manifest, zoo.said.append)
    assert zoo.catalog.table(TABLE) is None
    with pytest.raises(CatalogError, match=r"\['snapshots_zoo_4711'\].*should have exactly .*\.snapshots_zoo;"):
        zoo.table.match_partitions(zoo.said.append)


def test_what_our_own_crawler_made_beside_the_table_goes_and_nothing_else(zoo: Zoo) -> None:
    ours, hashed = crawler_name(zoo.catalog.database, "zoo"), f"{TABLE}_{'0a' * 16}"
    manifest = zoo.snapshot(LABELS[0])
    zoo.create(manifest)
    zoo.create(manifest, hashed, by=ours)
    kept = {
        f"{TABLE}_{'1b' * 16}": {"by": f"{ours}_eu"},
        f"{TABLE}_{'2c' * 16}": {},
        f"{TABLE}_by_hand": {"by": ours},
        f"{TABLE}s_{'3d' * 16}": {"by": ours},
        f"{TABLE}_{'4e' * 16}": {"by": ours, "location": "s3://elsewhere/snapshots_zoo/"},
    }
    for name, made in kept.items():
        zoo.create(manifest, name, **made)
    zoo.table.drop_seconds(zoo.said.append)
    assert set(zoo.catalog.names("")) == {TABLE, *kept}
    assert len(zoo.said) == 1
    assert hashed in zoo.said[0]
    zoo.table.drop_seconds(zoo.said.append)
    assert len(zoo.said) == 1


def test_a_table_that_is_another_s_is_left_as_it_is_and_named(zoo: Zoo) -> None:
    manifest = zoo.snapshot(LABELS[0])
    zoo.create(replace(manifest, format="csv"), location="s3://elsewhere/zoo/")
    before = zoo.catalog.table(TABLE)
    for action in (
        lambda: zoo.table.follow_format(manifest, zoo.said.append),
        lambda: zoo.table.match_partitions(zoo.said.append),
        lambda: zoo.table.match_columns(manifest, manifest),
    ):
        with pytest.raises(CatalogError, match=r"zoo: .*snapshots_zoo is another table: .* s3://elsewhere/zoo/"):
            action()
    assert zoo.catalog.table(TABLE) == before


def test_two_tables_and_no_table_are_errors_that_say_so(zoo: Zoo) -> None:
    with pytest.raises(CatalogError, match=r"zoo: after its crawl the catalog has no table at .* The view was not"):
        zoo.table.match_partitions(zoo.said.append)
    manifest = zoo.snapshot(LABELS[0])
    zoo.create(manifest)
    zoo.create(manifest, "another")
    with pytest.raises(CatalogError, match=r"'another'.*delete the others"):
        zoo.table.match_partitions(zoo.said.append)


def test_partitions_become_the_complete_snapshots_each_in_its_own_format(zoo: Zoo) -> None:
    first, second = zoo.snapshot(LABELS[0], "orc", old="string"), zoo.snapshot(LABELS[1], "parquet", id="bigint")
    zoo.create(second)
    zoo.register(replace(second, snapshot_timestamp=LABELS[2]))
    zoo.register(replace(second, snapshot_timestamp=LABELS[3]))
    assert zoo.table.match_partitions(zoo.said.append) == (2, 2)
    assert sorted(zoo.catalog.labels(TABLE)) == LABELS[:2]
    assert (zoo.format(LABELS[0]), zoo.columns(LABELS[0])) == ("orc", {"old": "string"})
    assert (zoo.format(LABELS[1]), zoo.columns(LABELS[1])) == ("parquet", {"id": "bigint"})
    partition = zoo.catalog.partition(TABLE, LABELS[0])
    assert partition is not None
    assert partition["StorageDescriptor"]["Location"] == first.location
    assert zoo.said == [
        f"Removing from the catalog what is not complete or did not pass its checks: {LABELS[2]}, {LABELS[3]}"
    ]
    assert zoo.table.match_partitions(zoo.said.append) == (0, 0)


def test_a_snapshot_that_is_not_registered_has_no_columns_to_match(zoo: Zoo) -> None:
    manifest = zoo.snapshot(LABELS[0])
    zoo.create(manifest)
    with pytest.raises(CatalogError, match=rf"Zoo: .*\.snapshots_zoo has no partition {LABELS[0]} after its crawl"):
        zoo.table.match_columns(manifest, manifest)


def test_types_that_a_crawler_guessed_are_corrected_and_told(zoo: Zoo) -> None:
    manifest = zoo.snapshot(LABELS[0], id="string", n="decimal(38,18)", new="bigint")
    zoo.create(manifest, id="string", n="double", older="string")
    zoo.register(manifest, id="string", n="double")
    assert zoo.table.match_columns(manifest, manifest) == ["n: double -> decimal(38,18)", "new: missing -> bigint"]
    assert zoo.columns() == {"id": "string", "n": "decimal(38,18)", "new": "bigint", "older": "string"}
    assert zoo.columns(LABELS[0]) == {"id": "string", "n": "decimal(38,18)", "new": "bigint"}
    assert zoo.table.match_columns(manifest, manifest) == []


def test_in_csv_columns_are_told_by_their_places_so_none_is_added_to_the_snapshot_s(zoo: Zoo) -> None:
    manifest = zoo.snapshot(LABELS[0], "csv", b="string", a="string")
    zoo.create(manifest, a="string", b="string", older="string")
    zoo.register(manifest)
    assert zoo.table.match_columns(manifest, manifest) == ["older: string -> none"]
    assert list(zoo.columns()) == ["b", "a"]


def test_an_order_that_alone_differs_is_corrected_too(zoo: Zoo) -> None:
    manifest = zoo.snapshot(LABELS[0], "csv", b="string", a="string")
    zoo.create(manifest, a="string", b="string")
    zoo.register(manifest)
    assert zoo.table.match_columns(manifest, manifest) == ["the columns' order"]
    assert list(zoo.columns()) == ["b", "a"]


def test_another_serde_and_its_parameters_are_corrected_and_a_long_one_is_cut_in_what_is_told(zoo: Zoo) -> None:
    manifest = replace(zoo.snapshot(LABELS[0], "avro"), serde_parameters={"avro.schema.literal": "x" * 90})
    zoo.create(replace(manifest, format="orc"))
    zoo.register(manifest)
    corrected = "\n".join(zoo.table.match_columns(manifest, manifest))
    assert "InputFormat: org.apache.hadoop.hive.ql.io.orc.OrcInputFormat -> " in corrected
    assert (
        "SerDe: org.apache.hadoop.hive.ql.io.orc.OrcSerde -> org.apache.hadoop.hive.serde2.avro.AvroSerDe" in corrected
    )
    assert f"SerDe's avro.schema.literal: None -> '{'x' * 40}'..." in corrected
    assert (zoo.format(), zoo.format(LABELS[0])) == ("avro", "avro")


@pytest.mark.parametrize(("older", "newer"), [("parquet", "orc"), ("csv", "parquet")])
def test_a_table_follows_a_change_of_format_and_older_partitions_do_not(zoo: Zoo, older: str, newer: str) -> None:
    first = zoo.snapshot(LABELS[0], older)
    zoo.create(first)
    zoo.register(first)
    zoo.table.follow_format(zoo.snapshot(LABELS[1], newer, id="string", n="bigint"), zoo.said.append)
    assert (zoo.format(), zoo.format(LABELS[0])) == (newer, older)
    table = zoo.catalog.table(TABLE)
    assert table is not None
    assert table["Parameters"]["classification"] == newer
    assert ("skip.header.line.count" in table["Parameters"]) == (older == "csv")
    assert table["PartitionKeys"] == [{"Name": "snapshot_timestamp", "Type": "string"}]
    assert zoo.said == [f"The table's files were {older} and are {newer} now; older partitions stay as they are"]


def test_a_table_that_has_the_format_already_or_is_not_there_is_left_alone(zoo: Zoo) -> None:
    manifest = zoo.snapshot(LABELS[0])
    zoo.table.follow_format(manifest, zoo.said.append)
    assert zoo.catalog.table(TABLE) is None
    zoo.create(manifest, somebody_s="bigint")
    zoo.table.follow_format(manifest, zoo.said.append)
    assert (zoo.columns(), zoo.said) == ({"somebody_s": "bigint"}, [])


@pytest.mark.parametrize(("older", "newer"), [("csv", "json"), ("json", "csv")])
def test_csv_and_json_are_refused_in_one_table_even_with_another_format_between(
    zoo: Zoo, older: str, newer: str
) -> None:
    first, second = zoo.snapshot(LABELS[0], older), zoo.snapshot(LABELS[1], "parquet")
    zoo.create(second)
    zoo.register(first)
    zoo.register(second)
    with pytest.raises(
        CatalogError, match=r"Zoo: .* has snapshots in csv, json, parquet, and one table cannot have CSV"
    ):
        zoo.table.follow_format(zoo.snapshot(LABELS[2], newer), zoo.said.append)
    assert zoo.format() == "parquet"
