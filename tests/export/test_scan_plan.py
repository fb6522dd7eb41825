from __future__ import annotations

from typing import Any

import pytest

from dynamo_assets.errors import PlanError
from dynamo_assets.export import plan_export
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.scan_plan import ScanPlan, plan_scan
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.sandbox.endpoint import Endpoint

MB, GB = 1024**2, 1024**3
ANSWER: dict[str, Any] = {
    "TableName": "Orders",
    "TableStatus": "ACTIVE",
    "KeySchema": [
        {"AttributeName": "at", "KeyType": "RANGE"},
        {"AttributeName": "id", "KeyType": "HASH"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "at", "AttributeType": "N"},
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "of_an_index", "AttributeType": "B"},
    ],
    "ItemCount": 1000,
    "TableSizeBytes": 8 * MB,
}
PROVISIONED: dict[str, Any] = {"ProvisionedThroughput": {"ReadCapacityUnits": 100}}
ON_DEMAND: dict[str, Any] = {
    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    "ProvisionedThroughput": {"ReadCapacityUnits": 0},
}


def plan(parallelism: int = 8, options: dict[str, Any] | None = None, **answer: Any) -> ScanPlan:
    request = ExportRequest(table="Orders", bucket="exports", **options or {})
    return plan_scan(TableDescription.from_answer({**ANSWER, **answer}), request, parallelism)


def test_the_keys_and_their_types_come_with_the_partition_key_first() -> None:
    assert list(plan(**PROVISIONED).table.keys.items()) == [("id", "S"), ("at", "N")]


@pytest.mark.parametrize(
    ("answer", "options", "rate"),
    [
        (PROVISIONED, {}, 25),
        (PROVISIONED, {"read_percentage": 1.0}, 100),
        (PROVISIONED, {"read_percentage": 1.0, "max_read_units": 40}, 40),
        (PROVISIONED, {"max_read_units": 4000}, 25),
        (ON_DEMAND | {"WarmThroughput": {"ReadUnitsPerSecond": 20_000}}, {}, 5000),
        (ON_DEMAND | {"WarmThroughput": {"ReadUnitsPerSecond": 20_000}}, {"max_read_units": 10}, 10),
        (
            ON_DEMAND
            | {"OnDemandThroughput": {"MaxReadRequestUnits": 400}, "WarmThroughput": {"ReadUnitsPerSecond": 9}},
            {},
            100,
        ),
        (
            ON_DEMAND
            | {"OnDemandThroughput": {"MaxReadRequestUnits": -1}, "WarmThroughput": {"ReadUnitsPerSecond": 80}},
            {},
            20,
        ),
        (ON_DEMAND, {}, 3000),
    ],
)
def test_the_rate_is_a_share_of_the_table_s_own_capacity(
    answer: dict[str, Any], options: dict[str, Any], rate: float
) -> None:
    assert plan(options=options, **answer).read_units_per_second == rate


@pytest.mark.parametrize("options", [{}, {"segments": 3}, {"segments": 100}])
@pytest.mark.parametrize("size", [0, 100 * MB, 3 * GB, 500 * GB])
@pytest.mark.parametrize("parallelism", [1, 8, 40])
@pytest.mark.parametrize("capacity", [5, 1000, 100_000])
def test_first_pages_together_cost_no_more_than_about_a_second_s_rate(
    options: dict[str, Any], size: int, parallelism: int, capacity: int
) -> None:
    made = plan(parallelism, options, TableSizeBytes=size, ProvisionedThroughput={"ReadCapacityUnits": capacity})
    at_once = min(parallelism, len(made.segments))
    assert made.parallelism == at_once
    assert [s.number for s in made.segments] == list(range(made.segments[0].total))
    biggest_item = size / 1000 / 8192
    first_pages = sum(s.page_units for s in made.segments[:at_once])
    assert first_pages <= max(made.read_units_per_second, at_once * max(biggest_item, 0)) * 1.001 + at_once * 128 * (
        made.segments[0].page_items is None
    )


@pytest.mark.parametrize(
    ("size", "capacity", "parallelism", "segments"),
    [
        (0, 100_000, 8, 1),
        (100 * MB, 100_000, 8, 1),
        (1 * GB, 100_000, 8, 8),
        (1000 * GB, 100_000, 8, 32),
        (1000 * GB, 100, 8, 1),  # 25 a second are not worth cutting
        (1000 * GB, 1000, 8, 5),
    ],
)
def test_segments_fit_the_size_the_parallelism_and_the_rate(
    size: int, capacity: int, parallelism: int, segments: int
) -> None:
    made = plan(parallelism, TableSizeBytes=size, ProvisionedThroughput={"ReadCapacityUnits": capacity})
    assert len(made.segments) == segments


def test_a_page_is_no_bigger_than_a_second_s_share() -> None:
    slow = plan(TableSizeBytes=8 * MB, ItemCount=1024, ProvisionedThroughput={"ReadCapacityUnits": 40})
    assert slow.segments[0].page_items == 10  # 10 units of 8 KB a second, items of 8 KB
    assert plan(TableSizeBytes=8 * MB, ProvisionedThroughput={"ReadCapacityUnits": 4000}).segments[0].page_items is None
    assert plan(ItemCount=0, TableSizeBytes=0, **PROVISIONED).segments[0].page_items is None


def test_what_it_will_take_is_said_beforehand() -> None:
    made = plan(TableSizeBytes=800 * MB, **PROVISIONED)
    assert made.expected_read_units == 102_400
    assert made.expected_seconds == 4096
    assert plan(options={"consistent_read": True}, TableSizeBytes=800 * MB, **PROVISIONED).expected_seconds == 8192
    assert "1,000 items" in made.describe()
    assert "102,400 read units at 25 a second: 1 h 8 min" in made.describe()


def test_a_table_that_does_not_exist_is_named_with_what_to_do(aws: Endpoint) -> None:
    with pytest.raises(PlanError, match=r"table NoSuchTable does not exist in us-east-1 .*check its name, the region"):
        plan_export(ExportRequest(table="NoSuchTable", bucket="exports"), 4)


def test_a_table_that_is_not_active_is_refused(aws: Endpoint) -> None:
    with pytest.raises(PlanError, match="table Orders is CREATING; export it once it is ACTIVE"):
        TableDescription.from_answer({**ANSWER, "TableStatus": "CREATING"})


def test_an_export_that_cannot_end_within_its_time_limit_says_so_with_the_rate_that_it_needs() -> None:
    slow = plan(options={"time_limit_seconds": 1000}, TableSizeBytes=800 * MB, **PROVISIONED)
    (warning,) = slow.warnings()
    assert "takes about 1 h 8 min at 25 read units a second, and is stopped after 16 min 40 s" in warning
    assert "at least 102 units a second" in warning
    assert plan(options={"time_limit_seconds": 5000}, TableSizeBytes=800 * MB, **PROVISIONED).warnings() == []
    assert plan(TableSizeBytes=800 * MB, **PROVISIONED).warnings() == []
