from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.sandbox.exports import DAY, HOUR, MINUTE, Exports, item


@pytest.fixture
def exports(aws: Endpoint, bucket: str, unique: Any, dynamodb_clock: Any) -> Exports:
    return Exports(aws, bucket, unique, dynamodb_clock)


@pytest.mark.parametrize("prefix", [None, "some/prefix"])
def test_a_full_export_is_laid_out_as_aws_lays_it(exports: Exports, prefix: str | None) -> None:
    table = exports.table()
    exports.put(table, *(str(n) for n in range(50)))
    described = exports.run(table, **({"S3Prefix": prefix} if prefix else {}))
    root = f"{prefix}/AWSDynamoDB" if prefix else "AWSDynamoDB"
    folder = f"{root}/{described['ExportArn'].rpartition('/')[2]}"
    data = {file["dataFileS3Key"] for file in exports.files(described)}
    manifests = {f"{folder}/manifest-{which}.{kind}" for which in ("summary", "files") for kind in ("json", "md5")}
    assert exports.keys() == data | manifests | {f"{folder}/_started"}
    assert exports.get(f"{folder}/_started") == b""
    assert described["ExportManifest"] == f"{folder}/manifest-summary.json"
    assert all(re.fullmatch(rf"{folder}/data/[a-z2-7]{{26}}\.json\.gz", key) for key in data)
    assert len(exports.lines(described)) == 50


def test_the_summary_says_what_the_export_was(exports: Exports) -> None:
    table = exports.table()
    exports.put(table, "a", n={"N": "1"})
    described = exports.run(table, S3Prefix="p")
    summary = exports.summary(described)
    times = {name: summary.pop(name) for name in ("startTime", "endTime", "exportTime")}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment) for moment in times.values())
    assert summary == {
        "version": "2020-06-30",
        "exportArn": described["ExportArn"],
        "tableArn": exports.arn(table),
        "tableId": described["TableId"],
        "s3Bucket": exports.bucket,
        "s3Prefix": "p",
        "s3SseAlgorithm": "AES256",
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": described["ExportManifest"].replace("summary", "files"),
        "billedSizeBytes": 3 + 3,
        "itemCount": 1,
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }


def test_every_partition_has_a_file_and_an_item_is_in_one(exports: Exports) -> None:
    on_demand = exports.table()
    exports.put(on_demand, "a")
    described = exports.run(on_demand)
    assert sorted(file["itemCount"] for file in exports.files(described)) == [0, 0, 0, 1]
    assert exports.state(on_demand) == {"a": {"pk": {"S": "a"}}}
    units = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    provisioned = exports.table(BillingMode="PROVISIONED", ProvisionedThroughput=units)
    assert [file["itemCount"] for file in exports.files(exports.run(provisioned))] == [0]


def test_a_table_of_many_megabytes_has_more_files(exports: Exports) -> None:
    table = exports.table()
    large = {"S": "x" * 390_000}
    exports.put(table, *(f"{n}" for n in range(110)), data=large)
    described = exports.run(table)
    counts = [file["itemCount"] for file in exports.files(described)]
    assert len(counts) == 6, "43 MB in partitions of 8"
    assert min(counts) > 0
    assert len(exports.lines(described)) == 110
    assert described["BilledSizeBytes"] == exports.dynamodb.describe_table(TableName=table)["Table"]["TableSizeBytes"]


def test_every_type_is_exported_as_dynamodb_json(exports: Exports) -> None:
    table = exports.table()
    exports.put(
        table,
        "a",
        B={"B": b"\x00\xff"},
        BS={"BS": [b"\x01"]},
        N={"N": "1.50"},
        M={"M": {"L": {"L": [{"NULL": True}, {"BOOL": False}, {"NS": ["1"]}, {"SS": ["ü\n"]}]}}},
    )
    assert exports.state(table)["a"] == {
        "pk": {"S": "a"},
        "B": {"B": "AP8="},
        "BS": {"BS": ["AQ=="]},
        "N": {"N": "1.50"},
        "M": {"M": {"L": {"L": [{"NULL": True}, {"BOOL": False}, {"NS": ["1"]}, {"SS": ["ü\n"]}]}}},
    }


