from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.sandbox.dynamodb_tables import table_maker


@pytest.fixture
def dynamodb(aws: Endpoint) -> Any:
    return aws.client("dynamodb")


@pytest.fixture
def new_table(dynamodb: Any, unique: Any) -> Callable[..., str]:
    return table_maker(dynamodb, unique)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "käse"}, 5),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "-12"}, 2),
        ({"N": "1200"}, 2),
        ({"N": "0.00123"}, 3),
        ({"N": "1E+10"}, 2),
        ({"N": "12345678901234567890123456789012345678"}, 20),
        ({"B": b""}, 0),
        ({"B": b"\x00" * 4}, 4),
        ({"B": b"\x00" * 5}, 5),
        ({"B": b"\x00" * 6}, 6),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "ü"]}, 4),
        ({"NS": ["1", "100", "12.5"]}, 2 + 2 + 3),
        ({"BS": [b"a", b"bcd"]}, 4),
        ({"L": []}, 3),
        ({"L": [{"S": "abc"}, {"NULL": True}]}, 3 + (1 + 3) + (1 + 1)),
        ({"M": {}}, 3),
        ({"M": {"key": {"L": [{"N": "5"}]}}}, 3 + 1 + len("key") + 3 + 1 + 2),
    ],
)
def test_table_size_is_by_dynamodbs_rules(dynamodb: Any, new_table: Any, value: Any, size: int) -> None:
    table = new_table("S")
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "k"}, "attribute": value})
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["TableSizeBytes"] == len("pk") + 1 + len("attribute") + size
    assert described["ItemCount"] == 1


def test_an_on_demand_table_says_what_it_may_and_can_do(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S", OnDemandThroughput={"MaxReadRequestUnits": 500})
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert described["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] == described["CreationDateTime"]
    assert described["OnDemandThroughput"] == {"MaxReadRequestUnits": 500, "MaxWriteRequestUnits": -1}
    assert described["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    assert described["WarmThroughput"]["ReadUnitsPerSecond"] == 12_000
    assert described["TableArn"].endswith(f":table/{table}")
    assert len(described["TableId"]) == 36
    dynamodb.update_table(TableName=table, OnDemandThroughput={"MaxReadRequestUnits": -1})
    assert "OnDemandThroughput" not in dynamodb.describe_table(TableName=table)["Table"]


def test_a_provisioned_table_says_what_it_may_and_can_do(dynamodb: Any, new_table: Any) -> None:
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    table = new_table("S", BillingMode="PROVISIONED", ProvisionedThroughput=units)
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert units.items() <= described["ProvisionedThroughput"].items()
    assert "BillingModeSummary" not in described, "as AWS: only of tables that have been on-demand"
    assert "OnDemandThroughput" not in described
    more = {"ReadCapacityUnits": 50, "WriteCapacityUnits": 6}
    described = dynamodb.update_table(TableName=table, ProvisionedThroughput=more)["TableDescription"]
    assert more.items() <= described["ProvisionedThroughput"].items()
    assert described["WarmThroughput"]["ReadUnitsPerSecond"] == 50


def test_a_table_can_change_its_billing_mode(dynamodb: Any, new_table: Any) -> None:
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    table = new_table("S", BillingMode="PROVISIONED", ProvisionedThroughput=units)
    dynamodb.update_table(TableName=table, BillingMode="PAY_PER_REQUEST")
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert described["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    with pytest.raises(ClientError, match="must both be specified"):
        dynamodb.update_table(TableName=table, BillingMode="PROVISIONED")
    dynamodb.update_table(TableName=table, BillingMode="PROVISIONED", ProvisionedThroughput=units)
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert units.items() <= described["ProvisionedThroughput"].items()


def test_a_maximum_throughput_is_of_on_demand_tables_only(dynamodb: Any, new_table: Any) -> None:
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    maximum = {"MaxReadRequestUnits": 1}
    with pytest.raises(ClientError, match="when BillingMode is PROVISIONED"):
        new_table("S", BillingMode="PROVISIONED", ProvisionedThroughput=units, OnDemandThroughput=maximum)
