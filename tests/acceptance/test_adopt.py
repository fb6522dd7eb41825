"""What the pipeline of 2019 left becomes this project's: through the command, Dagster and Athena, on the sandbox."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from dynamo_assets import cli
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.storage_formats import storage_of, table_parameters
from dynamo_assets.erasure.keys import Keys
from dynamo_assets.erasure.run import ErasureRun
from dynamo_assets.export.claim import utc_now
from dynamo_assets.retention.run import RetentionRun
from dynamo_assets.verification.verify import Verifier
from tests.acceptance.conftest import Pipeline, failure_of
from tests.acceptance.original_snapshots import UUID, OriginalSnapshots, avro, csv_lines, json_lines, orc_file, parquet
from tests.acceptance.raw_tables import DIRECT

ROWS: list[dict[str, Any]] = [
    {"Id": "a", "OrderTotal": 12, "price": 1.5, "Tags": ["x", "y"], "Address": {"City": "Ulm", "zip": 7}, "paid": True},
    {"Id": "b", "OrderTotal": -(2**62), "price": 0.1, "Tags": [], "Address": {"City": "É\\n", "zip": None}},
    {"Id": "c", "OrderTotal": None, "price": None, "Tags": None, "Address": None, "paid": False},
]
ADDRESS = pa.struct([("City", pa.string()), ("zip", pa.int64())])
TYPES: dict[str, pa.DataType] = {
    "Id": pa.string(),
    "OrderTotal": pa.int64(),
    "price": pa.float64(),
    "Tags": pa.list_(pa.string()),
    "Address": ADDRESS,
    "paid": pa.bool_(),
}
SCHEMA = pa.schema(list(TYPES.items()))
REVERSED = pa.schema(list(reversed(TYPES.items())))
AVRO = [
    {"name": "Id", "type": ["string", "null"]},
    {"name": "OrderTotal", "type": ["long", "null"]},
    {"name": "price", "type": ["double", "null"]},
    {"name": "Tags", "type": [{"type": "array", "items": ["string", "null"]}, "null"]},
    {
        "name": "Address",
        "type": [
            {
                "type": "record",
                "name": "Address",
                "namespace": "topLevelRecord",
                "fields": [{"name": "City", "type": ["string", "null"]}, {"name": "zip", "type": ["long", "null"]}],
            },
            "null",
        ],
    },
    {"name": "paid", "type": ["boolean", "null"]},
]
HISTORY = {"partitions": {"start": "2019-09-01"}, "catalog": DIRECT}


@pytest.fixture
def adopt(monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance, capfd) -> Callable[..., tuple[int, str]]:
    """The command, in this process; Dagster's memory is the tests' own."""
    monkeypatch.setenv("DAGSTER_HOME", "/nowhere")
    monkeypatch.setattr(dg.DagsterInstance, "get", lambda: instance)

    def run(pipeline: Pipeline, table: str, *arguments: str) -> tuple[int, str]:
        monkeypatch.setenv("DYNAMO_ASSETS_CONFIG", str(pipeline.config_path))
        capfd.readouterr()
        code = cli.main(["adopt", table, *arguments])
        told = capfd.readouterr()
        return code, told.out + told.err

    return run


def rows_of(pipeline: Pipeline, table: str, label: str = "") -> list[tuple[Any, ...]]:
    """The rows of the view, or of a snapshot in the raw table."""
    name = pipeline.table(table).name
    source = f"\"snapshots_{name}\" WHERE snapshot_timestamp = '{label}'" if label else f'"{name}"'
    found = pipeline.query(
        f"SELECT id, ordertotal, price, json_format(CAST(tags AS json)), address.city, address.zip, paid "
        f"FROM {source} ORDER BY id"
    )
    return [tuple(float(cell) if isinstance(cell, Decimal) else cell for cell in row) for row in found]


FLAT = [
    ("a", 12, 1.5, '["x","y"]', "Ulm", 7, True),
    ("b", -(2**62), 0.1, "[]", "É\\n", None, None),
    ("c", None, None, None, None, None, False),
]
MINUTES = [f"2019-10-0{day}T10:0{day}" for day in range(1, 8)]
LABELS = [f"{minute}:00" for minute in MINUTES]


@dataclass
class Orders:
    """A table with seven snapshots of the original pipeline: four good ones, each in another format, and three not."""

    pipeline: Pipeline
    table: str
    old: OriginalSnapshots

    @property
    def name(self) -> str:
        return self.pipeline.table(self.table).name

    def write(self) -> None:
        part, run = f"part-00000-{UUID}-c000", "run-1570176180000-part-r"
        halves = {f"{run}-00000": json_lines(ROWS[:2]), f"{run}-00001.gz": gzip.compress(json_lines(ROWS[2:]))}
        twice = {f"part-0000{n}-{UUID}.parquet": parquet(ROWS, SCHEMA) for n in range(2)}
        half = {f"{part}.parquet": parquet(ROWS[:1], SCHEMA)}
        add = self.old.add
        add(MINUTES[0], {f"{part}.snappy.parquet": parquet(ROWS, SCHEMA)}, success=True, ChecksumAlgorithm="SHA256")
        add(MINUTES[1], {f"{part}.snappy.orc": orc_file(ROWS, REVERSED), "part-00001": b""}, success=True)
        add(MINUTES[2], {f"{run}-00000.avro": avro(ROWS, AVRO)}, success=True)
        add(MINUTES[3], halves, success=True)
        add(MINUTES[4], {"_temporary/0/x.parquet": b"PAR1", **half})
        add(MINUTES[5], half)
        add(MINUTES[6], twice, success=True)

    def shown(self) -> str:
        [(label,)] = self.pipeline.query(f'SELECT DISTINCT snapshot_timestamp FROM "{self.name}"')
        return str(label)

    def reported(self) -> list[tuple[str, str]]:
        """What Dagster shows of the table's snapshots: slots and labels, each event."""
        key = dg.AssetKey(["s3", f"{self.name}_export"])
        records = self.pipeline.instance.fetch_materializations(key, limit=100).records
        found = [record.asset_materialization for record in reversed(records) if record.asset_materialization]
        return [(str(one.partition), str(one.metadata["snapshot_timestamp"].value)) for one in found]


