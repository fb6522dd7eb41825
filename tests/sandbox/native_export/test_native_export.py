from __future__ import annotations

import re
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.sandbox.exports import DAY, HOUR, MINUTE, Exports, refused


@pytest.fixture
def exports(aws: Endpoint, bucket: str, unique: Any, dynamodb_clock: Any) -> Exports:
    return Exports(aws, bucket, unique, dynamodb_clock)


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


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    assert exports.dynamodb.list_exports(TableArn=exports.arn(table))["ExportSummaries"] == []
