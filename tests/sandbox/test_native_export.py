from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


@pytest.fixture
def exports(aws: Endpoint, bucket: str, unique: Any, dynamodb_clock: Any) -> Exports:
    return Exports(aws, bucket, unique, dynamodb_clock)


def refused(exports: Exports, code: str, message: str, table: str, **parameters: Any) -> None:
    with pytest.raises(ClientError, match=message) as excinfo:
        exports.start(table, **parameters)
    assert excinfo.value.response["Error"]["Code"] == code
    modelled = getattr(exports.dynamodb.exceptions, code, ClientError)
    assert isinstance(excinfo.value, modelled)


# --- the layout


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


# --- the state at a moment


def test_an_export_is_of_its_time_not_of_now(exports: Exports) -> None:
    start = int(time.time()) - 10 * DAY
    exports.clock(start)
    table = exports.table(recovery=False)
    exports.put(table, "kept", "changed", "deleted")
    exports.recover(table)
    exports.clock(start + HOUR)
    exports.put(table, "changed", n={"N": "2"})
    exports.put(table, "added")
    exports.delete(table, "deleted")
    exports.clock(start + 2 * HOUR)
    before = {name: {"pk": {"S": name}} for name in ("kept", "changed", "deleted")}
    after = {
        "kept": before["kept"],
        "added": {"pk": {"S": "added"}},
        "changed": {"pk": {"S": "changed"}, "n": {"N": "2"}},
    }
    assert exports.state(table, start) == before
    assert exports.state(table, start + HOUR - 1) == before
    assert exports.state(table, start + HOUR + 5) == after
    assert exports.state(table) == after


def test_an_export_is_fixed_when_it_is_asked_for(exports: Exports) -> None:
    table = exports.table()
    exports.put(table, "a", "b")
    started = exports.start(table)
    exports.delete(table, "a")
    exports.dynamodb.delete_table(TableName=table)
    described = exports.end(started)
    assert {line["Item"]["pk"]["S"] for line in exports.lines(described)} == {"a", "b"}


NAMES = st.sampled_from("abcde")
VALUES = st.integers(0, 3)
OPERATIONS = st.one_of(
    st.tuples(st.just("put"), NAMES, VALUES),
    st.tuples(st.just("update"), NAMES, VALUES),
    st.tuples(st.just("delete"), NAMES, VALUES),
    st.tuples(st.just("batch"), NAMES, VALUES),
    st.tuples(st.just("transaction"), NAMES, VALUES),
    st.tuples(st.just("failed transaction"), NAMES, VALUES),
    st.tuples(st.just("partiql"), NAMES, VALUES),
)


def perform(exports: Exports, table: str, model: dict[str, int], operation: tuple[str, str, int]) -> None:
    kind, name, value = operation
    key = {"pk": {"S": name}}
    number = {"N": str(value)}
    update = {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": number}}
    if kind == "put":
        exports.put(table, name, n=number)
        model[name] = value
    elif kind == "update":
        exports.dynamodb.update_item(TableName=table, Key=key, **update)
        model[name] = value
    elif kind == "delete":
        exports.delete(table, name)
        model.pop(name, None)
    elif kind == "batch":
        other = "f" if value else "e"
        requests = [{"DeleteRequest": {"Key": key}}, {"PutRequest": {"Item": {"pk": {"S": other}, "n": number}}}]
        if other != name:
            exports.dynamodb.batch_write_item(RequestItems={table: requests})
            model.pop(name, None)
            model[other] = value
    elif kind == "partiql":
        if name not in model:
            insert = f"INSERT INTO \"{table}\" value {{'pk': '{name}', 'n': {value}}}"
            exports.dynamodb.execute_statement(Statement=insert)
            model[name] = value
        elif value:
            change = f'UPDATE "{table}" SET n=? WHERE pk=?'
            exports.dynamodb.execute_statement(Statement=change, Parameters=[number, key["pk"]])
            model[name] = value
        else:
            exports.dynamodb.execute_statement(Statement=f"DELETE FROM \"{table}\" WHERE pk='{name}'")
            del model[name]
    else:
        items = [{"Update": {"TableName": table, "Key": key, **update}}]
        items.append({"Put": {"TableName": table, "Item": {"pk": {"S": "t"}, "n": number}}})
        if kind == "transaction":
            exports.dynamodb.transact_write_items(TransactItems=items)
            model |= {name: value, "t": value}
        else:
            absent = {"TableName": table, "Key": {"pk": {"S": "none"}}, "ConditionExpression": "attribute_exists(pk)"}
            with pytest.raises(ClientError, match="TransactionCanceled"):
                exports.dynamodb.transact_write_items(TransactItems=[*items, {"ConditionCheck": absent}])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(OPERATIONS, max_size=3), history=st.lists(OPERATIONS, min_size=1, max_size=10), data=st.data())
