"""Exports for the sandbox's tests: asked for, waited for, and read back with all that their manifests say checked."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamo_assets.sandbox.endpoint import Endpoint

Item = dict[str, Any]
MINUTE, HOUR, DAY = 60, 3600, 86_400


class Exports:
    """Tables with point-in-time recovery, exports of them, and DynamoDB's clock."""

    def __init__(self, aws: Endpoint, bucket: str, unique: Callable[[str], str], move: Callable[[float], datetime]):
        self.dynamodb: Any = aws.client("dynamodb")
        self.s3: Any = aws.client("s3")
        self.bucket = bucket
        self._unique, self._move = unique, move

    def table(self, *, recovery: bool = True, sort: bool = False, **more: Any) -> str:
        names = ["pk", "sk"] if sort else ["pk"]
        name = self._unique("table")
        more.setdefault("BillingMode", "PAY_PER_REQUEST")
        self.dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": n, "KeyType": k} for n, k in zip(names, ["HASH", "RANGE"], strict=False)],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
            **more,
        )
        if recovery:
            self.recover(name)
        return name

    def recover(self, table: str, **specification: Any) -> dict[str, Any]:
        answer = self.dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, **specification}
        )
        return answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]

    def put(self, table: str, *names: str, **attributes: Any) -> None:
        for name in names:
            self.dynamodb.put_item(TableName=table, Item={"pk": {"S": name}, **attributes})

    def delete(self, table: str, name: str) -> None:
        self.dynamodb.delete_item(TableName=table, Key={"pk": {"S": name}})

    def clock(self, moment: float) -> None:
        """Sets DynamoDB's clock to a moment, in seconds since 1970."""
        self._move(moment - time.time())

    def arn(self, table: str) -> str:
        return self.dynamodb.describe_table(TableName=table)["Table"]["TableArn"]

    def start(self, table: str, **parameters: Any) -> dict[str, Any]:
        request = {"TableArn": self.arn(table), "S3Bucket": self.bucket, **parameters}
        return self.dynamodb.export_table_to_point_in_time(**request)["ExportDescription"]

    def end(self, started: dict[str, Any]) -> dict[str, Any]:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            described = self.dynamodb.describe_export(ExportArn=started["ExportArn"])["ExportDescription"]
            if described["ExportStatus"] != "IN_PROGRESS":
                return described
            time.sleep(0.01)
        raise AssertionError(f"{started['ExportArn']} goes on and on")

    def run(self, table: str, **parameters: Any) -> dict[str, Any]:
        described = self.end(self.start(table, **parameters))
        assert described["ExportStatus"] == "COMPLETED", described
        return described

    def changes(self, table: str, since: float, until: float, view: str = "NEW_AND_OLD_IMAGES") -> list[dict[str, Any]]:
        period = {"ExportFromTime": since, "ExportToTime": until, "ExportViewType": view}
        described = self.run(table, ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=period)
        return self.lines(described)

    def keys(self, prefix: str = "") -> set[str]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        assert not listed["IsTruncated"]
        return {each["Key"] for each in listed.get("Contents", [])}

    def get(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def summary(self, described: dict[str, Any]) -> dict[str, Any]:
        return json.loads(self._checked(described["ExportManifest"]))

    def files(self, described: dict[str, Any]) -> list[dict[str, Any]]:
        manifest = self._checked(self.summary(described)["manifestFilesS3Key"])
        return [json.loads(line) for line in manifest.decode().splitlines()]

    def lines(self, described: dict[str, Any]) -> list[dict[str, Any]]:
        """What an export wrote, once everything that its manifests say of it is checked."""
        found: list[dict[str, Any]] = []
        for file in self.files(described):
            content = self.get(file["dataFileS3Key"])
            assert md5(content) == file["md5Checksum"]
            assert self.s3.head_object(Bucket=self.bucket, Key=file["dataFileS3Key"])["ETag"] == f'"{file["etag"]}"'
            lines = gzip.decompress(content).decode().splitlines()
            assert len(lines) == file["itemCount"]
            found += map(json.loads, lines)
        assert len(found) == described["ItemCount"] == self.summary(described)["itemCount"]
        return found

    def state(self, table: str, moment: float | None = None) -> dict[str, Item]:
        """The table's items at a moment, by their key, out of a full export."""
        lines = self.lines(self.run(table, **({} if moment is None else {"ExportTime": moment})))
        items = {line["Item"]["pk"]["S"]: line["Item"] for line in lines}
        assert len(items) == len(lines)
        return items

    def _checked(self, key: str) -> bytes:
        content = self.get(key)
        assert self.get(key.removesuffix(".json") + ".md5").decode() == md5(content)
        return content


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def refused(exports: Exports, code: str, message: str, table: str, **parameters: Any) -> None:
    with pytest.raises(ClientError, match=message) as excinfo:
        exports.start(table, **parameters)
    assert excinfo.value.response["Error"]["Code"] == code
    modelled = getattr(exports.dynamodb.exceptions, code, ClientError)
    assert isinstance(excinfo.value, modelled)


def item(name: str, number: str | None = None) -> Item:
    return {"pk": {"S": name}, **({"n": {"N": number}} if number else {})}
