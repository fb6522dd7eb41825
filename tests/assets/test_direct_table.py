"""The raw table that no crawler keeps: in what order it changes, what is refused, and how many requests it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from dynamo_assets.assets.direct_table import DirectTable
from dynamo_assets.assets.raw_table import UPDATE_ATTEMPTS, RawTable
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.storage_formats import format_of, storage_descriptor
from dynamo_assets.errors import CatalogError, ManifestError, TableChangedError
from dynamo_assets.export.manifest import Manifest, ManifestColumn, ManifestFile, ManifestStore
from dynamo_assets.naming import Layout, format_snapshot, parse_snapshot
from dynamo_assets.sandbox.endpoint import Endpoint
from dynamo_assets.verification.records import Records
from tests.conftest import own_client
from tests.export.manifests import snapshot_of

TABLE = "snapshots_zoo"
FIRST = "2026-11-23T10:00:00"


def label(hours: int) -> str:
    return format_snapshot(parse_snapshot(FIRST) + timedelta(hours=hours))


@dataclass
class Zoo:
    """A raw table, its snapshots, and what AWS was asked since the last look."""

    table: DirectTable
    glue: Any
    asked: list[str] = field(default_factory=list)

    @property
    def catalog(self) -> Catalog:
        return self.table.raw.catalog

    def snapshot(self, hours: int, format: Any = "json", *, files: int = 0, **columns: str) -> Manifest:
        """Completes a snapshot of empty JSON objects, which no footer counts."""
        layout = self.table.raw.manifests.layout
        prefix = layout.snapshot_prefix("zoo", label(hours))
        listed = tuple(ManifestFile(f"{prefix}part-{n}.{format}", 1, 3, "") for n in range(files))
        for file in listed:
            self.table.s3.put_object(Bucket=layout.bucket, Key=file.key, Body=b"{}\n")
        manifest = snapshot_of(
            layout,
            label(hours),
            format,
            files=listed,
            rows=files,
            columns=tuple(ManifestColumn(n, n, kind) for n, kind in (columns or {"id": "string"}).items()),
        )
        self.table.raw.manifests.write(manifest)
        return manifest

    def columns(self, at: str | None = None) -> dict[str, str]:
        found = self.catalog.table(TABLE) if at is None else self.catalog.partition(TABLE, at)
        assert found is not None
        return {column["Name"]: column["Type"] for column in found["StorageDescriptor"]["Columns"]}

    def calls(self) -> Counter[str]:
        """What Glue and S3 were asked since the last time."""
        calls = Counter(self.asked)
        self.asked.clear()
        return calls


@pytest.fixture
def zoo(aws: Endpoint, bucket: str, unique: Callable[[str], str]) -> Zoo:
    glue, s3, database = own_client(aws, "glue"), own_client(aws, "s3"), unique("db")
    glue.create_database(DatabaseInput={"Name": database})
    raw = RawTable(Catalog(glue, database), "zoo", ManifestStore(s3, Layout(bucket)), Records(s3, Layout(bucket)))
    found = Zoo(DirectTable(raw, s3), glue)
    for client in (glue, s3):
        name = client.meta.service_model.service_name
        client.meta.events.register(f"before-call.{name}", lambda model, **_: found.asked.append(model.name))
    return found


def test_a_long_history_is_registered_in_batches_and_a_further_one_in_one_call(zoo: Zoo) -> None:
    with ThreadPoolExecutor(8) as pool:
        manifests = list(pool.map(lambda hours: zoo.snapshot(hours, files=1), range(350)))
    zoo.calls()

    done = zoo.table.register(manifests[-1])

    assert (done.added, done.removed, dict(done.refused)) == (350, 0, {})
    assert zoo.calls() == {
        "GetTable": 1,
        "CreateTable": 1,
        "BatchCreatePartition": 4,
        "ListObjectsV2": 1 + 1 + 1,  # manifests, what was rejected, and files
        "GetObject": 350,  # manifests
    }
    assert sorted(zoo.catalog.labels(TABLE)) == [each.snapshot_timestamp for each in manifests]
    newest = zoo.snapshot(350, files=1)
    zoo.calls()
    assert zoo.table.register(newest).added == 1
    assert zoo.calls() == {
        "GetTable": 1,
        "GetPartitions": 1,
        "BatchCreatePartition": 1,
        "ListObjectsV2": 1 + 1 + 1,
        "GetObject": 1,
    }


def test_registering_again_changes_nothing(zoo: Zoo) -> None:
    manifest = zoo.snapshot(0)
    assert zoo.table.register(manifest).changed == ["made from the manifest"]
    zoo.calls()
    done = zoo.table.register(manifest)
    assert (done.added, done.removed, done.changed) == (0, 0, [])
    assert not {"UpdateTable", "BatchCreatePartition", "UpdatePartition"} & zoo.calls().keys()


def test_the_table_is_changed_before_the_partition_is_there(zoo: Zoo) -> None:
    zoo.table.register(zoo.snapshot(0, n="bigint"))
    wider = zoo.snapshot(1, n="string", more="boolean")
    zoo.calls()
    done = zoo.table.register(wider)
    asked = zoo.asked
    assert asked.index("UpdateTable") < asked.index("BatchCreatePartition")
    assert done.changed == ["n: bigint -> string", "more: missing -> boolean"]
    assert (zoo.columns(), zoo.columns(label(0))) == ({"n": "string", "more": "boolean"}, {"n": "bigint"})


def test_a_snapshot_of_the_past_changes_no_column_of_the_table(zoo: Zoo) -> None:
    zoo.table.register(zoo.snapshot(2, n="string"))
    zoo.table.register(zoo.snapshot(1, n="bigint", old="bigint"))
    assert zoo.columns() == {"n": "string", "old": "bigint"}
    assert zoo.columns(label(1)) == {"n": "bigint", "old": "bigint"}


def test_what_has_no_manifest_goes_out_and_a_description_that_is_wrong_is_corrected(zoo: Zoo) -> None:
    manifest = zoo.snapshot(0, n="bigint")
    zoo.table.register(manifest)
    wrong = storage_descriptor("orc", [("n", "double")], manifest.location, {})
    zoo.catalog.register(TABLE, [(label(1), wrong, {})])
    partition = zoo.catalog.partition(TABLE, label(0))
    assert partition is not None
    zoo.catalog.update_partition(TABLE, partition, wrong)
    assert zoo.table.register(manifest).removed == 1
    assert list(zoo.catalog.labels(TABLE)) == [label(0)]
    assert zoo.columns(label(0)) == {"n": "bigint"}


def test_what_a_crawler_has_described_is_described_anew_once(zoo: Zoo) -> None:
    first, second = zoo.snapshot(0, n="bigint"), zoo.snapshot(1, n="string")
    zoo.table.register(second)
    inherited = storage_descriptor("json", [("n", "string")], first.location, {"paths": "n"})
    zoo.catalog.describe_anew(TABLE, [(label(0), inherited, {"UPDATED_BY_CRAWLER": "x", "recordCount": "1"})])
    assert zoo.table.register(second).described_anew == 1
    partition = zoo.catalog.partition(TABLE, label(0))
    assert partition is not None
    assert zoo.columns(label(0)) == {"n": "bigint"}
    assert partition["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"serialization.format": "1"}
    assert partition["Parameters"] == {"classification": "json", "compressionType": "gzip"}
    assert zoo.table.register(second).described_anew == 0


def test_a_damaged_snapshot_is_an_error_where_it_is_the_run_s_own_and_left_out_otherwise(zoo: Zoo) -> None:
    damaged, whole = zoo.snapshot(0, files=1), zoo.snapshot(1, files=1)
    bucket = zoo.table.raw.manifests.layout.bucket
    zoo.table.s3.delete_object(Bucket=bucket, Key=damaged.files[0].key)
    with pytest.raises(ManifestError, match=rf"Zoo: snapshot {label(0)} is not registered: s3://{bucket}/.*part-0"):
        zoo.table.register(damaged)
    assert zoo.catalog.table(TABLE) is None
    done = zoo.table.register(whole)
    assert (done.added, list(done.refused)) == (1, [label(0)])
    assert list(zoo.catalog.labels(TABLE)) == [label(1)]


@pytest.mark.parametrize(("older", "newer"), [("csv", "json"), ("json", "csv")])
def test_csv_and_json_are_refused_in_one_table(zoo: Zoo, older: str, newer: str) -> None:
    zoo.table.register(zoo.snapshot(0, older))
    zoo.table.register(zoo.snapshot(1, "orc"))
    with pytest.raises(CatalogError, match="one table cannot have CSV and JSON"):
        zoo.table.register(zoo.snapshot(2, newer))
    done = zoo.table.register(zoo.snapshot(3, "avro"))
    assert (done.added, list(done.refused)) == (1, [label(2)])


def test_a_table_follows_a_change_of_format_and_remembers_that_some_files_have_a_header(zoo: Zoo) -> None:
    zoo.table.register(zoo.snapshot(0, "csv"))
    zoo.table.register(zoo.snapshot(1, "orc", id="string", n="bigint"))
    table = zoo.catalog.table(TABLE)
    assert table is not None
    assert format_of(table["StorageDescriptor"]) == "orc"
    assert table["Parameters"] == {"classification": "orc", "compressionType": "none", "skip.header.line.count": "1"}
    assert [partition.format for partition in zoo.catalog.registered(TABLE).values()] == ["csv", "orc"]


@pytest.mark.parametrize("change", [{"PartitionKeys": []}, {"Location": "s3://elsewhere/"}])
def test_somebody_else_s_table_is_left_alone(zoo: Zoo, change: dict[str, Any]) -> None:
    storage = storage_descriptor("orc", [("id", "string")], change.get("Location", zoo.table.raw.location), {})
    keys = change.get("PartitionKeys", [{"Name": "snapshot_timestamp", "Type": "string"}])
    table: Any = {"Name": TABLE, "StorageDescriptor": storage, "PartitionKeys": keys}
    zoo.glue.create_table(DatabaseName=zoo.catalog.database, TableInput=table)
    with pytest.raises(CatalogError, match=rf"zoo: .*\.{TABLE} is another table: .* Drop it"):
        zoo.table.register(zoo.snapshot(0))


def test_a_newer_snapshot_registered_meanwhile_is_not_written_over(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two slots are registered at once, and the older one's table was read before the newer one's was written."""
    zoo.table.register(zoo.snapshot(0, n="bigint"))
    older = zoo.snapshot(1, n="bigint", more="string")
    update, meddled = Catalog.update, []

    def meddle(catalog: Catalog, *args: Any, **options: Any) -> None:
        if not meddled:
            meddled.append(True)
            zoo.table.register(zoo.snapshot(2, n="string", more="string"))
        update(catalog, *args, **options)

    monkeypatch.setattr(Catalog, "update", meddle)
    zoo.table.register(older)
    assert zoo.columns() == {"n": "string", "more": "string"}
    assert sorted(zoo.catalog.labels(TABLE)) == [label(hours) for hours in range(3)]


def test_a_table_that_is_changed_again_and_again_is_an_error(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    zoo.table.register(zoo.snapshot(0))
    attempts = []

    def refuse(*_: Any, **__: Any) -> None:
        attempts.append(1)
        raise TableChangedError("changed")

    monkeypatch.setattr(Catalog, "update", refuse)
    with pytest.raises(TableChangedError):
        zoo.table.register(zoo.snapshot(1, n="bigint"))
    assert len(attempts) == UPDATE_ATTEMPTS
