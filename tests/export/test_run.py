from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest

from dynamo_assets.errors import ConservationError, ManifestError, PlanError, ReadError
from dynamo_assets.export import ExportRequest, InProcess, Manifest, ManifestStore, Observer, run_export
from dynamo_assets.export.attempt import Mapper
from dynamo_assets.export.scan_plan import ScanPlan
from dynamo_assets.export.supervision import Supervisor
from dynamo_assets.sandbox.endpoint import Endpoint


@dataclass
class Table:
    """A table of the sandbox and the requests and snapshots of it."""

    name: str
    bucket: str
    aws: Endpoint

    def put(self, *items: dict[str, Any]) -> None:
        with boto3.resource("dynamodb").Table(self.name).batch_writer() as batch:
            for item in items:
                batch.put_item(Item=item)

    def request(self, **options: Any) -> ExportRequest:
        return ExportRequest(**{"table": self.name, "bucket": self.bucket, **options})

    def keys(self, prefix: str = "") -> list[str]:
        listing = self.aws.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for entry in listing.get("Contents", [])]

    def rows(self, manifest: Manifest) -> list[dict[str, Any]]:
        """What somebody reads who reads all of the snapshot's folder, as the crawler and Athena do."""
        folder = manifest.location.removeprefix(f"s3://{self.bucket}/")
        bodies = [
            self.aws.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in self.keys(folder)
        ]
        return [row for body in bodies for row in pq.read_table(io.BytesIO(body)).to_pylist()]

    def published(self) -> list[str]:
        store = ManifestStore(self.aws.client("s3"), self.request().layout)
        return list(store.labels(self.request().name))


@pytest.fixture
def table(aws: Endpoint, bucket: str, unique: Callable[[str], str]) -> Table:
    name = unique("Orders")
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "OrderId", "KeyType": "HASH"}, {"AttributeName": "line", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "OrderId", "AttributeType": "S"},
            {"AttributeName": "line", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return Table(name, bucket, aws)


def orders(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"OrderId": f"order-{number}", "line": number % 3, **more} for number in range(count)]


def test_a_small_table_is_one_file_described_by_its_manifest(table: Table) -> None:
    table.put(*orders(20, price=Decimal("9.5")), {"OrderId": "free", "line": 1, "price": None, "Note": "gift"})
    manifest = run_export(table.request(slot="2026-11-23T10:00", attempt="run-1", engine="glue"), InProcess(4))
    (file,) = manifest.files
    data = table.aws.client("s3").get_object(Bucket=table.bucket, Key=file.key)["Body"].read()
    assert (file.rows, file.bytes, file.sha256) == (21, len(data), hashlib.sha256(data).hexdigest())
    assert file.key.startswith(f"snapshots_{table.request().name}/snapshot_timestamp={manifest.snapshot_timestamp}/")
    assert [(c.name, c.attribute, c.type, dict(c.dynamodb_types)) for c in manifest.columns] == [
        ("orderid", "OrderId", "string", {"S": 21}),
        ("line", "line", "bigint", {"N": 21}),
        ("note", "Note", "string", {"S": 1}),
        ("price", "price", "decimal(38,18)", {"N": 20, "NULL": 1}),
    ]
    assert (manifest.rows, manifest.bytes, manifest.slot, manifest.attempt) == (
        21,
        len(data),
        "2026-11-23T10:00",
        "run-1",
    )
    assert manifest.engine == "glue"
    assert manifest.read["items"] == 21
    assert manifest.read["segments"] == 1
    assert manifest.read["consistent"] is False
    assert manifest.read["read_units"] > 0
    store = ManifestStore(table.aws.client("s3"), table.request().layout)
    assert store.read(manifest.name, manifest.snapshot_timestamp) == manifest


def test_the_label_is_the_second_in_which_the_scan_began(table: Table) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    manifest = run_export(table.request(), InProcess(1))
    label = datetime.fromisoformat(manifest.snapshot_timestamp).replace(tzinfo=UTC)
    assert (
        before <= label <= datetime.fromisoformat(manifest.started_at) <= datetime.fromisoformat(manifest.finished_at)
    )
    assert manifest.started_at.endswith("Z")


def test_two_exports_at_one_instant_are_two_snapshots(table: Table) -> None:
    table.put(*orders(2))
    instants = iter([datetime(2026, 11, 23, 10, 0, 0, 990_000, tzinfo=UTC)] * 3 + [datetime.now(UTC)] * 9)
    manifests = [run_export(table.request(), InProcess(1), now=lambda: next(instants)) for _ in range(2)]
    assert len({manifest.snapshot_timestamp for manifest in manifests}) == 2
    assert [len(table.rows(manifest)) for manifest in manifests] == [2, 2]
    assert table.published() == sorted(manifest.snapshot_timestamp for manifest in manifests)


