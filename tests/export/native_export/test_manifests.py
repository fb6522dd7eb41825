from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from dynamo_assets.errors import IntegrityError
from dynamo_assets.export.native_export.manifests import md5_base64, read_native_export
from dynamo_assets.naming import format_snapshot
from tests.export.native_export.conftest import BEGINNING, NativeExports
from tests.sandbox.exports import HOUR


@pytest.fixture
def described(exports: NativeExports) -> dict[str, Any]:
    table = exports.table()
    exports.put(table, "a", "b", "c")
    return exports.run(table, S3Prefix="native")


def test_an_export_is_read_from_its_two_manifests(exports: NativeExports, described: dict[str, Any]) -> None:
    export = read_native_export(exports.s3, exports.bucket, described["ExportManifest"])
    assert (export.arn, export.table_arn) == (described["ExportArn"], described["TableArn"])
    assert format_snapshot(export.until) == format_snapshot(described["ExportTime"])
    assert (export.since, export.view) == (None, "")
    assert (export.items, export.billed_bytes) == (3, described["BilledSizeBytes"])
    files = exports.files(described)
    assert [(f.key, f.items, f.md5) for f in export.files] == [
        (entry["dataFileS3Key"], entry["itemCount"], entry["md5Checksum"]) for entry in files
    ]


def test_an_incremental_export_says_from_when_it_holds_changes(exports: NativeExports) -> None:
    exports.clock(BEGINNING)
    table = exports.table()
    exports.clock(BEGINNING + HOUR)
    period = {"ExportFromTime": BEGINNING, "ExportToTime": BEGINNING + HOUR, "ExportViewType": "NEW_AND_OLD_IMAGES"}
    described = exports.run(table, ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=period)
    export = read_native_export(exports.s3, exports.bucket, described["ExportManifest"])
    assert export.since is not None
    assert (export.since.timestamp(), export.until.timestamp()) == (BEGINNING, BEGINNING + HOUR)
    assert export.view == "NEW_AND_OLD_IMAGES"


def test_checksums_may_have_the_name_that_the_guide_gives_them(
    exports: NativeExports, described: dict[str, Any]
) -> None:
    for key in exports.keys("native"):
        if key.endswith(".md5"):
            exports.replace(key.removesuffix(".md5") + ".checksum", exports.get(key))
            exports.s3.delete_object(Bucket=exports.bucket, Key=key)
    assert read_native_export(exports.s3, exports.bucket, described["ExportManifest"]).items == 3


@pytest.mark.parametrize("stem", ["manifest-summary", "manifest-files"])
@pytest.mark.parametrize("suffix", [".json", ".md5"])
@pytest.mark.parametrize("change", ["removed", "changed"])
def test_a_manifest_that_is_not_whole_is_an_error_that_names_it(
    exports: NativeExports, described: dict[str, Any], stem: str, suffix: str, change: str
) -> None:
    (key,) = (key for key in exports.keys("native") if key.endswith(stem + suffix))
    if change == "removed":
        exports.s3.delete_object(Bucket=exports.bucket, Key=key)
    else:
        exports.replace(key, exports.get(key) + b" ." if suffix == ".json" else b"AAAAAAAAAAAAAAAAAAAAAA==")
    with pytest.raises(IntegrityError, match=f"{stem}.json (is missing|has no checksum|is not what its checksum says)"):
        read_native_export(exports.s3, exports.bucket, described["ExportManifest"])


def _double(entries: list[dict[str, Any]]) -> None:
    entries[0]["itemCount"] += 1


def _twice(entries: list[dict[str, Any]]) -> None:
    entries.append({**entries[0], "itemCount": 0})


@pytest.mark.parametrize(
    ("change", "message"),
    [(_double, "its files have 4 items, and .*manifest-summary.json says 3"), (_twice, "names a file twice")],
)
def test_manifests_that_do_not_agree_are_refused(
    exports: NativeExports, described: dict[str, Any], change: Callable[[list[dict[str, Any]]], None], message: str
) -> None:
    entries = exports.files(described)
    change(entries)
    key = exports.summary(described)["manifestFilesS3Key"]
    content = "".join(json.dumps(entry) + "\n" for entry in entries).encode()
    exports.replace(key, content)
    exports.replace(key.removesuffix(".json") + ".md5", md5_base64(content).encode())
    with pytest.raises(IntegrityError, match=message):
        read_native_export(exports.s3, exports.bucket, described["ExportManifest"])


def test_what_is_no_manifest_is_an_error_that_says_so(exports: NativeExports) -> None:
    exports.replace("native/x/manifest-summary.json", b"{}")
    exports.replace("native/x/manifest-summary.md5", md5_base64(b"{}").encode())
    with pytest.raises(IntegrityError, match=re.escape("manifest-summary.json is no manifest of a native export")):
        read_native_export(exports.s3, exports.bucket, "native/x/manifest-summary.json")