def test_objects_are_encrypted_as_asked(exports: Exports) -> None:
    table = exports.table()
    described = exports.run(table, S3SseAlgorithm="KMS", S3SseKmsKeyId="alias/mine")
    stored = exports.s3.head_object(Bucket=exports.bucket, Key=described["ExportManifest"])
    assert (stored["ServerSideEncryption"], stored["SSEKMSKeyId"]) == ("aws:kms", "alias/mine")
    assert (described["S3SseAlgorithm"], described["S3SseKmsKeyId"]) == ("KMS", "alias/mine")


def changed_table(exports: Exports) -> tuple[str, int]:
    start = int(time.time()) - DAY
    exports.clock(start)
    table = exports.table()
    exports.put(table, "updated", "deleted", "untouched", "replaced")
    exports.clock(start + HOUR)
    exports.put(table, "inserted", "came and went")
    exports.put(table, "updated", n={"N": "1"})
    exports.put(table, "updated", n={"N": "2"})
    exports.delete(table, "deleted")
    exports.delete(table, "came and went")
    exports.delete(table, "replaced")
    exports.put(table, "replaced", n={"N": "3"})
    exports.clock(start + 2 * HOUR)
    return table, start


def test_changes_have_the_images_before_and_after(exports: Exports) -> None:
    table, start = changed_table(exports)
    lines = exports.changes(table, start + MINUTE, start + 2 * HOUR)
    found = {line["Keys"]["pk"]["S"]: (line.get("OldImage"), line.get("NewImage")) for line in lines}
    assert found == {
        "inserted": (None, item("inserted")),
        "updated": (item("updated"), item("updated", "2")),
        "deleted": (item("deleted"), None),
        "replaced": (item("replaced"), item("replaced", "3")),
    }, "what came and went leaves no line"
    assert {tuple(line) for line in lines} <= {
        ("Metadata", "Keys", "NewImage"),
        ("Metadata", "Keys", "OldImage"),
        ("Metadata", "Keys", "OldImage", "NewImage"),
    }


def test_new_images_alone_make_a_deletion_its_keys(exports: Exports) -> None:
    table, start = changed_table(exports)
    lines = exports.changes(table, start + MINUTE, start + 2 * HOUR, view="NEW_IMAGE")
    assert {line["Keys"]["pk"]["S"]: line.get("NewImage") for line in lines} == {
        "inserted": item("inserted"),
        "updated": item("updated", "2"),
        "deleted": None,
        "replaced": item("replaced", "3"),
    }
    assert not [line for line in lines if "OldImage" in line]


def test_changes_name_the_whole_key(exports: Exports) -> None:
    start = int(time.time()) - DAY
    exports.clock(start)
    table = exports.table(sort=True)
    exports.clock(start + HOUR)
    key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    exports.dynamodb.put_item(TableName=table, Item={**key, "n": {"N": "1"}})
    exports.clock(start + 2 * HOUR)
    (line,) = exports.changes(table, start, start + 2 * HOUR)
    assert line["Keys"] == key


def test_changes_lie_in_the_folder_that_all_exports_share(exports: Exports) -> None:
    table, start = changed_table(exports)
    period = {"ExportFromTime": start, "ExportToTime": start + 2 * HOUR}
    described = exports.run(table, S3Prefix="p", ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=period)
    files = exports.files(described)
    assert files
    assert all(re.fullmatch(r"p/AWSDynamoDB/data/[a-z2-7]{26}\.json\.gz", file["dataFileS3Key"]) for file in files)
    summary = exports.summary(described)
    assert summary["version"] == "2023-08-01"
    assert summary["exportType"] == "INCREMENTAL_EXPORT"
    assert summary["outputView"] == "NEW_AND_OLD_IMAGES"
    assert summary["exportFromTime"] == datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert "exportTime" not in summary
    assert described["IncrementalExportSpecification"]["ExportViewType"] == "NEW_AND_OLD_IMAGES"
    assert described["IncrementalExportSpecification"]["ExportToTime"].timestamp() == start + 2 * HOUR
    assert "ExportTime" not in described