def test_an_empty_table_is_a_snapshot_of_no_rows_with_the_key_s_columns(table: Table) -> None:
    manifest = run_export(table.request(), InProcess(1))
    assert (manifest.rows, len(manifest.files), table.rows(manifest)) == (0, 1, [])
    assert [(column.name, column.type) for column in manifest.columns] == [("orderid", "string"), ("line", "bigint")]
    assert table.published() == [manifest.snapshot_timestamp]


def test_an_attribute_of_one_item_on_the_last_page_has_its_column(table: Table) -> None:
    table.put(*orders(40, pad="x" * 60_000))
    pages: list[int] = []
    observer = Observer(on_progress=lambda done, expected: pages.append(done))
    (order_of_reading,) = [
        [row["orderid"] for row in table.rows(run_export(table.request(), InProcess(1), observer=observer))]
    ]
    assert len(set(pages)) >= 3
    table.put({"OrderId": order_of_reading[-1], "line": int(order_of_reading[-1][6:]) % 3, "rare": {"a b": {1, 2}}})
    manifest = run_export(table.request(), InProcess(1))
    assert [column.type for column in manifest.columns if column.attribute == "rare"] == ["struct<a_b:array<bigint>>"]
    rare = [row["rare"] for row in table.rows(manifest) if row.get("rare") is not None]
    assert [sorted(row["a_b"]) for row in rare] == [[1, 2]]


