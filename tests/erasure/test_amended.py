"""What the manifest says after an erasure: exactly, or that it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from dynamo_assets.erasure.amended import amended, document_of
from dynamo_assets.export.manifest import Erased, Manifest, ManifestColumn, ManifestFile
from dynamo_assets.naming import Layout
from tests.export.manifests import snapshot_of

A, B = ManifestFile("a", 6, 60, "aa"), ManifestFile("b", 4, 40, "bb")
AT = "2026-11-26T10:00:00.000Z"


def before(types: dict[str, int], **column: Any) -> Manifest:
    columns = (ManifestColumn("x", "X", "string", types, observed={"types": types, "fields": {"f": {}}}, **column),)
    return snapshot_of(Layout("exports"), "2026-11-23T10:00:00", rows=10, bytes=100, files=(A, B), columns=columns)


def after(manifest: Manifest, files: dict[str, ManifestFile | None], present: int) -> Manifest:
    return Manifest.from_json(document_of(amended(manifest.to_json(), files, {"x": present}, AT)))


def test_rows_bytes_and_files_are_those_that_are_left() -> None:
    manifest = after(before({"S": 10}), {"a": ManifestFile("a", 4, 41, "cc")}, 2)
    assert (manifest.rows, manifest.bytes) == (8, 81)
    assert manifest.files == (ManifestFile("a", 4, 41, "cc"), B)
    assert manifest.erased == Erased(2, AT)
    again = after(manifest, {"b": None}, 4)
    assert (again.rows, again.files, again.erased) == (4, (manifest.files[0],), Erased(6, AT))


@pytest.mark.parametrize(
    ("types", "present", "expected"),
    [
        ({"S": 10}, 2, {"S": 8}),
        ({"S": 5}, 1, {"S": 4}),
        ({"S": 5}, 0, {"S": 5}),
        ({"S": 1}, 1, {"S": 0}),
        ({}, 0, {}),
        ({"NULL": 3, "S": 5}, 2, {"NULL": 3, "S": 3}),
        ({"NULL": 5, "S": 5}, 1, {"NULL": 4, "S": 4}),
        ({"NULL": 3, "S": 5}, 1, None),
        ({"N": 3, "S": 5}, 1, None),
        ({"N": 3, "S": 5}, 0, {"N": 3, "S": 5}),
        ({"S": 1}, 2, None),
    ],
)
def test_counts_by_type_are_exact_or_said_not_to_be(types: Any, present: int, expected: Any) -> None:
    manifest = after(before(types), {"a": replace(A, rows=4)}, present)
    [column], erased = manifest.columns, manifest.erased
    assert erased
    assert column.dynamodb_types == (types if expected is None else expected)
    assert column.observed == {"types": column.dynamodb_types, "fields": {"f": {}}}
    assert erased.still_counted == (("x",) if expected is None else ())


def test_counts_that_were_not_exact_stay_so_and_conversions_are_not_known() -> None:
    manifest = replace(before({"S": 5}), erased=Erased(1, "", ("x",)))
    [column], erased = (changed := after(manifest, {"a": replace(A, rows=5)}, 1)).columns, changed.erased
    assert (column.dynamodb_types, erased) == ({"S": 5}, Erased(2, AT, ("x",)))
    assert after(before({"N": 5}, lossy=2), {"a": replace(A, rows=5)}, 1).erased == Erased(1, AT, ("x",))


def test_keys_that_this_version_does_not_know_stay() -> None:
    document = msgspec.json.decode(before({"S": 10}).to_json())
    document["of_tomorrow"] = {"a": [1]}
    document["columns"][0]["too"] = 1
    changed = amended(msgspec.json.encode(document), {"a": None}, {"x": 6}, AT)
    assert changed["of_tomorrow"] == {"a": [1]}
    assert changed["columns"][0]["too"] == 1
    assert list(changed) == [*document]
