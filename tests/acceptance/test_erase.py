"""A person's items are forgotten: in every snapshot, in every format, however often the erasure dies on the way."""

from __future__ import annotations

import gzip
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import dagster as dg
import pyarrow.parquet as pq
import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.client import BaseClient

from dynamo_assets import cli
from dynamo_assets.aws.cancellation import Cancellation, under
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.definitions import build_definitions
from dynamo_assets.erasure.journal import Journal, Journals
from dynamo_assets.erasure.keys import Keys
from dynamo_assets.erasure.outcome import Outcome
from dynamo_assets.erasure.run import ErasureRun
from dynamo_assets.export import holding
from dynamo_assets.export.claim import utc_now
from dynamo_assets.export.holding import Held, take_if_free
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.verification.folders import Folders
from tests.acceptance.conftest import Pipeline, failure_of
from tests.acceptance.old_snapshots import OldSnapshots, label
from tests.acceptance.test_incremental import NEVER, take

SECRET = "anna-s3cr3t"
OTHERS = [f"c{number}" for number in range(12)]
WRITES = {"PutObject", "CopyObject", "DeleteObject", "DeleteObjects", "CreateMultipartUpload"}


@pytest.fixture
def _segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots of several files, of tables that would fit into one."""
    request = Settings.export_request
    monkeypatch.setattr("dynamo_assets.export.attempt.GROUP_BYTES", 1)
    monkeypatch.setattr(Settings, "export_request", lambda *of, **more: replace(request(*of, **more), segments=4))


def make_orders(pipeline: Pipeline, table: str) -> None:
    """A table of some customers' orders."""
    client = pipeline.endpoint.client("dynamodb")
    client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "Customer", "KeyType": "HASH"}, {"AttributeName": "order", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "Customer", "AttributeType": "S"},
            {"AttributeName": "order", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for customer in (SECRET, *OTHERS):
        for order in range(2):
            item: dict[str, Any] = {"Customer": customer, "order": order, "note": f"of {customer}", "lines": [{"n": 1}]}
            client.put_item(TableName=table, Item=TypeSerializer().serialize(item)["M"])


def objects(pipeline: Pipeline, *beginnings: str) -> dict[str, str]:
    """Entity tags by key; query results and Glue's code aside."""
    pages = pipeline.clients.s3.get_paginator("list_objects_v2").paginate(Bucket=pipeline.settings.storage.bucket)
    found = {entry.get("Key", ""): entry.get("ETag", "") for page in pages for entry in page.get("Contents", [])}
    wanted = beginnings or ("snapshots_", "_manifests/", "_claims/", "_erasures/", "_units/")
    return {key: etag for key, etag in found.items() if key.startswith(wanted)}


def body(pipeline: Pipeline, key: str) -> bytes:
    content = pipeline.clients.s3.get_object(Bucket=pipeline.settings.storage.bucket, Key=key)["Body"].read()
    return gzip.decompress(content) if key.endswith(".gz") else content


def keys_in(pipeline: Pipeline, name: str) -> dict[str, set[tuple[str, int]]]:
    """The keys of the rows that Athena finds, by snapshot."""
    rows = pipeline.query(f'SELECT snapshot_timestamp, customer, "order" FROM "snapshots_{name}"')
    found: dict[str, set[tuple[str, int]]] = {}
    for at, customer, order in rows:
        found.setdefault(str(at), set()).add((customer, int(order)))
    assert sum(map(len, found.values())) == len(rows)
    return found


def by_job(pipeline: Pipeline, **config: Any) -> dg.ExecuteInProcessResult:
    return (
        build_definitions(pipeline.settings)
        .resolve_job_def("erase")
        .execute_in_process(
            run_config={"ops": {"erase_items": {"config": config}}}, instance=pipeline.instance, raise_on_error=False
        )
    )


def by_command(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, table: str, *arguments: str) -> int:
    monkeypatch.setenv("DYNAMO_ASSETS_CONFIG", str(pipeline.config_path))
    return cli.main(["erase", "--table", table, *arguments])


def key(**attributes: Any) -> str:
    return json.dumps(attributes)


def erase(pipeline: Pipeline, table: str, *ids: str) -> Outcome:
    keys = Keys.of([key(id=each) for each in ids], "--key")
    return ErasureRun(pipeline.settings, pipeline.clients, pipeline.table(table), keys, "test", utc_now).apply()


KEYS = [key(Customer=SECRET), key(Customer="c3", order={"N": "1"}), key(Customer="nobody")]
EVERYTHING = {(customer, order) for customer in (SECRET, *OTHERS) for order in range(2)}
LEFT = EVERYTHING - {(SECRET, 0), (SECRET, 1), ("c3", 1)}


@pytest.mark.usefixtures("_segments")
def test_items_are_gone_from_every_snapshot_in_every_format_and_all_else_is_as_it_was(
    make_pipeline, unique, monkeypatch, capsys
) -> None:
    table = unique("Orders")
    pipeline = make_pipeline({table: {"engine": "in_process"}})
    make_orders(pipeline, table)
    name = pipeline.table(table).name
    for written in ("parquet", "orc", "json", "avro"):
        select = None if written == "avro" else f"s3/{name}_export"
        result = pipeline.with_table_settings(table, format=written).run(table, select=select)
        assert result.success, failure_of(result)
    manifests = [pipeline.manifests.read(name, each) for each in pipeline.labels(table)]
    assert [manifest.format for manifest in manifests] == ["parquet", "orc", "json", "avro"]
    assert keys_in(pipeline, name) == {manifest.snapshot_timestamp: EVERYTHING for manifest in manifests}
    before = objects(pipeline)
    arguments = [part for each in KEYS for part in ("--key", each)]

    assert by_command(pipeline, monkeypatch, table, "--dry-run", *arguments) == 0
    counted = capsys.readouterr().out
    assert objects(pipeline) == before, "a dry run writes nothing"
    assert by_command(pipeline, monkeypatch, table, *arguments) == 0
    said = capsys.readouterr().out

    assert "12 rows of 3 keys were erased, from" in said
    assert [line for line in said.splitlines() if "rows in" in line] == [
        line for line in counted.splitlines() if "rows in" in line
    ]
    assert keys_in(pipeline, name) == {manifest.snapshot_timestamp: LEFT for manifest in manifests}
    assert pipeline.query(f'SELECT count(*) FROM "{name}"') == [(23,)]
    after = objects(pipeline)
    for old in manifests:
        assert_only_those_files_changed(pipeline, old, before, after)
    assert SECRET not in said + counted
    for each in objects(pipeline, "snapshots_", "_manifests/", "_claims/", "_erasures/", "_units/", "_glue/"):
        assert SECRET.encode() not in body(pipeline, each), each
    [history] = objects(pipeline, "_erasures/")
    record = json.loads(body(pipeline, history))
    assert record["ended_at"]
    assert (record["keys"], record["snapshots"], record["run"], record["failed"]) == (3, 4, "command", [])
    assert {at: amount["rows"] for at, amount in record["erased"].items()} == dict.fromkeys(pipeline.labels(table), 3)

    assert by_command(pipeline, monkeypatch, table, *arguments) == 0
    assert "0 rows of 3 keys were erased, from 0 files of 0 snapshots; 4 were looked through" in capsys.readouterr().out
    data = ("snapshots_", "_manifests/")
    assert objects(pipeline, *data) == {each: etag for each, etag in after.items() if each.startswith(data)}


def assert_only_those_files_changed(
    pipeline: Pipeline, old: Manifest, before: dict[str, str], after: dict[str, str]
) -> None:
    new = pipeline.manifests.read(old.name, old.snapshot_timestamp)
    assert new.erased
    assert (new.rows, new.erased.rows, new.erased.still_counted) == (23, 3, ())
    assert new.columns[0].dynamodb_types == {"S": 23}
    changed = {was.key for was, now in zip(old.files, new.files, strict=True) if was != now}
    assert 0 < len(changed) < len(old.files)
    assert {file.key for file in old.files if after[file.key] != before[file.key]} == changed
    assert damage(pipeline, old.name, old.snapshot_timestamp) is None
    assert replace(new, rows=26, bytes=old.bytes, files=old.files, columns=old.columns, erased=None) == old


def damage(pipeline: Pipeline, name: str, at: str) -> str | None:
    """What a publisher's check finds in a snapshot's files: sizes, then rows."""
    manifests = pipeline.manifests
    _, damaged = Folders(pipeline.clients.s3, manifests, name).of([at], list(manifests.labels(name)))
    return damaged.get(at)


def test_the_job_takes_keys_from_a_file_and_nobody_learns_them(make_pipeline, unique) -> None:
    table = unique("Csv")
    pipeline = make_pipeline({table: {"engine": "in_process", "format": "csv"}})
    make_orders(pipeline, table)
    assert pipeline.run(table).success
    name, bucket = pipeline.table(table).name, pipeline.settings.storage.bucket
    others = [key(Customer=customer) for customer in OTHERS]

    def put(*keys: str) -> str:
        pipeline.clients.s3.put_object(Bucket=bucket, Key="in/keys", Body="\n".join(keys).encode())
        return f"s3://{bucket}/in/keys"

    result = by_job(pipeline, table=table, keys_file=put(*KEYS), delete_keys_file=True)
    assert result.success, failure_of(result)
    assert objects(pipeline, "in/") == {}
    [event] = [e for e in result.all_events if e.event_type_value == "ASSET_OBSERVATION"]
    shown = event.asset_observation_data.asset_observation.metadata
    assert [shown[each].value for each in ("rows", "snapshots", "keys", "dry_run")] == [3, 1, 3, False]
    assert set(*keys_in(pipeline, name).values()) == LEFT
    assert pipeline.query(f'SELECT count(*) FROM "{name}"') == [(23,)]

    wrong = by_job(pipeline, table=table, keys_file=put(key(customer=SECRET)))
    assert "key 1 has other attributes than the table's key: give 'Customer' (S) and 'order' (N)" in failure_of(wrong)
    for run in (result, wrong):
        records = pipeline.instance.all_logs(run.run_id)
        assert len(records) > 5
        assert SECRET not in "".join(map(dg.serialize_value, records))
    for each in objects(pipeline, "snapshots_", "_"):
        assert SECRET.encode() not in body(pipeline, each), each
    with pytest.raises(dg.DagsterInvalidConfigError):
        by_job(pipeline, table=table, keys_file="x", keys=[{"Customer": SECRET}])

    # Of a snapshot of which nothing is left there are files as of an empty table: of CSV none.
    assert by_job(pipeline, table=table, keys_file=put(*others)).success
    assert pipeline.latest(table).files == ()
    assert damage(pipeline, name, pipeline.labels(table)[0]) is None
    for shows in (name, f"snapshots_{name}"):
        assert pipeline.query(f'SELECT count(*) FROM "{shows}"') == [(0,)]


class KilledError(Exception):
    """Neither this request nor any after it is made."""


@contextmanager
def killed_at(number: int) -> Iterator[list[str]]:
    """Lets so many writes pass and then none of anything: as a process that is killed between two of them."""
    make = BaseClient._make_api_call  # pyright: ignore[reportAttributeAccessIssue]
    writes: list[str] = []
    dead = threading.Event()

    def call(self: BaseClient, operation: str, parameters: Any) -> Any:
        if operation in WRITES:
            writes.append(f"{operation} {parameters.get('Key', '')}")
            if len(writes) > number:
                dead.set()
        if dead.is_set():
            raise KilledError
        return make(self, operation, parameters)

    with patch.object(BaseClient, "_make_api_call", call):
        yield writes


@pytest.mark.usefixtures("_segments")
def test_an_erasure_that_is_killed_between_any_two_writes_is_ended_by_the_next(
    make_pipeline, unique, monkeypatch
) -> None:
    table = unique("Orders")
    pipeline = make_pipeline({table: {"engine": "in_process"}})
    client = pipeline.endpoint.client("dynamodb")
    pipeline.create_table(table)
    items = [f"{SECRET}-{number}" for number in range(120)]
    for item in items:
        client.put_item(TableName=table, Item={"id": {"S": item}})
    assert pipeline.run(table).success
    name, at = pipeline.table(table).name, pipeline.labels(table)[0]
    # The claims of the killed are taken over at once.
    monkeypatch.setattr(holding, "STALE_SECONDS", -1.0)
    files = [rows_of(pipeline, file.key) for file in pipeline.latest(table).files]
    assert len(files) == 4

    windows, others, number, left = 0, 0, 0, set(items)
    while True:
        gone = [files[0].pop(), files[1].pop()]
        with killed_at(number) as writes:
            try:
                erase(pipeline, table, *gone)
            except KilledError:
                pass
            else:
                break
        # Either the manifest is right, or whoever asks finds that it is not.
        if damage(pipeline, name, at):
            windows += 1
            if windows == 1:
                assert "Athena counts" in failure_of(pipeline.run(table, select=f"{pipeline.database}/{name}"))
        else:
            manifest = pipeline.latest(table)
            found = [rows_of(pipeline, file.key) for file in manifest.files]
            assert set().union(*found) in (left, left - set(gone))
            assert sum(map(len, found)) == manifest.rows
        if objects(pipeline, f"_erasures/snapshots_{name}/journals/"):
            others += 1
            # A run of other keys ends what was begun, and is not confused by it.
            assert erase(pipeline, table, "nobody").rows == 0
            assert damage(pipeline, name, at) is None
            assert set(objects(pipeline, "_erasures/")) == set(
                objects(pipeline, f"_erasures/snapshots_{name}/history/")
            )
        assert erase(pipeline, table, *gone).failed == {}
        left -= set(gone)
        assert_left(pipeline, table, left)
        number += 1
    assert number == len(writes) >= 13, writes
    assert (windows, others) == (2, 6), "one file replaced, and both; from the journal's first moment to its last"
    records = [json.loads(body(pipeline, each)) for each in objects(pipeline, "_erasures/")]
    assert len([record for record in records if record["ended_at"] is None]) >= number - 4
    assert pipeline.query(f'SELECT count(*) FROM "{name}"') == [(len(left) - 2,)]
    assert_a_cancelled_one_ends_what_it_has_begun(pipeline, table, files[2].pop(), monkeypatch)


def assert_a_cancelled_one_ends_what_it_has_begun(
    pipeline: Pipeline, table: str, item: str, patched: pytest.MonkeyPatch
) -> None:
    stop, carry_out = Cancellation(), Journals.carry_out

    def cancelled(self: Journals, *of: Any) -> bool:
        stop.request()
        return carry_out(self, *of)

    patched.setattr(Journals, "carry_out", cancelled)
    with under(stop):
        assert erase(pipeline, table, item).rows == 1
    assert stop.requested
    manifest = pipeline.latest(table)
    assert damage(pipeline, manifest.name, manifest.snapshot_timestamp) is None


def assert_left(pipeline: Pipeline, table: str, left: set[str]) -> None:
    manifest = pipeline.latest(table)
    assert set().union(*(rows_of(pipeline, file.key) for file in manifest.files)) == left
    assert manifest.erased
    assert (manifest.rows, manifest.erased.rows) == (len(left), 120 - len(left))
    assert damage(pipeline, manifest.name, manifest.snapshot_timestamp) is None
    assert_only_history_is_kept(pipeline)


def assert_only_history_is_kept(pipeline: Pipeline) -> None:
    assert [each for each in objects(pipeline, "_erasures/") if "/history/" not in each] == []


def rows_of(pipeline: Pipeline, file: str) -> set[str]:
    return set(pq.read_table(io.BytesIO(body(pipeline, file)))["id"].to_pylist())


def test_retention_and_attempts_wait_and_what_is_damaged_stops_nothing_else(make_pipeline, unique, monkeypatch) -> None:
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": "in_process"}})
    pipeline.create_table(table, [{"id": "1"}, {"id": "2"}])
    assert pipeline.run(table).success
    old = OldSnapshots(pipeline, table)
    good, bad = old.add([label(30), label(20)])
    newest, layout = old.newest.snapshot_timestamp, pipeline.settings.layout
    old.put(f"{layout.snapshot_prefix(old.name, bad)}part-0.parquet", b"PAR1" * 1000)
    old.put(layout.claim_key(old.name, label(1)), b"{}")
    old.put(f"{layout.staged_prefix(old.name, label(5))}000000.parquet")
    old.put(f"{layout.native_export_prefix(old.name, newest)}AWSDynamoDB/x/data/y.json.gz")
    pipeline.clients.s3.put_bucket_versioning(Bucket=layout.bucket, VersioningConfiguration={"Status": "Enabled"})
    held: list[Any] = []
    carry_out = Journals.carry_out

    def look(self: Journals, journal: Journal, check: Callable[[], None]) -> bool:
        claims = (layout.retention_claim_key(old.name), layout.claim_key(old.name, journal.snapshot_timestamp))
        held.extend(take_if_free(self.s3, Held(layout.bucket, each, "another", owner="", what="")) for each in claims)
        return carry_out(self, journal, check)

    monkeypatch.setattr(Journals, "carry_out", look)
    (pipeline.config_path.parent / "keys").write_text(key(id="1"))
    result = by_job(pipeline, table=table, keys_file=str(pipeline.config_path.parent / "keys"))

    assert held == [None] * 4, "nobody else gets the table, nor the snapshots that are being replaced"
    message = failure_of(result)
    assert f"1 of 3 snapshots could not be seen to, and may hold items that were to be erased: {bad}: " in message
    assert "part-0.parquet: not a complete parquet file" in message
    assert [pipeline.manifests.read(old.name, each).rows for each in (good, bad, newest)] == [1, 2, 1]
    assert_only_history_is_kept(pipeline)
    [event] = [e for e in result.all_events if e.event_type_value == "ASSET_OBSERVATION"]
    told = str(event.asset_observation_data.asset_observation.metadata["all"].value)
    for line in (
        f"{label(1)}: no complete snapshot. An attempt that runs now may have read the items",
        f"{newest}: DynamoDB's own exports lie in s3://{layout.bucket}/_native_exports/snapshots_{old.name}/",
        f"bucket {layout.bucket} keeps old versions of objects (versioning is Enabled)",
        "never reached: the table itself",
    ):
        assert line in told


def test_the_next_incremental_snapshot_over_an_erased_one_is_a_full_one(make_history) -> None:
    history = make_history(hours=4, point_in_time={"full_every": NEVER})
    history.write()
    first, _, _ = take(history, 3, query=False)
    pipeline, at = history.pipeline, history.slot(3)
    there = min(history.states[at])

    assert erase(pipeline, history.table, "nobody").rows == 0
    assert pipeline.manifests.read(history.name, first.snapshot_timestamp) == first, "so changes go on from it"
    assert erase(pipeline, history.table, there).rows == 1
    # `take` compares with what the table held: an item that is still in the table is back.
    manifest, facts, warnings = take(history, 1)
    assert facts["native_export"] == "full"
    assert facts["full_because"].startswith(f"1 rows were erased from snapshot {at}:00, and the changes since do not")
    assert [line for line in warnings if "full export" in line]
    assert manifest.erased is None
    _, facts, _ = take(history, 0)
    assert facts["native_export"] == "incremental"