def test_units_that_saw_narrower_types_are_rewritten_and_every_file_has_the_final_ones(table: Table) -> None:
    table.put(
        *orders(60, n=1, m={"a": 1}), {"OrderId": "late", "line": 0, "n": Decimal("1E-30"), "m": {"b": "x"}, "N": 1}
    )
    manifest = run_export(table.request(segments=6), InProcess(3))
    assert len(manifest.files) > 3
    types = {column.attribute: column.type for column in manifest.columns}
    assert (types["n"], types["m"]) == ("string", "struct<a:bigint,b:string>")
    rows = table.rows(manifest)
    assert len(rows) == manifest.rows == 61
    assert sorted(row["n"] for row in rows) == ["1"] * 60 + ["1E-30"]
    assert all(set(row["m"]) == {"a", "b"} for row in rows)
    assert set(table.keys(f"snapshots_{manifest.name}/")) == {file.key for file in manifest.files}
    for file in manifest.files:
        data = table.aws.client("s3").get_object(Bucket=table.bucket, Key=file.key)["Body"].read()
        assert (file.rows, file.sha256) == (len(pq.read_table(io.BytesIO(data))), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class Mapped(Mapper):
    """Runs units as a function says."""

    run: Callable[..., list[Any]]

    @property
    def parallelism(self) -> int:
        return 2

    def __call__(self, work: Callable[..., Any], tasks: Sequence[Any], supervisor: Supervisor) -> list[Any]:
        return self.run(work, tasks, supervisor)


def _twice(work: Callable[..., Any], tasks: Sequence[Any], supervisor: Supervisor) -> list[Any]:
    return [[work(task, supervisor) for _ in range(2)][-1] for task in tasks]


def test_a_task_that_spark_runs_twice_never_doubles_rows(table: Table) -> None:
    """Executors are lost: tasks are tried again, what the first try uploaded is there, and only one result counts."""
    table.put(*orders(30))
    manifest = run_export(table.request(segments=3), Mapped(_twice))
    assert manifest.rows == manifest.read["items"] == 30
    assert len(table.rows(manifest)) == 30
    assert set(table.keys(f"snapshots_{manifest.name}/")) == {file.key for file in manifest.files}


class BrokenError(Exception):
    pass


@pytest.mark.parametrize("failure", [BrokenError, KeyboardInterrupt, SystemExit])
def test_a_failed_export_leaves_no_manifest_and_none_of_its_files(table: Table, failure: type[BaseException]) -> None:
    table.put(*orders(30))
    earlier = run_export(table.request(), InProcess(1))
    kept = table.keys()
    seen: list[list[str]] = []

    def fails_after_half(work: Callable[..., Any], tasks: Sequence[Any], supervisor: Supervisor) -> list[Any]:
        for task in tasks[: len(tasks) // 2]:
            work(task, supervisor)
        seen.append(table.keys())
        raise failure("the cluster is gone")

    with pytest.raises(failure, match="the cluster is gone"):
        run_export(table.request(segments=4), Mapped(fails_after_half))
    assert len(seen[0]) > len(kept) + 1  # there was something to remove: data files beside the claim
    assert table.keys() == kept
    assert table.published() == [earlier.snapshot_timestamp]


def test_a_failing_unit_ends_the_others_and_its_reason_is_raised(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    table.put(*orders(30))
    monkeypatch.setattr("dynamo_assets.export.source._request_page", _refused)
    with pytest.raises(ReadError, match="no more"):
        run_export(table.request(segments=4), InProcess(2))
    assert table.keys() == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("export")]


def _refused(*_: object) -> None:
    raise ReadError("no more")


def test_an_export_is_cancelled_by_its_observer_even_while_it_waits_for_capacity(table: Table) -> None:
    table.put(*orders(100, pad="x" * 30_000))

    def cancel(done: int, expected: int) -> None:
        if done:
            raise BrokenError

    # At a tenth of a unit a second the next page would be minutes away.
    with pytest.raises(BrokenError):
        run_export(table.request(max_read_units=0.1, segments=2), InProcess(2), observer=Observer(on_progress=cancel))
    assert table.keys() == []


def test_the_plan_comes_first_and_progress_ends_at_the_number_of_items(table: Table) -> None:
    table.put(*orders(50))
    told: list[Any] = []
    run_export(
        table.request(segments=3),
        InProcess(2),
        observer=Observer(on_plan=told.append, on_progress=lambda done, expected: told.append((done, expected))),
    )
    assert isinstance(told[0], ScanPlan)
    assert [done for done, _ in told[1:]] == sorted(done for done, _ in told[1:])
    assert told[-1] == (50, 50)


def test_a_fixed_label_is_used_and_a_complete_snapshot_is_never_written_again(table: Table) -> None:
    label = "2026-11-22T10:00:00"
    table.put(*orders(3))
    manifest = run_export(table.request(snapshot_timestamp=label), InProcess(1))
    assert manifest.snapshot_timestamp == label
    kept = table.keys()
    with pytest.raises(PlanError, match="taken"):
        run_export(table.request(snapshot_timestamp=label), InProcess(1))
    assert table.keys() == kept


def test_a_snapshot_whose_manifest_was_written_is_kept_whatever_happens_then(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 repeats a request whose answer was lost, and then meets its own manifest; a Ctrl-C may come just after."""
    table.put(*orders(3))
    write = ManifestStore.write

    def answer_lost(store: ManifestStore, manifest: Manifest) -> str:
        write(store, manifest)
        return write(store, manifest)

    monkeypatch.setattr(ManifestStore, "write", answer_lost)
    first = run_export(table.request(), InProcess(1))

    def interrupted(store: ManifestStore, manifest: Manifest) -> str:
        write(store, manifest)
        raise KeyboardInterrupt

    monkeypatch.setattr(ManifestStore, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_export(table.request(), InProcess(1))
    assert len(table.published()) == 2
    assert len(table.keys(f"snapshots_{first.name}/")) == 2


def test_a_manifest_of_another_attempt_is_an_error(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    write = ManifestStore.write

    def somebody_else_first(store: ManifestStore, manifest: Manifest) -> str:
        write(store, replace(manifest, attempt="another"))
        return write(store, manifest)

    monkeypatch.setattr(ManifestStore, "write", somebody_else_first)
    with pytest.raises(ManifestError, match="already has a manifest"):
        run_export(table.request(), InProcess(1))


def test_rows_that_went_missing_between_unit_and_manifest_are_an_error(table: Table) -> None:
    table.put(*orders(30))

    def loses(work: Callable[..., Any], tasks: Sequence[Any], supervisor: Supervisor) -> list[Any]:
        results = [work(task, supervisor) for task in tasks]
        results[0].files.clear()
        return results

    with pytest.raises(ConservationError, match=r"30 items were read and \d+ rows are in the files"):
        run_export(table.request(segments=2), Mapped(loses))
    assert table.keys() == []


def test_lossy_conversions_that_were_asked_for_are_counted_in_the_manifest(table: Table) -> None:
    table.put({"OrderId": "a", "line": 1, "price": Decimal("12345678901234567890.5"), "m": {"x": 2**60 + 1}})
    manifest = run_export(table.request(numbers="double"), InProcess(1))
    assert {column.name: column.lossy for column in manifest.columns} == {"orderid": 0, "line": 0, "m": 1, "price": 1}