def test_the_state_at_every_moment_is_the_models(exports: Exports, before: Any, history: Any, data: Any) -> None:
    """Any history, any moment of it; and a full export plus the changes since is a later full export."""
    start, step = int(time.time()) - 2 * DAY, HOUR
    exports.clock(start - HOUR)
    table, model = exports.table(recovery=False), {}
    for operation in before:
        perform(exports, table, model, operation)
    exports.clock(start)
    exports.recover(table)
    states = [dict(model)]
    for number, operation in enumerate(history, start=1):
        exports.clock(start + number * step)
        perform(exports, table, model, operation)
        states.append(dict(model))
    exports.clock(start + (len(history) + 1) * step)

    def just_after(number: int) -> int:
        return start + number * step + step // 2

    early, late = sorted(data.draw(st.tuples(*[st.integers(0, len(history))] * 2)))
    exported = exports.state(table, just_after(early))
    assert {name: int(item["n"]["N"]) for name, item in exported.items()} == states[early]
    described = exports.dynamodb.describe_table(TableName=table)["Table"]
    assert described["ItemCount"] == len(states[-1])
    if early == late:
        return
    for change in exports.changes(table, just_after(early), just_after(late)):
        name = change["Keys"]["pk"]["S"]
        assert change.get("OldImage") == exported.get(name)
        stamp = int(change["Metadata"]["WriteTimestampMicros"]["N"]) / 1e6
        assert just_after(early) <= stamp < just_after(late)
        exported.pop(name, None)
        if "NewImage" in change:
            exported[name] = change["NewImage"]
    assert exported == exports.state(table, just_after(late))
    assert {name: int(item["n"]["N"]) for name, item in exported.items()} == states[late]


# --- incremental exports


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


def item(name: str, number: str | None = None) -> Item:
    return {"pk": {"S": name}, **({"n": {"N": number}} if number else {})}


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


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        (0, 14 * MINUTE, "less than 15 minutes"),
        (HOUR, MINUTE, "less than 15 minutes"),
        (0, 25 * HOUR, "greater than 24 hours"),
        (-MINUTE, HOUR, "ExportFromTime .* is not between"),
        (30 * HOUR, 60 * HOUR, "ExportToTime .* is not between"),
    ],
)
def test_a_period_is_of_15_minutes_to_24_hours_of_the_past(
    exports: Exports, since: int, until: int, message: str
) -> None:
    start = int(time.time()) - 5 * DAY
    exports.clock(start)
    table = exports.table()
    exports.clock(start + 48 * HOUR)
    period = {"ExportFromTime": start + since, "ExportToTime": start + until}
    parameters = {"ExportType": "INCREMENTAL_EXPORT", "IncrementalExportSpecification": period}
    refused(exports, "InvalidExportTimeException", message, table, **parameters)


@pytest.mark.parametrize("length", [15 * MINUTE, 24 * HOUR])
def test_the_shortest_and_the_longest_period_are_taken(exports: Exports, length: int) -> None:
    start = int(time.time()) - 5 * DAY
    exports.clock(start)
    table = exports.table()
    exports.clock(start + 48 * HOUR)
    assert exports.changes(table, start, start + length) == []


# --- what is refused


def test_without_recovery_there_is_nothing_to_export(exports: Exports) -> None:
    table = exports.table(recovery=False)
    refused(exports, "PointInTimeRecoveryUnavailableException", f"not enabled for table '{table}'", table)
    exports.recover(table)
    exports.run(table)
    exports.dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    refused(exports, "PointInTimeRecoveryUnavailableException", "not enabled", table)


def test_the_future_and_what_was_before_recovery_are_refused(exports: Exports) -> None:
    start = int(time.time()) - 5 * DAY
    exports.clock(start)
    table = exports.table(recovery=False)
    exports.clock(start + HOUR)
    exports.recover(table)
    exports.clock(start + 2 * HOUR)
    code = "InvalidExportTimeException"
    refused(exports, code, "Export Time is invalid", table, ExportTime=start + HOUR - 1)
    refused(exports, code, "Export Time is invalid", table, ExportTime=start + 2 * HOUR + 30)
    exports.run(table, ExportTime=start + HOUR)
    exports.run(table, ExportTime=start + 2 * HOUR)


