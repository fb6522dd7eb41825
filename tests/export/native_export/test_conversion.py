"""Native exports converted by `run_export`, which is what every engine calls."""

from __future__ import annotations

import gzip
import io
import math
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq
import pytest

from dynamo_assets.errors import IntegrityError, PlanError
from dynamo_assets.export import InProcess, Manifest, ManifestStore, Observer, Plan, plan_export, run_export
from dynamo_assets.export.native_export.conversion_plan import ConversionPlan
from dynamo_assets.naming import format_snapshot, parse_snapshot
from tests.export.native_export.conftest import BEGINNING, NativeExports
from tests.sandbox.exports import HOUR, MINUTE


def label_at(seconds: float) -> str:
    return format_snapshot(parse_snapshot("1970-01-01T00:00:00").fromtimestamp(BEGINNING + seconds).astimezone())


def rows(exports: NativeExports, manifest: Manifest) -> dict[str, dict[str, Any]]:
    """The rows of everything in the snapshot's folder, by their key."""
    keys = exports.keys(manifest.location.removeprefix(f"s3://{exports.bucket}/"))
    tables = [pq.read_table(io.BytesIO(exports.get(key))) for key in keys]
    found = [row for table in tables for row in table.to_pylist()]
    by_key = {row["pk"]: row for row in found}
    assert len(by_key) == len(found) == manifest.rows
    return by_key


@pytest.fixture
def table(exports: NativeExports) -> str:
    """a and b at the beginning; within the first hour a gets n=2, b goes, c comes."""
    exports.clock(BEGINNING)
    name = exports.table()
    exports.put(name, "a", n={"N": "1"})
    exports.put(name, "b")
    exports.clock(BEGINNING + HOUR)
    exports.put(name, "a", n={"N": "2.5"})
    exports.put(name, "c", tags={"SS": ["x"]})
    exports.delete(name, "b")
    exports.clock(BEGINNING + 2 * HOUR)
    return name


def test_a_snapshot_is_the_table_as_of_its_label(exports: NativeExports, table: str) -> None:
    early, late = label_at(MINUTE), label_at(HOUR + MINUTE)
    manifests = [
        run_export(exports.request(table, exports.exported(table, label), label), InProcess(2))
        for label in (late, early)  # a past that is filled in later
    ]
    assert [manifest.snapshot_timestamp for manifest in manifests] == [late, early]
    after, before = (rows(exports, manifest) for manifest in manifests)
    assert {key: str(row["n"]) for key, row in after.items()} == {"a": "2.500000000000000000", "c": "None"}
    assert after["c"]["tags"] == ["x"]
    assert {key: row["n"] and float(row["n"]) for key, row in before.items()} == {"a": 1.0, "b": None}


def test_the_manifest_tells_the_export_and_that_the_table_was_not_read(exports: NativeExports, table: str) -> None:
    label = label_at(MINUTE)
    described = exports.exported(table, label)
    manifest = run_export(exports.request(table, described, label, slot="2026-11-23T10:00"), InProcess(2))
    assert manifest.engine == "point_in_time"
    assert dict(manifest.read) == {
        "items": 2,
        "read_units": 0,
        "segments": 1,
        "consistent": False,
        "export_arn": described["ExportArn"],
        "billed_bytes": described["BilledSizeBytes"],
    }
    assert len(manifest.files) == 1  # of the four files that DynamoDB writes of a small table
    assert ManifestStore(exports.s3, exports.request(table, described, label).layout).read(manifest.name, label)


def test_changes_of_columns_are_told_since_the_snapshot_before_in_time(exports: NativeExports, table: str) -> None:
    early, middle, late = label_at(MINUTE), label_at(30 * MINUTE), label_at(HOUR + MINUTE)
    for label in (early, late):
        run_export(exports.request(table, exports.exported(table, label), label), InProcess(2))
    request = exports.request(table, exports.exported(table, middle), middle)
    assert run_export(request, InProcess(2)).schema_changes.since == early