def test_the_old_snapshots_of_a_table_are_its_own_from_then_on(make_pipeline, unique, adopt) -> None:
    table = unique("Orders")
    entry = {"engine": "in_process", "columns": {"price": "double"}, "keep_views": 2, "retention": {"keep_last": 5}}
    pipeline = make_pipeline({table: entry}, **HISTORY)
    pipeline.create_table(table, key="Id")
    orders = Orders(pipeline, table, OriginalSnapshots(pipeline.clients.s3, pipeline.settings.storage.bucket, "old/o"))
    orders.write()
    before = orders.old.objects()

    _only_whole_ones_are_adopted(orders, adopt)
    assert orders.old.objects() == before, "no byte was moved, and nothing was put beside"
    _the_old_table_and_view_are_not_taken_over_unasked(orders)
    _each_is_registered_published_and_rolled_back_to(orders)
    _nothing_says_that_items_are_erased_from_them(orders)
    _the_view_moves_on_with_the_next_export(orders)
    _retention_removes_one_and_no_neighbour(orders, before)
    _what_is_written_over_does_not_pass_any_more(orders)


def _only_whole_ones_are_adopted(orders: Orders, adopt: Callable[..., tuple[int, str]]) -> None:
    pipeline, table = orders.pipeline, orders.table
    command = (pipeline, table, "--from", orders.old.uri, "--all")
    code, told = adopt(*command, "--dry-run")
    assert code == 1
    assert pipeline.labels(table) == [], "a dry run writes nothing"
    assert f"{LABELS[0]}  would be adopted: 3 rows" in told
    assert "6 rows (ODD: 3 in the one before)" in told

    code, told = adopt(*command)
    assert code == 1, told
    adopted = [*LABELS[:4], LABELS[6]]
    assert pipeline.labels(table) == adopted
    lines = told.split("\n2019")
    for place, reason in (
        (4, "REFUSED.*its writer has not finished, or died"),
        (5, "REFUSED.*no _SUCCESS, which 5 of the 7 snapshots there have"),
        (6, "DID NOT PASS.*3 keys stand in more than one row"),
    ):
        assert re.search(reason, lines[place], re.DOTALL), lines[place]
    assert list(pipeline.records.verified(orders.name)) == LABELS[:4]
    ticks = [f"2019-10-0{day}T10:00" for day in (1, 2, 3, 4, 7)]
    assert orders.reported() == list(zip(ticks, adopted, strict=True))

    for label, by in ((LABELS[0], "checksum"), (LABELS[1], "etag")):
        [file] = pipeline.manifests.read(orders.name, label).files
        body = pipeline.clients.s3.get_object(Bucket=orders.old.bucket, Key=file.key)["Body"].read()
        assert file.sha256 == hashlib.sha256(body).hexdigest(), label
        assert bool(file.checksum) is (by == "checksum")
        assert bool(file.etag) is (by == "etag")

    documents = {label: pipeline.manifests.document(orders.name, label) for label in adopted}
    code, told = adopt(*command)
    assert (code, told.count("adopted already")) == (1, 5)
    assert {label: pipeline.manifests.document(orders.name, label) for label in adopted} == documents
    assert len(orders.reported()) == 5, "a second run changes nothing, in Dagster either"