def test_recovery_reaches_back_as_many_days_as_it_is_told(exports: Exports) -> None:
    start = int(time.time()) - 40 * DAY
    exports.clock(start)
    table = exports.table()
    exports.put(table, "a")
    exports.clock(start + 36 * DAY)
    refused(exports, "InvalidExportTimeException", "invalid", table, ExportTime=start + DAY - MINUTE)
    assert exports.state(table, start + DAY + MINUTE) == {"a": item("a")}
    exports.recover(table, RecoveryPeriodInDays=2)
    refused(exports, "InvalidExportTimeException", "invalid", table, ExportTime=start + 34 * DAY - MINUTE)
    exports.recover(table, RecoveryPeriodInDays=35)
    refused(exports, "InvalidExportTimeException", "invalid", table, ExportTime=start + 34 * DAY - MINUTE)
    assert exports.state(table, start + 34 * DAY + MINUTE) == {"a": item("a")}


def test_switching_recovery_off_and_on_begins_a_new_history(exports: Exports) -> None:
    start = int(time.time()) - 5 * DAY
    exports.clock(start)
    table = exports.table()
    exports.put(table, "a", "b")
    exports.clock(start + HOUR)
    off = {"PointInTimeRecoveryEnabled": False}
    exports.dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=off)
    exports.delete(table, "a")
    exports.clock(start + 2 * HOUR)
    exports.recover(table)
    exports.clock(start + 3 * HOUR)
    refused(exports, "InvalidExportTimeException", "invalid", table, ExportTime=start + HOUR)
    assert exports.state(table, start + 2 * HOUR) == {"b": item("b")}


def test_continuous_backups_tell_what_can_be_recovered(exports: Exports) -> None:
    start = int(time.time()) - 5 * DAY
    exports.clock(start)
    table = exports.table(recovery=False)

    def described() -> dict[str, Any]:
        answer = exports.dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        assert answer["ContinuousBackupsStatus"] == "ENABLED"
        return answer["PointInTimeRecoveryDescription"]

    assert described() == {"PointInTimeRecoveryStatus": "DISABLED"}
    exports.recover(table, RecoveryPeriodInDays=7)
    exports.clock(start + HOUR)
    found = described()
    assert found["PointInTimeRecoveryStatus"] == "ENABLED"
    assert found["RecoveryPeriodInDays"] == 7
    assert found["EarliestRestorableDateTime"].timestamp() == pytest.approx(start, abs=5)
    assert found["LatestRestorableDateTime"].timestamp() == pytest.approx(start + HOUR - 5 * MINUTE, abs=5)
    exports.clock(start + 10 * DAY)
    assert described()["EarliestRestorableDateTime"].timestamp() == pytest.approx(start + 3 * DAY, abs=5)
    exports.run(table, ExportTime=described()["EarliestRestorableDateTime"] + timedelta(minutes=1))


@pytest.mark.parametrize("days", [0, 36])
def test_recovery_is_of_1_to_35_days(exports: Exports, days: int) -> None:
    table = exports.table()
    with pytest.raises((ClientError, ParamValidationError), match="ecoveryPeriodInDays"):
        exports.recover(table, RecoveryPeriodInDays=days)
    assert exports.recover(table)["RecoveryPeriodInDays"] == 35


def test_a_table_that_is_not_there_is_not_found(exports: Exports) -> None:
    table = exports.table()
    refused(exports, "TableNotFoundException", "Table not found", table, TableArn=exports.arn(table) + "_no")


def start_nothing(exports: Exports, table: str) -> None:
    assert exports.dynamodb.list_exports(TableArn=exports.arn(table))["ExportSummaries"] == []


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"ExportFormat": "QWERTY"}, "Value 'QWERTY' at 'exportFormat' failed to satisfy constraint"),
        ({"ExportFormat": "ION"}, "The sandbox does not write exports in Amazon Ion"),
        ({"ExportType": "HALF"}, "at 'exportType' failed to satisfy constraint"),
        ({"S3SseAlgorithm": "ROT13"}, "at 's3SseAlgorithm' failed to satisfy constraint"),
        ({"S3Bucket": "no/bucket"}, "at 's3Bucket' failed to satisfy constraint"),
        ({"S3BucketOwner": "000000000000"}, "The sandbox does not have another account"),
        ({"ExportType": "INCREMENTAL_EXPORT"}, "needs an IncrementalExportSpecification"),
        ({"IncrementalExportSpecification": {"ExportFromTime": 1}}, "is of an INCREMENTAL_EXPORT"),
        (
            {
                "ExportType": "INCREMENTAL_EXPORT",
                "IncrementalExportSpecification": {"ExportFromTime": 1, "ExportViewType": "OLD"},
            },
            "at 'exportViewType' failed to satisfy constraint",
        ),
        (
            {
                "ExportType": "INCREMENTAL_EXPORT",
                "ExportTime": 1,
                "IncrementalExportSpecification": {"ExportFromTime": 1},
            },
            "ExportTime is of a FULL_EXPORT",
        ),
    ],
)
def test_bad_parameters_start_nothing(exports: Exports, parameters: Any, message: str) -> None:
    table = exports.table()
    refused(exports, "ValidationException", message, table, **parameters)
    start_nothing(exports, table)


