"""Changes merged with the snapshot before them by `run_export`, which is what every engine calls."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from dynamo_assets.errors import IntegrityError, MergeError, PlanError
from dynamo_assets.export import ExportRequest, InProcess, Manifest, ManifestStore, Observer, Plan, run_export
from dynamo_assets.export.native_export import base_files, changed_keys, item_keys
from dynamo_assets.naming import Layout
from tests.export.native_export.conftest import BEGINNING, Merges, label_at
from tests.export.native_export.test_merge_histories import counts, rows_of
from tests.sandbox.exports import HOUR

FIRST, SECOND, THIRD = (label_at(hours * HOUR + 60) for hours in range(3))


@pytest.fixture
def table(merges: Merges) -> str:
    """a, b and c at first; then a becomes 2.5, b goes, d comes; then a and d go, b is back."""
    merges.clock(BEGINNING)
    name = merges.table()
    merges.put(name, "a", "b", n={"N": "1"})
    merges.put(name, "c", tags={"SS": ["x"]})
    merges.clock(BEGINNING + HOUR)
    merges.put(name, "a", n={"N": "2.5"})
    merges.delete(name, "b")
    merges.put(name, "d", new={"BOOL": True})
    merges.clock(BEGINNING + 2 * HOUR)
    merges.delete(name, "a")
    merges.delete(name, "d")
    merges.put(name, "b", n={"S": "two"})
    merges.clock(BEGINNING + 3 * HOUR)
    return name


def held(merges: Merges, manifest: Manifest) -> dict[str, Any]:
    """The rows, by their key; what is null is left out."""
    found = rows_of(merges, manifest).to_pylist()
    rows = {row.pop("pk"): {name: value for name, value in row.items() if value is not None} for row in found}
    assert len(rows) == len(found) == manifest.rows
    return rows


def as_text(rows: dict[str, Any]) -> dict[str, str]:
    return {key: str(row.get("n")) for key, row in rows.items()}


def test_puts_replace_deletes_remove_and_the_rest_is_copied(merges: Merges, table: str) -> None:
    merges.full(table, FIRST)
    merged = merges.merged(table, FIRST, SECOND)
    rows = held(merges, merged)
    assert as_text(rows) == {"a": "2.500000000000000000", "c": "None", "d": "None"}
    assert (rows["c"], rows["d"]) == ({"tags": ["x"]}, {"new": True})
    assert counts(merged) == {"pk": {"S": 3}, "n": {"N": 1}, "tags": {"SS": 1}, "new": {"BOOL": 1}}


def test_of_several_exports_the_last_word_about_an_item_counts(merges: Merges, table: str) -> None:
    merges.full(table, FIRST)
    merged = merges.merged(table, FIRST, SECOND, THIRD)
    assert as_text(held(merges, merged)) == {"b": "two", "c": "None"}
    assert counts(merged) == {"pk": {"S": 2}, "n": {"S": 1}, "tags": {"SS": 1}}


def test_a_chain_gives_what_one_merge_gives_and_types_only_widen(merges: Merges, table: str) -> None:
    merges.full(table, FIRST)
    types = [
        {c.name: c.type for c in merges.merged(table, a, b).columns} for a, b in [(FIRST, SECOND), (SECOND, THIRD)]
    ]
    assert [(kinds["n"], kinds["new"]) for kinds in types] == [("decimal(38,18)", "boolean"), ("string", "boolean")]
    merged = ManifestStore(merges.s3, Layout(merges.bucket)).read(table, THIRD)
    assert as_text(held(merges, merged)) == {"b": "two", "c": "None"}
    assert counts(merged) == {"pk": {"S": 2}, "n": {"S": 1}, "tags": {"SS": 1}}


def test_the_manifest_tells_what_was_merged(merges: Merges, table: str) -> None:
    merges.full(table, FIRST)
    merges.merged(table, FIRST, SECOND)
    merged = merges.merged(table, SECOND, THIRD, slot="2026-11-23T10:00")
    assert {name: value for name, value in merged.read.items() if name != "export_arns"} == {
        "items": 2,
        "read_units": 0,
        "segments": 2,
        "consistent": False,
        "base": SECOND,
        "full": FIRST,
        "changed_items": 3,
        "billed_bytes": 10 * 1024 * 1024,
    }
    assert len(merged.read["export_arns"]) == 1
    assert (merged.keys, merged.shape["mixed_types"]) == ({"pk": "S"}, "text")


def test_the_plan_tells_what_will_be_merged(merges: Merges, table: str) -> None:
    merges.full(table, FIRST)
    told: list[Plan] = []
    run_export(merges.merge_request(table, FIRST, SECOND), InProcess(2), observer=Observer(on_plan=told.append))
    assert (
        told[0]
        .describe()
        .startswith(
            f"3 items of snapshot {FIRST} and 3 changes until {SECOND} in 1 incremental export(s), 10.5 MB, no read "
        )
    )


def test_nothing_changed_is_the_same_snapshot(merges: Merges, table: str) -> None:
    base = merges.full(table, FIRST)
    merged = merges.merged(table, FIRST, label_at(30 * 60))
    assert held(merges, merged) == held(merges, base)
    assert merged.columns == base.columns


def test_everything_went_is_a_snapshot_of_no_rows(merges: Merges) -> None:
    merges.clock(BEGINNING)
    table = merges.table()
    merges.put(table, "a", n={"N": "1"})
    merges.clock(BEGINNING + HOUR)
    merges.delete(table, "a")
    merges.clock(BEGINNING + 2 * HOUR)
    merges.full(table, FIRST)
    merged = merges.merged(table, FIRST, SECOND)
    assert (merged.rows, counts(merged)) == (0, {})
    assert [column.name for column in merged.columns] == ["pk", "n"]


def test_values_that_become_dynamodb_json_keep_their_types(merges: Merges, table: str) -> None:
    merges.full(table, FIRST, mixed_types="dynamodb_json")
    merges.clock(BEGINNING + 3 * HOUR)
    merges.put(table, "e", n={"N": "5"})
    merges.clock(BEGINNING + 4 * HOUR)
    merges.merged(table, FIRST, SECOND, THIRD, mixed_types="dynamodb_json")
    merged = merges.merged(table, THIRD, label_at(3 * HOUR + 60), mixed_types="dynamodb_json")
    rows = {key: json.loads(row["n"]) for key, row in held(merges, merged).items() if "n" in row}
    assert rows == {"b": {"S": "two"}, "e": {"N": "5"}}


def test_a_file_that_no_change_touches_and_that_is_large_enough_is_taken_as_it_is(
    merges: Merges, table: str, monkeypatch: Any
) -> None:
    base = merges.full(table, FIRST)
    monkeypatch.setattr(base_files, "LARGE_SHARE", 0.0)
    merged = merges.merged(table, FIRST, label_at(30 * 60))
    assert [(file.sha256, file.rows) for file in merged.files] == [(file.sha256, file.rows) for file in base.files]
    assert merged.files[0].key != base.files[0].key


def test_many_changed_keys_are_looked_up_block_by_block(merges: Merges, table: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(item_keys, "BLOCK_BYTES", 1)
    merges.full(table, FIRST)
    assert as_text(held(merges, merges.merged(table, FIRST, SECOND, THIRD))) == {"b": "two", "c": "None"}


def fails(merges: Merges, request: ExportRequest, message: str, kind: type[Exception] = MergeError) -> None:
    with pytest.raises(kind, match=message):
        run_export(request, InProcess(2))
    assert merges.keys(f"snapshots_{request.name}/snapshot_timestamp={request.snapshot_timestamp}") == set()
    assert merges.keys(f"_claims/snapshots_{request.name}/{request.snapshot_timestamp}") == set()


def test_a_base_that_is_gone_is_named(merges: Merges, table: str) -> None:
    base = merges.full(table, FIRST)
    request = merges.merge_request(table, FIRST, SECOND)
    merges.s3.delete_object(Bucket=merges.bucket, Key=base.files[0].key)
    fails(merges, request, f"{base.files[0].key}, a file of the base snapshot, is gone")
    merges.s3.delete_object(Bucket=merges.bucket, Key=f"_manifests/snapshots_{table}/{FIRST}.json")
    fails(merges, request, f"the base snapshot is gone: {table}: there is no complete snapshot {FIRST}")


def test_a_base_that_was_changed_is_named(merges: Merges, table: str) -> None:
    base = merges.full(table, FIRST)
    merges.replace(base.files[0].key, b"PAR1")
    fails(merges, merges.merge_request(table, FIRST, SECOND), "is not what its manifest says")


def test_a_base_that_does_not_hold_what_changed_is_found_out(merges: Merges, table: str) -> None:
    """The base says of itself that it is of another instant than it is."""
    late = merges.full(table, SECOND, name=f"{table}_late")
    lie = replace(late, name=table, snapshot_timestamp=FIRST)
    ManifestStore(merges.s3, Layout(merges.bucket)).write(lie)
    message = f"snapshot {FIRST} has the item b'd', and by the changes since it was not there"
    fails(merges, merges.merge_request(table, FIRST, SECOND), message)


def test_a_base_that_lacks_what_changed_is_found_out(merges: Merges, table: str) -> None:
    late = merges.full(table, THIRD, name=f"{table}_late")
    ManifestStore(merges.s3, Layout(merges.bucket)).write(replace(late, name=table, snapshot_timestamp=FIRST))
    message = f"2 items of snapshot {FIRST} changed or went, and 2 items are .* 1 of its rows have their keys, and 2"
    fails(merges, merges.merge_request(table, FIRST, SECOND), message)


def test_a_base_of_other_keys_or_options_is_refused(merges: Merges, table: str) -> None:
    base = merges.full(table, FIRST)
    request = merges.merge_request(table, FIRST, SECOND)
    fails(merges, replace(request, nested="json"), f"is no base: nested had another value at {FIRST}")
    store = ManifestStore(merges.s3, Layout(merges.bucket))
    store.write(replace(base, name="other", keys={"id": "N"}))
    fails(merges, replace(request, name="other"), r"the table's keys were id \(N\) at .* and are pk \(S\) now")


def test_doubles_that_would_become_text_are_not_made_of_what_is_left_of_them(merges: Merges, table: str) -> None:
    """At last n is a text: of a full export with all its digits, which the base has not."""
    merges.full(table, FIRST, numbers="double")
    merged = merges.merged(table, FIRST, SECOND, numbers="double")
    assert as_text(held(merges, merged)) == {"a": "2.5", "c": "None", "d": "None"}
    fails(merges, merges.merge_request(table, SECOND, THIRD, numbers="double"), "'n' becomes string, and snapshot")


@pytest.mark.parametrize(
    ("narrow", "wide", "missing"),
    [
        (pa.float64(), pa.float64(), False),
        (pa.float64(), pa.string(), True),
        (pa.int64(), pa.string(), False),
        (pa.struct({"a": pa.float64()}), pa.struct({"a": pa.float64(), "b": pa.string()}), False),
        (pa.struct({"a": pa.float64()}), pa.string(), True),
        (pa.struct({"a": pa.list_(pa.float64())}), pa.struct({"a": pa.string()}), True),
        (pa.list_(pa.float64()), pa.list_(pa.float64()), False),
        (pa.list_(pa.string()), pa.string(), False),
    ],
)
def test_digits_are_missing_where_a_double_is_to_become_anything_else(
    narrow: pa.DataType, wide: pa.DataType, missing: bool
) -> None:
    assert base_files.are_digits_missing(narrow, wide) == missing


def test_exports_with_a_gap_between_them_are_refused(merges: Merges, table: str) -> None:
    merges.full(table, FIRST)
    request = merges.merge_request(table, FIRST, SECOND, THIRD)
    first, last = request.incremental_exports
    fails(merges, replace(request, incremental_exports=(last,)), f"since {FIRST} are needed", PlanError)
    fails(merges, replace(request, incremental_exports=(first,)), f"there are changes until {SECOND}, and", PlanError)
    full = merges.exported(table, FIRST)["ExportManifest"]
    fails(merges, replace(request, incremental_exports=(full,)), "is of items since None", PlanError)


def test_more_changed_keys_than_memory_should_hold_are_refused(merges: Merges, table: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(changed_keys, "MAX_CHANGED_BYTES", 300)
    merges.full(table, FIRST)
    fails(merges, merges.merge_request(table, FIRST, SECOND), "full export is the better way")


def test_a_data_file_of_changes_that_was_damaged_is_named(merges: Merges, table: str) -> None:
    merges.full(table, FIRST)
    described = merges.changed(table, FIRST, SECOND)
    key = next(entry["dataFileS3Key"] for entry in merges.files(described) if entry["itemCount"])
    request = merges.merge_request(table, FIRST, SECOND)
    damaged = replace(request, incremental_exports=(described["ExportManifest"],))
    content = merges.get(key)
    merges.replace(key, gzip.compress(gzip.decompress(content).replace(b'"S":"', b'"S":"x')))
    fails(merges, damaged, rf"{key} could not be fetched", IntegrityError)
