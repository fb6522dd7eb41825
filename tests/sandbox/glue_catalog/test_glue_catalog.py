"""The Data Catalog's answers as AWS gives them: pages, batch limits, errors, versions, expressions."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.sandbox.lake import Lake


def table(name: str, **more: Any) -> dict[str, Any]:
    storage = {"Columns": [{"Name": "id", "Type": "int"}], "Location": f"s3://lake/{name}/"}
    return {"Name": name, "StorageDescriptor": storage, "PartitionKeys": [{"Name": "day", "Type": "string"}], **more}


def partition(*values: str) -> dict[str, Any]:
    location = f"s3://lake/{'/'.join(values)}/"
    return {
        "Values": list(values),
        "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "int"}], "Location": location},
    }


@pytest.fixture
def days(lake: Lake) -> dict[str, str]:
    """What names a table of 12 days, for every call's arguments."""
    lake.glue.create_table(DatabaseName=lake.database, TableInput=table("t"))
    of_table = {"DatabaseName": lake.database, "TableName": "t"}
    partitions = [partition(f"2026-01-{day:02d}") for day in range(1, 13)]
    assert "Errors" not in lake.glue.batch_create_partition(**of_table, PartitionInputList=partitions)
    return of_table


def code_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("expression", "days_found"),
    [
        ("day = '2026-01-03'", {3}),
        ("day > '2026-01-10'", {11, 12}),
        ("day between '2026-01-02' and '2026-01-04'", {2, 3, 4}),
        ("day in ('2026-01-01', '2026-01-12')", {1, 12}),
        ("day like '2026-01-1%'", {10, 11, 12}),
        ("day <> '2026-01-03' and day <= '2026-01-04'", {1, 2, 4}),
        ("day = '2027-01-01'", set()),
        ("", set(range(1, 13))),
    ],
)
def test_an_expression_selects_partitions(
    lake: Lake, days: dict[str, str], expression: str, days_found: set[int]
) -> None:
    answer = lake.glue.get_partitions(**days, Expression=expression)
    assert {int(found["Values"][0][-2:]) for found in answer["Partitions"]} == days_found


def test_an_expression_on_something_else_than_a_partition_key_is_refused(lake: Lake, days: dict[str, str]) -> None:
    assert code_of(lake.glue.get_partitions, **days, Expression="id = 1") == "InvalidInputException"


def test_partitions_come_in_pages(lake: Lake, days: dict[str, str]) -> None:
    first = lake.glue.get_partitions(**days, MaxResults=5)
    assert len(first["Partitions"]) == 5
    pages = lake.glue.get_paginator("get_partitions").paginate(**days, PaginationConfig={"PageSize": 5})
    sizes = [len(page["Partitions"]) for page in pages]
    assert sizes == [5, 5, 2]
    assert code_of(lake.glue.get_partitions, **days, NextToken="nonsense") == "InvalidInputException"


def test_segments_share_the_partitions_out(lake: Lake, days: dict[str, str]) -> None:
    found = [
        lake.glue.get_partitions(**days, Segment={"SegmentNumber": number, "TotalSegments": 3})["Partitions"]
        for number in range(3)
    ]
    values = [partition["Values"][0] for segment in found for partition in segment]
    assert len(values) == len(set(values)) == 12
    assert all(found)


def test_the_column_schema_can_be_left_out(lake: Lake, days: dict[str, str]) -> None:
    found = lake.glue.get_partitions(**days, ExcludeColumnSchema=True)["Partitions"]
    assert len(found) == 12
    assert all("Columns" not in partition["StorageDescriptor"] for partition in found)
    assert all("Location" in partition["StorageDescriptor"] for partition in found)


def test_tables_and_versions_come_in_pages(lake: Lake) -> None:
    for number in range(5):
        lake.glue.create_table(DatabaseName=lake.database, TableInput=table(f"t{number}"))
    pages = lake.glue.get_paginator("get_tables").paginate(DatabaseName=lake.database, PaginationConfig={"PageSize": 2})
    assert [[found["Name"] for found in page["TableList"]] for page in pages] == [["t0", "t1"], ["t2", "t3"], ["t4"]]
    only = lake.glue.get_tables(DatabaseName=lake.database, Expression="t[13]")["TableList"]
    assert [found["Name"] for found in only] == ["t1", "t3"]
    for number in range(4):
        lake.glue.update_table(DatabaseName=lake.database, TableInput=table("t0", Description=str(number)))
    pages = lake.glue.get_paginator("get_table_versions").paginate(
        DatabaseName=lake.database, TableName="t0", PaginationConfig={"PageSize": 3}
    )
    assert [[found["VersionId"] for found in page["TableVersions"]] for page in pages] == [["4", "3", "2"], ["1", "0"]]


def test_a_change_of_a_version_that_is_no_more_is_refused(lake: Lake) -> None:
    of_table = {"DatabaseName": lake.database, "TableInput": table("t")}
    lake.glue.create_table(**of_table)
    lake.glue.update_table(**of_table, VersionId="0")
    assert code_of(lake.glue.update_table, **of_table, VersionId="0") == "ConcurrentModificationException"
    lake.glue.update_table(**of_table, VersionId="1")
    lake.glue.update_table(**of_table)
    assert lake.glue.get_table(DatabaseName=lake.database, Name="t")["Table"]["VersionId"] == "3"


def test_a_tables_versions_are_numbered_from_0(lake: Lake) -> None:
    lake.glue.create_table(DatabaseName=lake.database, TableInput=table("t", Description="first"))
    created = lake.table("t")
    assert created["VersionId"] == "0"
    assert created["UpdateTime"] == created["CreateTime"]
    lake.glue.update_table(DatabaseName=lake.database, TableInput=table("t"))
    updated = lake.table("t")
    assert updated["VersionId"] == "1"
    assert "Description" not in updated
    assert updated["UpdateTime"] > created["UpdateTime"]
    old = lake.glue.get_table_version(DatabaseName=lake.database, TableName="t", VersionId="0")["TableVersion"]
    assert (old["VersionId"], old["Table"]["Description"]) == ("0", "first")