def test_a_missing_bucket_fails_the_export_not_the_request(exports: Exports) -> None:
    table = exports.table()
    started = exports.start(table, S3Bucket="nobody-has-this")
    assert started["ExportStatus"] == "IN_PROGRESS"
    described = exports.end(started)
    assert described["ExportStatus"] == "FAILED"
    assert described["FailureCode"] == "S3NoSuchBucket"
    assert "bucket does not exist" in described["FailureMessage"]
    assert described["EndTime"] >= described["StartTime"]
    assert not {"ExportManifest", "ItemCount"} & described.keys()
    (listed,) = exports.dynamodb.list_exports(TableArn=exports.arn(table))["ExportSummaries"]
    assert listed["ExportStatus"] == "FAILED"


def test_restoring_to_another_moment_is_refused(exports: Exports) -> None:
    table = exports.table()
    with pytest.raises(ClientError, match="The sandbox does not restore a table to a RestoreDateTime"):
        exports.dynamodb.restore_table_to_point_in_time(
            SourceTableName=table, TargetTableName=table + "_2", RestoreDateTime=datetime.now(UTC)
        )


# --- tokens, descriptions, lists


def test_the_same_token_and_request_is_the_same_export(exports: Exports) -> None:
    table = exports.table()
    first = exports.run(table, ClientToken="once", S3Prefix="p")
    again = exports.start(table, ClientToken="once", S3Prefix="p")
    assert again == first, "described as it now is: completed"
    assert again["ClientToken"] == "once"
    other = exports.start(table, S3Prefix="p")
    assert other["ExportArn"] != first["ExportArn"]
    assert other["ClientToken"] not in {"", "once"}
    assert len(exports.dynamodb.list_exports(TableArn=exports.arn(table))["ExportSummaries"]) == 2


@pytest.mark.parametrize(
    "change", [{"S3Prefix": "q"}, {"ExportType": "FULL_EXPORT"}, {"ExportTime": 1}, {"S3Bucket": "another"}]
)
def test_the_same_token_with_another_request_is_a_conflict(exports: Exports, unique: Any, change: Any) -> None:
    table, token = exports.table(), unique("token")
    exports.run(table, ClientToken=token)
    refused(exports, "ExportConflictException", "Duplicate request detected", table, ClientToken=token, **change)
    refused(exports, "ExportConflictException", "Duplicate request", exports.table(), ClientToken=token)


def test_a_token_is_forgotten_after_eight_hours(exports: Exports, unique: Any) -> None:
    start, token = int(time.time()) - DAY, unique("token")
    exports.clock(start)
    table = exports.table()
    first = exports.run(table, ClientToken=token)
    exports.clock(start + 8 * HOUR - MINUTE)
    assert exports.start(table, ClientToken=token)["ExportArn"] == first["ExportArn"]
    exports.clock(start + 8 * HOUR + MINUTE)
    assert exports.run(table, ClientToken=token)["ExportArn"] != first["ExportArn"]


def test_a_refused_request_does_not_use_its_token(exports: Exports, unique: Any) -> None:
    table, token = exports.table(recovery=False), unique("token")
    refused(exports, "PointInTimeRecoveryUnavailableException", "not enabled", table, ClientToken=token)
    exports.recover(table)
    exports.run(table, ClientToken=token, S3Prefix="now")


