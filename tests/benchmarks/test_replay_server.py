"""The replay server gives every item once and keeps objects as they are; every table can be exported from it."""

from __future__ import annotations

import os
from base64 import b64decode
from dataclasses import replace
from email.utils import parsedate_to_datetime
from itertools import islice
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from benchmarks.pages import Pages
from benchmarks.replay.server import Replay
from benchmarks.tables import TABLES
from dynamo_assets.export import ExportRequest, InProcess, run_export
from tests.benchmarks.small_tables import ITEMS


def _scan(table: str, **parameters: Any) -> list[dict[str, Any]]:
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table, **parameters)
    return [item for page in pages for item in page["Items"]]


def test_a_scan_gives_every_item_as_it_was_generated(replay: Replay) -> None:
    expected = list(replace(TABLES["friendly"], items=ITEMS["friendly"]).generate())
    actual = _scan("friendly-4000")
    for item in expected:
        if "thumbnail" in item:
            item["thumbnail"]["B"] = b64decode(item["thumbnail"]["B"])  # as boto3 has done
    assert actual == expected


def test_segments_share_a_repeated_table_out(replay: Replay, cache: Path) -> None:
    once = sorted(item["pk"]["S"] for item in _scan("drip-12000"))
    segments = [_scan("drip-24000", Segment=number, TotalSegments=4) for number in range(4)]
    assert all(segments)
    assert sorted(item["pk"]["S"] for segment in segments for item in segment) == sorted(once * 2)
    assert not _scan("big-1", Segment=0, TotalSegments=4)


def test_a_table_of_some_items_ends_with_its_last_page(replay: Replay, cache: Path) -> None:
    pages = Pages(cache / "friendly")
    first_page = pages.items(1)
    assert 1000 < first_page < 4000
    assert len(_scan("friendly-1")) == first_page
    assert pages.items(4000 + first_page) == 4000 + first_page
    described = boto3.client("dynamodb").describe_table(TableName="friendly-1")["Table"]
    assert described["ItemCount"] == first_page
    assert 1024 * 1024 - 2000 < described["TableSizeBytes"] <= 1024 * 1024


def test_what_it_does_not_do_it_refuses(replay: Replay) -> None:
    client = boto3.client("dynamodb")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.scan(TableName="nothing-10")
    with pytest.raises(ClientError, match="does not do Limit"):
        client.scan(TableName="big-7", Limit=1)
    with pytest.raises(ClientError, match="NotImplemented"):
        boto3.client("s3").list_objects_v2(Bucket="b", Delimiter="/")


@pytest.mark.parametrize("megabytes", [0, 1, 20])
def test_an_object_comes_back_as_it_went(replay: Replay, tmp_path: Path, megabytes: int) -> None:
    s3, body = boto3.client("s3"), os.urandom(megabytes * 1_000_003)
    path = tmp_path / "body"
    path.write_bytes(body)
    s3.upload_file(str(path), "objects", "a folder/body & more")
    assert s3.head_object(Bucket="objects", Key="a folder/body & more")["ContentLength"] == len(body)
    s3.download_file("objects", "a folder/body & more", str(path))
    assert path.read_bytes() == body
    if body:
        tail = s3.get_object(Bucket="objects", Key="a folder/body & more", Range="bytes=-5")
        assert tail["Body"].read() == body[-5:]
        middle = s3.get_object(Bucket="objects", Key="a folder/body & more", Range="bytes=10-19")
        assert middle["Body"].read() == body[10:20]


def test_objects_are_listed_in_order_claimed_once_and_deleted(replay: Replay) -> None:
    s3 = boto3.client("s3")
    keys = [f"keys/{number:04}" for number in range(1203)]
    for key in reversed(keys):
        s3.put_object(Bucket="listed", Key=key, Body=b"x", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="listed", Key=keys[0], Body=b"y", IfNoneMatch="*")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="listed", Prefix="keys/", StartAfter=keys[1])
    assert [entry.get("Key") for page in pages for entry in page.get("Contents", [])] == keys[2:]
    s3.delete_objects(Bucket="listed", Delete={"Objects": [{"Key": key} for key in keys[1:]]})
    s3.delete_object(Bucket="listed", Key=keys[0])
    assert s3.list_objects_v2(Bucket="listed")["KeyCount"] == 0
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="listed", Key=keys[0])


def test_an_object_is_replaced_only_where_it_is_the_expected_one(replay: Replay) -> None:
    s3 = boto3.client("s3")
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.put_object(Bucket="leased", Key="claim", Body=b"1", IfMatch='"none"')
    first = s3.put_object(Bucket="leased", Key="claim", Body=b"1")["ETag"]
    second = s3.put_object(Bucket="leased", Key="claim", Body=b"2", IfMatch=first)["ETag"]
    for refused in (
        lambda: s3.put_object(Bucket="leased", Key="claim", Body=b"3", IfMatch=first),
        lambda: s3.get_object(Bucket="leased", Key="claim", IfMatch=first),
    ):
        with pytest.raises(ClientError, match="PreconditionFailed"):
            refused()
    assert s3.get_object(Bucket="leased", Key="claim", IfMatch=second)["Body"].read() == b"2"


def test_the_age_of_an_object_can_be_told_by_the_server_alone(replay: Replay) -> None:
    s3 = boto3.client("s3")
    s3.put_object(Bucket="leased", Key="age", Body=b"1")
    head = s3.head_object(Bucket="leased", Key="age")
    now = parsedate_to_datetime(head["ResponseMetadata"]["HTTPHeaders"]["date"])
    assert 0 <= (now - head["LastModified"]).total_seconds() <= 60
    assert s3.list_objects_v2(Bucket="leased", Prefix="age")["Contents"][0]["LastModified"] == head["LastModified"]


@pytest.mark.parametrize("name", ITEMS)
def test_every_table_can_be_exported(replay: Replay, name: str) -> None:
    request = ExportRequest(table=f"{name}-{ITEMS[name]}", bucket="exports", read_percentage=1.0)
    manifest = run_export(request, InProcess(2))
    s3 = boto3.client("s3")
    assert manifest.rows == ITEMS[name]
    files = [s3.get_object(Bucket="exports", Key=file.key)["Body"].read() for file in manifest.files]
    assert sum(pq.read_table(pa.BufferReader(file)).num_rows for file in files) == ITEMS[name]
    generated = islice(TABLES[name].generate(), ITEMS[name])
    attributes = {attribute for item in generated for attribute in item}
    assert {column.attribute for column in manifest.columns} == attributes


@pytest.mark.parametrize("name", ITEMS)
def test_columns_name_every_attribute(name: str) -> None:
    generated = islice(TABLES[name].generate(), ITEMS[name])
    assert {attribute for item in generated for attribute in item} <= set(TABLES[name].columns)
