from __future__ import annotations

import math
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


@pytest.mark.parametrize("consistent", [True, False])
@pytest.mark.parametrize("count", [1, 4, 5, 9, 300])
def test_a_scan_costs_its_bytes_in_units_of_four_kilobytes(
    dynamodb: Any, new_table: Any, count: int, consistent: bool
) -> None:
    table = new_table("S")
    put_all(dynamodb, table, thousand_byte_items(count))
    page = dynamodb.scan(TableName=table, ConsistentRead=consistent, ReturnConsumedCapacity="INDEXES")
    units = math.ceil(count * 1000 / 4096) * (1 if consistent else 0.5)
    expected = {"TableName": table, "CapacityUnits": units, "Table": {"CapacityUnits": units}}
    assert page["ConsumedCapacity"] == expected


def test_filters_and_projections_do_not_make_a_scan_cheaper(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    put_all(dynamodb, table, thousand_byte_items(50))
    parameters = {"FilterExpression": "pk = :k", "ExpressionAttributeValues": {":k": {"S": "00007"}}}
    page = dynamodb.scan(TableName=table, ProjectionExpression="pk", ReturnConsumedCapacity="TOTAL", **parameters)
    assert page["Items"] == [{"pk": {"S": "00007"}}]
    assert page["ScannedCount"] == 50
    assert page["ConsumedCapacity"]["CapacityUnits"] == math.ceil(50_000 / 4096) / 2


def test_a_scan_that_finds_nothing_costs_the_least_there_is(dynamodb: Any, new_table: Any) -> None:
    page = dynamodb.scan(TableName=new_table("S"), ReturnConsumedCapacity="TOTAL")
    assert page["ConsumedCapacity"]["CapacityUnits"] == 0.5


def test_capacity_is_told_only_to_who_asks(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    key = {"pk": {"S": "a"}}
    change = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "b"}}}
    answers = [
        dynamodb.put_item(TableName=table, Item=key),
        dynamodb.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": key}}]}),
        dynamodb.update_item(TableName=table, Key=key, **change),
        dynamodb.get_item(TableName=table, Key=key),
        dynamodb.batch_get_item(RequestItems={table: {"Keys": [key]}}),
        dynamodb.scan(TableName=table),
        dynamodb.delete_item(TableName=table, Key=key),
    ]
    assert [answer for answer in answers if "ConsumedCapacity" in answer] == []


def test_single_reads_and_writes_cost_their_items(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    total = {"ReturnConsumedCapacity": "TOTAL"}
    small, large = {"pk": {"S": "s"}}, {"pk": {"S": "l"}, "data": {"S": "x" * 9000}}  # 3 and 9007 bytes
    key = {"pk": {"S": "l"}}

    def units(answer: dict[str, Any]) -> float:
        return answer["ConsumedCapacity"]["CapacityUnits"]

    assert units(dynamodb.put_item(TableName=table, Item=small, **total)) == 1
    assert units(dynamodb.put_item(TableName=table, Item=large, **total)) == 9
    assert units(dynamodb.get_item(TableName=table, Key=key, ProjectionExpression="pk", **total)) == 1.5
    assert units(dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True, **total)) == 3
    assert units(dynamodb.get_item(TableName=table, Key={"pk": {"S": "none"}}, **total)) == 0.5
    question = {"KeyConditionExpression": "pk = :k", "ExpressionAttributeValues": {":k": key["pk"]}}
    assert units(dynamodb.query(TableName=table, **question, **total)) == 1.5
    removal = {"UpdateExpression": "REMOVE #d", "ExpressionAttributeNames": {"#d": "data"}}
    assert units(dynamodb.update_item(TableName=table, Key=key, **removal, **total)) == 9, "the larger, before"
    assert units(dynamodb.put_item(TableName=table, Item=large, **total)) == 9
    assert units(dynamodb.delete_item(TableName=table, Key=key, **total)) == 9
    assert units(dynamodb.delete_item(TableName=table, Key=key, **total)) == 1


def test_batches_cost_each_item_rounded_up_by_itself(dynamodb: Any, new_table: Any) -> None:
    table, other = new_table("S"), new_table("S")
    requests = {
        table: [{"PutRequest": {"Item": item}} for item in thousand_byte_items(3)]
        + [{"DeleteRequest": {"Key": {"pk": {"S": "none"}}}}],
        other: [{"PutRequest": {"Item": {"pk": {"S": "a"}, "data": {"S": "x" * 2000}}}}],
    }
    written = dynamodb.batch_write_item(RequestItems=requests, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert {each["TableName"]: each["CapacityUnits"] for each in written} == {table: 4, other: 2}
    keys = [{"pk": {"S": f"{n:05}"}} for n in range(4)]
    wanted = {table: {"Keys": keys, "ConsistentRead": True}, other: {"Keys": [{"pk": {"S": "a"}}]}}
    read = dynamodb.batch_get_item(RequestItems=wanted, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert {each["TableName"]: each["CapacityUnits"] for each in read} == {table: 4, other: 0.5}


def test_capacity_that_is_not_measured_is_refused(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    puts = [{"Put": {"TableName": table, "Item": {"pk": {"S": "a"}}}}]
    with pytest.raises(ClientError, match="The sandbox does not measure"):
        dynamodb.transact_write_items(TransactItems=puts, ReturnConsumedCapacity="TOTAL")
    assert scanned(dynamodb, table) == []
    statement = f'SELECT * FROM "{table}"'
    with pytest.raises(ClientError, match="The sandbox does not measure"):
        dynamodb.execute_statement(Statement=statement, ReturnConsumedCapacity="TOTAL")
    question = {"KeyConditionExpression": "pk = :k", "ExpressionAttributeValues": {":k": {"S": "a"}}}
    with pytest.raises(ClientError, match="The sandbox does not measure the capacity of a Query with Select"):
        dynamodb.query(TableName=table, **question, Select="COUNT", ReturnConsumedCapacity="TOTAL")