def _the_old_table_and_view_are_not_taken_over_unasked(orders: Orders) -> None:
    """As the old crawler and the old Lambda made them."""
    pipeline, raw = orders.pipeline, f"snapshots_{orders.name}"
    catalog = Catalog(pipeline.clients.glue, pipeline.database)
    manifest = pipeline.manifests.read(orders.name, LABELS[0])
    storage = {**storage_of(manifest), "Location": orders.old.uri}
    catalog.create(raw, storage, table_parameters("parquet"))
    catalog.register(raw, [(MINUTES[0], storage_of(manifest), table_parameters("parquet"))])
    statement = f"SELECT * FROM {raw} WHERE snapshot_timestamp = '{MINUTES[0]}'"
    pipeline.query(f"CREATE OR REPLACE VIEW {orders.name} AS {statement}")

    result = pipeline.run(orders.table, select=f"{pipeline.database}/{raw}", slot="2019-10-04T10:00")
    assert re.search("is another table: it has its files at .*Drop it.*The view was not touched", failure_of(result))
    assert (orders.shown(), rows_of(pipeline, orders.table)) == (MINUTES[0], FLAT)
    catalog.drop(raw)


def _each_is_registered_published_and_rolled_back_to(orders: Orders) -> None:
    pipeline, table = orders.pipeline, orders.table
    raw = f"{pipeline.database}/snapshots_{orders.name}"
    result = pipeline.run(table, select=raw, slot="2019-10-04T10:00")
    assert result.success, failure_of(result)
    for label in LABELS[:4]:
        assert rows_of(pipeline, table, label) == FLAT, label
    pipeline.publish(table)
    assert (orders.shown(), rows_of(pipeline, table)) == (LABELS[3], FLAT)
    pipeline.publish(table, snapshot=LABELS[1])
    assert (orders.shown(), rows_of(pipeline, table)) == (LABELS[1], FLAT)


def _nothing_says_that_items_are_erased_from_them(orders: Orders) -> None:
    pipeline, keys = orders.pipeline, Keys.of(['{"Id": "a"}'], "the test")
    run = ErasureRun(pipeline.settings, pipeline.clients, pipeline.table(orders.table), keys, "the test", utc_now)
    failed = run.apply().failed
    assert set(failed) == {*LABELS[:4], LABELS[6]}
    assert all("adopted from s3://" in reason for reason in failed.values())


