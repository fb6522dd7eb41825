"""Generated native exports are what DynamoDB would have written of the table."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import boto3

from benchmarks.native_exports import NativeExport, generate_export
from benchmarks.replay.server import Replay
from benchmarks.tables import TABLES
from dynamo_assets.export.native_export.manifests import read_native_export
from dynamo_assets.naming import format_snapshot
from tests.benchmarks.small_tables import ITEMS

EXPORT = NativeExport("2026-11-23T10:00:00")
TABLE = f"friendly-{ITEMS['friendly']}"


def test_its_files_hold_every_item_once_and_its_manifests_say_so(replay: Replay, cache: Path) -> None:
    s3 = boto3.client("s3")
    objects = dict(EXPORT.objects(cache / "friendly", TABLE, "native"))
    for key, content in objects.items():
        s3.put_object(Bucket="native", Key=key, Body=content)
    export = read_native_export(s3, "native", EXPORT.summary_key)
    assert (export.items, format_snapshot(export.until), export.since) == (4000, EXPORT.label, None)
    lines = [gzip.decompress(objects[file.key]).splitlines() for file in export.files]
    assert [len(share) for share in lines] == [file.items for file in export.files]
    assert len({file.items for file in export.files}) > 1
    expected = list(replace(TABLES["friendly"], items=ITEMS["friendly"]).generate())
    actual = [json.loads(line)["Item"] for share in lines for line in share]
    assert sorted(actual, key=lambda item: item["order"]["S"]) == expected


def test_exports_of_two_instants_share_no_object(cache: Path) -> None:
    other = NativeExport("2026-11-24T10:00:00")
    one, two = (dict(export.objects(cache / "friendly", TABLE, "native")) for export in (EXPORT, other))
    assert len(one) == len(two) == 8
    assert not one.keys() & two.keys()


def test_it_is_generated_once_and_again_where_the_table_is_another(tmp_path: Path) -> None:
    def written(items: int) -> int:
        folder = generate_export("big", tmp_path, replace(TABLES["big"], items=items))
        return (folder / "native" / "index.json").stat().st_mtime_ns

    first = written(2)
    assert written(2) == first
    assert written(3) != first