def test_an_update_of_a_table_keeps_its_partitions(lake: Lake, days: dict[str, str]) -> None:
    lake.glue.update_table(DatabaseName=lake.database, TableInput=table("t", Description="else"))
    assert len(lake.partitions("t")) == 12


def test_a_batch_tells_which_of_its_partitions_it_refused(lake: Lake, days: dict[str, str]) -> None:
    answer = lake.glue.batch_create_partition(
        **days, PartitionInputList=[partition("2026-01-01"), partition("2026-02-01")]
    )
    assert [(error["PartitionValues"], error["ErrorDetail"]["ErrorCode"]) for error in answer["Errors"]] == [
        (["2026-01-01"], "AlreadyExistsException")
    ]
    assert ("2026-02-01",) in lake.partitions("t")
    answer = lake.glue.batch_delete_partition(
        **days, PartitionsToDelete=[{"Values": ["2026-02-01"]}, {"Values": ["2026-03-01"]}]
    )
    assert [(error["PartitionValues"], error["ErrorDetail"]["ErrorCode"]) for error in answer["Errors"]] == [
        (["2026-03-01"], "EntityNotFoundException")
    ]
    entries = [
        {"PartitionValueList": [day], "PartitionInput": {**partition(day), "Parameters": {"a": "b"}}}
        for day in ("2026-01-01", "2026-03-01")
    ]
    answer = lake.glue.batch_update_partition(**days, Entries=entries)
    assert [(error["PartitionValueList"], error["ErrorDetail"]["ErrorCode"]) for error in answer["Errors"]] == [
        (["2026-03-01"], "EntityNotFoundException")
    ]
    found = lake.partitions("t")
    assert len(found) == 12
    assert found[("2026-01-01",)]["Parameters"] == {"a": "b"}
    got = lake.glue.batch_get_partition(**days, PartitionsToGet=[{"Values": ["2026-01-02"]}, {"Values": ["none"]}])
    assert [one["Values"] for one in got["Partitions"]] == [["2026-01-02"]]


def test_a_batch_over_its_limit_is_refused_whole(lake: Lake, days: dict[str, str]) -> None:
    many = [partition(f"2027-{number:03d}") for number in range(101)]
    entries = [{"PartitionValueList": one["Values"], "PartitionInput": one} for one in many]
    doomed = [{"Values": [f"2026-01-{day:02d}"]} for day in range(1, 27)]
    assert code_of(lake.glue.batch_create_partition, **days, PartitionInputList=many) == "ValidationException"
    assert code_of(lake.glue.batch_update_partition, **days, Entries=entries) == "ValidationException"
    assert code_of(lake.glue.batch_delete_partition, **days, PartitionsToDelete=doomed) == "ValidationException"
    assert len(lake.partitions("t")) == 12
    lake.glue.batch_create_partition(**days, PartitionInputList=many[:100])
    lake.glue.batch_delete_partition(**days, PartitionsToDelete=doomed[:25])
    assert len(lake.partitions("t")) == 100


@pytest.mark.parametrize("values", [[], ["2026", "01"]])
def test_a_partition_has_a_value_for_each_key(lake: Lake, days: dict[str, str], values: list[str]) -> None:
    wrong = partition(*values)
    assert code_of(lake.glue.create_partition, **days, PartitionInput=wrong) == "InvalidInputException"
    assert code_of(lake.glue.batch_create_partition, **days, PartitionInputList=[wrong]) == "InvalidInputException"
    assert len(lake.partitions("t")) == 12


def test_what_is_not_there_and_what_is_there_already_are_told_apart(lake: Lake, days: dict[str, str]) -> None:
    of_table = {"DatabaseName": lake.database, "TableName": "none"}
    missing = "EntityNotFoundException"
    assert code_of(lake.glue.get_table, DatabaseName=lake.database, Name="none") == missing
    assert code_of(lake.glue.get_tables, DatabaseName="nowhere") == missing
    assert code_of(lake.glue.get_partitions, **of_table) == missing
    assert code_of(lake.glue.get_partition, **days, PartitionValues=["none"]) == missing
    assert code_of(lake.glue.update_table, DatabaseName=lake.database, TableInput=table("none")) == missing
    assert code_of(lake.glue.delete_table, DatabaseName=lake.database, Name="none") == missing
    assert code_of(lake.glue.batch_create_partition, **of_table, PartitionInputList=[partition("1")]) == missing
    assert code_of(lake.glue.delete_partition, **days, PartitionValues=["none"]) == missing
    there = "AlreadyExistsException"
    assert code_of(lake.glue.create_table, DatabaseName=lake.database, TableInput=table("t")) == there
    assert code_of(lake.glue.create_partition, **days, PartitionInput=partition("2026-01-01")) == there
    assert code_of(lake.glue.create_database, DatabaseInput={"Name": lake.database}) == there


def test_an_operation_that_the_sandbox_lacks_is_refused_by_name(lake: Lake) -> None:
    with pytest.raises(lake.glue.exceptions.InvalidInputException, match="operation ListBlueprints"):
        lake.glue.list_blueprints()
    assert code_of(lake.glue.start_crawler_schedule, CrawlerName="none") == "InvalidInputException"


def test_another_region_is_refused(aws: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    elsewhere = boto3.client("glue", endpoint_url=aws.url, region_name="eu-west-1")
    assert code_of(elsewhere.get_crawlers) == "InvalidInputException"