def _the_view_moves_on_with_the_next_export(orders: Orders) -> None:
    pipeline, table = orders.pipeline, orders.table
    for row in ROWS:
        exact = {key: Decimal(str(value)) if isinstance(value, float) else value for key, value in row.items()}
        pipeline.put(table, {key: value for key, value in exact.items() if value is not None})
    result = pipeline.run(table)
    assert result.success, failure_of(result)
    own = pipeline.latest(table)
    before = pipeline.manifests.read(orders.name, LABELS[6])
    assert own.engine == "in_process"
    assert [column.name for column in own.columns] == [column.name for column in before.columns]
    assert (orders.shown(), rows_of(pipeline, table)) == (own.snapshot_timestamp, FLAT)
    assert rows_of(pipeline, table, LABELS[0]) == FLAT, "the old ones stay readable beside it"
    counted = pipeline.query(f'SELECT snapshot_timestamp, count(*) FROM "{orders.name}_history" GROUP BY 1')
    assert dict(counted) == dict.fromkeys([*LABELS[:4], own.snapshot_timestamp], 3)


def _retention_removes_one_and_no_neighbour(orders: Orders, before: dict[str, str]) -> None:
    pipeline, table = orders.pipeline, orders.table
    run = RetentionRun(pipeline.settings, pipeline.clients, utc_now(), False)
    _, errors = run.apply_to_all([pipeline.table(table)])
    assert not errors
    assert LABELS[0] not in pipeline.labels(table)
    assert len(pipeline.labels(table)) == 5
    assert orders.old.objects() == {key: etag for key, etag in before.items() if f"{MINUTES[0]}/" not in key}
    assert rows_of(pipeline, table, LABELS[0]) == []
    assert rows_of(pipeline, table, LABELS[1]) == FLAT


def _what_is_written_over_does_not_pass_any_more(orders: Orders) -> None:
    pipeline, s3 = orders.pipeline, orders.pipeline.clients.s3
    manifest = pipeline.manifests.read(orders.name, LABELS[1])
    [file] = manifest.files
    body = s3.get_object(Bucket=orders.old.bucket, Key=file.key)["Body"].read()
    s3.put_object(Bucket=orders.old.bucket, Key=file.key, Body=body[:100] + b"?" + body[101:])
    record = Verifier(pipeline.settings, pipeline.clients).verify(pipeline.table(orders.table), manifest)
    assert not record.passed
    assert "its SHA-256 is not the manifest's" in record.reasons()


