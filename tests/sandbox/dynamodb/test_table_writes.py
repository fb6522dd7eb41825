from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.sandbox.dynamodb_tables import put_all, scanned, table_maker, thousand_byte_items


@pytest.fixture
def dynamodb(aws: Endpoint) -> Any:
    return aws.client("dynamodb")


@pytest.fixture
def new_table(dynamodb: Any, unique: Any) -> Callable[..., str]:
    return table_maker(dynamodb, unique)


def test_item_count_and_size_follow_every_kind_of_write(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")

    def facts() -> tuple[int, int]:
        described = dynamodb.describe_table(TableName=table)["Table"]
        return described["ItemCount"], described["TableSizeBytes"]

    put_all(dynamodb, table, thousand_byte_items(30))
    assert facts() == (30, 30_000)
    put_all(dynamodb, table, thousand_byte_items(10))
    assert facts() == (30, 30_000), "replaced, not added"
    key = {"pk": {"S": "00000"}}
    removal = {"UpdateExpression": "REMOVE #d", "ExpressionAttributeNames": {"#d": "data"}}
    dynamodb.update_item(TableName=table, Key=key, **removal)
    assert facts() == (30, 29_007)
    new = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "bc"}}}
    dynamodb.update_item(TableName=table, Key={"pk": {"S": "new"}}, **new)
    assert facts() == (31, 29_007 + 5 + 3)
    dynamodb.delete_item(TableName=table, Key=key)
    dynamodb.delete_item(TableName=table, Key=key)
    assert facts() == (30, 29_000 + 8)
    dynamodb.transact_write_items(TransactItems=[{"Delete": {"TableName": table, "Key": {"pk": {"S": "new"}}}}])
    assert facts() == (29, 29_000)


def test_failed_writes_leave_nothing(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    old = {"pk": {"S": "a"}, "n": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item=old)
    values = {":n": {"N": "2"}, ":b": {"S": "x" * (400 * 1024)}}
    growth = {"UpdateExpression": "SET n = :n, big = :b", "ExpressionAttributeValues": values}
    absent = {"TableName": table, "Key": {"pk": {"S": "d"}}, "ConditionExpression": "attribute_exists(pk)"}
    failing: list[Callable[[], Any]] = [
        lambda: dynamodb.put_item(TableName=table, Item=old | {"n": {"N": "2"}}, ConditionExpression="n > n"),
        lambda: dynamodb.put_item(TableName=table, Item=old | {"big": values[":b"]}),
        lambda: dynamodb.update_item(TableName=table, Key={"pk": {"S": "a"}}, **growth),
        lambda: dynamodb.update_item(TableName=table, Key={"pk": {"S": "b"}}, **growth),
        lambda: dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": {"pk": {"S": "c"}}}},
                {"Update": {"TableName": table, "Key": {"pk": {"S": "a"}}, "UpdateExpression": "REMOVE n"}},
                {"ConditionCheck": absent},
            ]
        ),
    ]
    for write in failing:
        with pytest.raises(ClientError):
            write()
        assert scanned(dynamodb, table) == [old]
        assert dynamodb.get_item(TableName=table, Key={"pk": {"S": "a"}})["Item"] == old
        assert dynamodb.describe_table(TableName=table)["Table"]["ItemCount"] == 1


def test_an_item_of_400_kilobytes_is_the_largest(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    largest = {"pk": {"S": "k"}, "data": {"S": "x" * (400 * 1024 - 7)}}
    dynamodb.put_item(TableName=table, Item=largest)
    assert dynamodb.describe_table(TableName=table)["Table"]["TableSizeBytes"] == 400 * 1024
    larger = largest | {"pk": {"S": "kk"}}
    with pytest.raises(ClientError, match="exceeded the maximum allowed size"):
        dynamodb.put_item(TableName=table, Item=larger)


def test_a_statement_that_is_not_understood_is_refused(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    with pytest.raises(ClientError, match="The sandbox does not understand the PartiQL statement"):
        dynamodb.execute_statement(Statement=f"INSERT INTO \"{table}\" value {{'pk': ?}}", Parameters=[{"S": "a"}])
    assert scanned(dynamodb, table) == []


def test_a_restored_table_is_scanned_and_measured_like_any(dynamodb: Any, new_table: Any, unique: Any) -> None:
    table, copy = new_table("S"), unique("copy")
    put_all(dynamodb, table, thousand_byte_items(12))
    backup = dynamodb.create_backup(TableName=table, BackupName="before")["BackupDetails"]["BackupArn"]
    dynamodb.restore_table_from_backup(TargetTableName=copy, BackupArn=backup)
    assert len(scanned(dynamodb, copy)) == 12
    assert dynamodb.describe_table(TableName=copy)["Table"]["TableSizeBytes"] == 12_000


def test_a_failed_transaction_takes_nobody_elses_write_with_it(dynamodb: Any, new_table: Any) -> None:
    """moto rolls back by putting an old copy of the whole table in its place."""
    table = new_table("S")
    over = threading.Event()
    absent = {"TableName": table, "Key": {"pk": {"S": "none"}}, "ConditionExpression": "attribute_exists(pk)"}
    failing = [{"Put": {"TableName": table, "Item": {"pk": {"S": "never"}}}}, {"ConditionCheck": absent}]
    cancelled: list[str] = []

    def fail() -> None:
        while not over.is_set():
            try:
                dynamodb.transact_write_items(TransactItems=failing)
            except dynamodb.exceptions.TransactionCanceledException as problem:
                cancelled.append(problem.response["Error"]["Code"])

    put_all(dynamodb, table, [{"pk": {"S": f"before-{n}"}} for n in range(100)])
    thread = threading.Thread(target=fail)
    thread.start()
    try:
        for n in range(150):
            dynamodb.put_item(TableName=table, Item={"pk": {"S": str(n)}})
    finally:
        over.set()
        thread.join()
    assert len(cancelled) > 3
    assert len(scanned(dynamodb, table)) == 250
    assert dynamodb.describe_table(TableName=table)["Table"]["ItemCount"] == 250