def test_an_export_is_described_from_start_to_end(exports: Exports) -> None:
    table = exports.table()
    exports.put(table, "a")
    asked = int(time.time())
    started = exports.start(table, S3Prefix="p", ExportType="FULL_EXPORT", S3BucketOwner="123456789012")
    assert started["ExportStatus"] == "IN_PROGRESS"
    assert not {"EndTime", "ExportManifest", "ItemCount", "BilledSizeBytes"} & started.keys()
    arn = exports.arn(table)
    assert re.fullmatch(re.escape(arn) + r"/export/0\d{13}-[0-9a-f]{8}", started["ExportArn"])
    described = exports.end(started)
    assert described["StartTime"].timestamp() >= asked
    assert described["EndTime"] >= described["StartTime"] == described["ExportTime"]
    table_id = exports.dynamodb.describe_table(TableName=table)["Table"]["TableId"]
    expected = {
        "ExportStatus": "COMPLETED",
        "TableArn": arn,
        "TableId": table_id,
        "S3Bucket": exports.bucket,
        "S3BucketOwner": "123456789012",
        "S3Prefix": "p",
        "S3SseAlgorithm": "AES256",
        "ExportFormat": "DYNAMODB_JSON",
        "ExportType": "FULL_EXPORT",
        "BilledSizeBytes": 3,
        "ItemCount": 1,
    }
    assert expected.items() <= described.items()
    at = described["ExportTime"].replace(microsecond=0)
    assert exports.run(table, ExportTime=at)["ExportTime"] == at


def test_an_unknown_export_is_not_found(exports: Exports) -> None:
    table = exports.table()
    with pytest.raises(exports.dynamodb.exceptions.ExportNotFoundException):
        exports.dynamodb.describe_export(ExportArn=f"{exports.arn(table)}/export/01700000000000-0123abcd")
    with pytest.raises(ClientError, match="Invalid Export ARN"):
        exports.dynamodb.describe_export(ExportArn=exports.arn(table))


def test_exports_are_listed_newest_first_and_in_pages(exports: Exports) -> None:
    table, other = exports.table(), exports.table()
    arns = [exports.run(table)["ExportArn"] for _ in range(5)]
    foreign = exports.run(other)["ExportArn"]
    listed, parameters = [], {"TableArn": exports.arn(table), "MaxResults": 2}
    for size in (2, 2, 1):
        page = exports.dynamodb.list_exports(**parameters)
        assert len(page["ExportSummaries"]) == size
        listed += page["ExportSummaries"]
        parameters["NextToken"] = page.get("NextToken")
    assert parameters["NextToken"] is None
    assert [each["ExportArn"] for each in listed] == sorted(arns, reverse=True)
    assert {(each["ExportStatus"], each["ExportType"]) for each in listed} == {("COMPLETED", "FULL_EXPORT")}
    found, token = set(), {}
    while True:
        page = exports.dynamodb.list_exports(**token)
        found |= {each["ExportArn"] for each in page["ExportSummaries"]}
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert {*arns, foreign} <= found


def test_exports_are_listed_for_90_days(exports: Exports) -> None:
    start = int(time.time()) - 200 * DAY
    exports.clock(start)
    table = exports.table()
    exports.run(table)
    exports.clock(start + 89 * DAY)
    assert len(exports.dynamodb.list_exports(TableArn=exports.arn(table))["ExportSummaries"]) == 1
    exports.clock(start + 91 * DAY)
    start_nothing(exports, table)


# --- the sandbox's clock


def test_history_is_not_rewritten(exports: Exports) -> None:
    start = int(time.time()) - DAY
    exports.clock(start)
    table = exports.table()
    exports.put(table, "a")
    exports.clock(start - HOUR)
    for write in (
        lambda: exports.put(table, "b"),
        lambda: exports.delete(table, "a"),
        lambda: exports.dynamodb.update_item(TableName=table, Key={"pk": {"S": "a"}}),
    ):
        with pytest.raises(ClientError, match="The sandbox does not write to the past"):
            write()
    exports.clock(start + HOUR)
    assert exports.state(table) == {"a": item("a")}


def test_the_clock_is_dynamodbs_alone(exports: Exports, dynamodb_clock: Callable[[float], datetime]) -> None:
    shown = dynamodb_clock(-DAY)
    assert (datetime.now(UTC) - shown).total_seconds() == pytest.approx(DAY, abs=5)
    table = exports.table()
    created = exports.dynamodb.describe_table(TableName=table)["Table"]["CreationDateTime"]
    assert (datetime.now(UTC) - created).total_seconds() == pytest.approx(DAY, abs=5)
    exports.s3.put_object(Bucket=exports.bucket, Key="now", Body=b"")
    stored = exports.s3.head_object(Bucket=exports.bucket, Key="now")["LastModified"]
    assert abs((datetime.now(UTC) - stored).total_seconds()) < 60