def test_csv_is_adopted_where_its_columns_stand_as_the_newest_ones(make_pipeline, unique, adopt) -> None:
    table = unique("Notes")
    # With a crawler: it never sees what lies outside of its own folder, so these are registered beside it.
    pipeline = make_pipeline(
        {table: {"engine": "in_process", "format": "csv", "keep_views": 1}}, partitions=HISTORY["partitions"]
    )
    pipeline.create_table(table, key="Id")
    s3, bucket = pipeline.clients.s3, pipeline.settings.storage.bucket
    old = OriginalSnapshots(s3, bucket, "notes")
    header, rows = ["Id", "order-no", "note"], [["1", 5, 'say "hi", twice'], ["2", None, "Ü+1%"]]
    old.add(MINUTES[0], {"run-1-part-r-00000": csv_lines(header, rows), "run-1-part-r-00001": csv_lines(header, [])})
    old.add(MINUTES[1], {"run-2-part-r-00000": csv_lines(["Id", "note", "order-no"], [])})
    old.add(MINUTES[2], {"run-3-part-r-00000.bz2": bz2.compress(csv_lines([*header, "new"], [["3", 6, "x", "y"]]))})
    old.add(MINUTES[3], {"run-4-part-r-00000": b"<root><record/></root>\n"})
    old.add("2019-08-31T23:00", {"run-5-part-r-00000": csv_lines(header, rows)})
    old.add("2019-09-30T10:00", {"run-6-part-r-00000": csv_lines(header, rows)})
    # An adoption that died after its claim, and an export that is at work.
    layout, name = pipeline.settings.layout, pipeline.table(table).name
    for label, attempt in (
        (LABELS[0], f"adopt/{old.uri}snapshot_timestamp={MINUTES[0]}/"),
        ("2019-09-30T10:00:00", "x"),
    ):
        s3.put_object(Bucket=bucket, Key=layout.claim_key(name, label), Body=json.dumps({"attempt": attempt}).encode())

    code, told = adopt(pipeline, table, "--from", old.uri)
    assert code == 1
    assert told.count("nothing tells whether it is complete") == 6
    assert pipeline.labels(table) == []
    code, told = adopt(pipeline, table, "--from", old.uri, "--all", "--format", "csv")
    assert code == 1
    assert pipeline.labels(table) == ["2019-08-31T23:00:00", LABELS[0], LABELS[2]]
    assert "2019-09-30T10:00:00 is taken by another export" in told
    assert "it is XML, which Athena cannot read" in told
    assert "its column 2 is 'note', and that of 2019-10-03T10:03:00 is 'order_no'" in told
    assert "no slot: 2019-08-31T10:00 lies before partitions.start, 2019-09-01" in told
    manifest = pipeline.manifests.read(name, LABELS[0])
    assert (manifest.rows, manifest.engine, manifest.slot) == (2, "adopted", "2019-10-01T10:00")
    assert manifest.adopted
    assert manifest.adopted.complete_by == "person"

    result = pipeline.run(table, select=f"{pipeline.database}/snapshots_{name}", slot="2019-10-03T10:00")
    assert result.success, failure_of(result)
    pipeline.publish(table, snapshot=LABELS[0])
    found = pipeline.query(f'SELECT id, order_no, note FROM "{name}" ORDER BY id')
    assert found == [("1", "5", 'say "hi", twice'), ("2", None, "Ü+1%")]
    pipeline.publish(table)
    assert pipeline.query(f'SELECT id, order_no, note, new FROM "{name}"') == [("3", "6", "x", "y")]

    pipeline.put(table, {"Id": "4", "order-no": 7})
    result = pipeline.run(table)
    assert result.success, failure_of(result)
    assert pipeline.query(f'SELECT id, order_no, note FROM "{name}"') == [("4", 7, None)]
    assert pipeline.query(f'SELECT id FROM "{name}_history"') == [("4",)], "whose text is escaped, as theirs is not"
    pipeline.publish(table, snapshot=LABELS[0])
    assert pipeline.query(f'SELECT id, order_no, note FROM "{name}" ORDER BY id') == found, "also after a crawl"


def test_what_cannot_be_adopted_at_all_is_said_at_once(make_pipeline, unique, adopt) -> None:
    table = unique("Orders")
    entry = {"engine": "in_process", "retention": {"keep_days": 30}}
    pipeline = make_pipeline({table: entry}, partitions={"start": "2019-09-01"})
    bucket, name = pipeline.settings.storage.bucket, pipeline.table(table).name
    within = OriginalSnapshots(pipeline.clients.s3, bucket, f"snapshots_{name}")
    within.add(MINUTES[0], {"run-1-part-r-00000": json_lines(ROWS)}, success=True)
    beyond = OriginalSnapshots(pipeline.clients.s3, bucket, "beyond")
    for minute in MINUTES[:2]:
        beyond.add(minute, {"run-1-part-r-00000": json_lines(ROWS)}, success=True)
    for arguments, message in (
        (("--from", beyond.uri, "--dry-run"), f"{LABELS[0]}  REFUSED: 1 file(s)"),
        (("--from", beyond.uri, "--dry-run"), "beyond the limits of `retention`"),
        (("--from", "s3://another-bucket/old/"), "is in another bucket than `storage.bucket`"),
        (("--from", f"s3://{bucket}/nothing/"), "there is nothing"),
        (("--from", "old/"), "no address in S3"),
        (("--from", within.uri, "--snapshot", "2019-10-09T10:00"), "there is no snapshot 2019-10-09T10:00:00"),
        (("--from", within.uri), "where this table's crawler looks"),
    ):
        code, told = adopt(pipeline, table, *arguments)
        assert code == 1
        assert message in told
    assert pipeline.labels(table) == []
    assert adopt(pipeline, "Unknown", "--from", within.uri)[0] == 1