def test_an_empty_table_has_a_snapshot_of_no_rows(exports: NativeExports) -> None:
    exports.clock(BEGINNING)
    table = exports.table()
    label = label_at(MINUTE)
    exports.clock(BEGINNING + HOUR)
    manifest = run_export(exports.request(table, exports.exported(table, label), label), InProcess(2))
    assert (manifest.rows, [column.name for column in manifest.columns]) == (0, ["pk"])


def test_a_snapshot_that_is_complete_is_not_taken_again(exports: NativeExports, table: str) -> None:
    label = label_at(MINUTE)
    request = exports.request(table, exports.exported(table, label), label)
    manifest = run_export(replace(request, attempt="first"), InProcess(2))
    before = exports.keys("snapshots_")
    assert run_export(replace(request, attempt="second"), InProcess(2)) == manifest
    assert exports.keys("snapshots_") == before


@pytest.mark.parametrize("format", ["orc", "avro", "json", "csv"])
def test_other_formats_are_made_of_it_too(exports: NativeExports, table: str, format: str) -> None:
    label = label_at(MINUTE)
    manifest = run_export(exports.request(table, exports.exported(table, label), label, format=format), InProcess(2))
    assert (manifest.rows, manifest.format) == (2, format)
    assert exports.keys("_units") == set()


def test_a_label_that_is_not_the_exports_instant_is_refused(exports: NativeExports, table: str) -> None:
    described = exports.exported(table, label_at(MINUTE))
    with pytest.raises(PlanError, match=rf"is of {label_at(MINUTE)}, and the snapshot is to be of {label_at(HOUR)}"):
        run_export(exports.request(table, described, label_at(HOUR)), InProcess(2))
    assert exports.keys("_claims") == exports.keys("snapshots_") == set()


def test_changes_alone_are_no_snapshot(exports: NativeExports, table: str) -> None:
    period = {"ExportFromTime": BEGINNING, "ExportToTime": BEGINNING + HOUR}
    described = exports.run(table, ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=period)
    with pytest.raises(PlanError, match="holds changes only"):
        run_export(exports.request(table, described, label_at(HOUR)), InProcess(2))


def _truncated(content: bytes) -> bytes:
    return content[:-4]


def _another_item(content: bytes) -> bytes:
    return gzip.compress(gzip.decompress(content).replace(b'"S":"', b'"S":"x'))


def _nothing(_: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [_truncated, _another_item, _nothing])
def test_a_data_file_that_was_changed_is_named_and_nothing_is_left(
    exports: NativeExports, table: str, damage: Any
) -> None:
    label = label_at(MINUTE)
    described = exports.exported(table, label)
    key = next(entry["dataFileS3Key"] for entry in exports.files(described) if entry["itemCount"])
    exports.replace(key, damage(exports.get(key)))
    with pytest.raises(IntegrityError, match=rf"s3://{exports.bucket}/{key} could not be fetched .* its MD5 is"):
        run_export(exports.request(table, described, label), InProcess(2))
    assert exports.keys("snapshots_") == exports.keys("_manifests") == exports.keys("_claims") == set()


def test_a_data_file_that_is_missing_is_named(exports: NativeExports, table: str) -> None:
    label = label_at(MINUTE)
    described = exports.exported(table, label)
    key = next(entry["dataFileS3Key"] for entry in exports.files(described) if entry["itemCount"])
    exports.s3.delete_object(Bucket=exports.bucket, Key=key)
    with pytest.raises(IntegrityError, match=rf"{key} is missing"):
        run_export(exports.request(table, described, label), InProcess(2))


def test_the_plan_tells_what_will_be_converted(exports: NativeExports, table: str) -> None:
    label = label_at(MINUTE)
    request = exports.request(table, exports.exported(table, label), label)
    told: list[Plan] = []
    progress: list[tuple[int, int]] = []
    observer = Observer(on_plan=told.append, on_progress=lambda done, expected: progress.append((done, expected)))
    run_export(request, InProcess(2), observer=observer)
    (plan,) = told
    assert isinstance(plan, ConversionPlan)
    assert plan.describe().startswith(f"2 items as of {label}, 0.0 MB in 4 file(s) of DynamoDB's export, no read units")
    assert (plan.read_units_per_second, plan.expected_items) == (math.inf, 2)
    assert progress[-1] == (2, 2)
    assert plan_export(request, 2) == plan
