"""What a crawl changes in a catalog that another crawl, or a person, has written: the crawler's policies."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.sandbox.lake import Lake, columns_of

COMBINE = {"Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}}
INHERIT = {"CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}}}
MERGE = {"CrawlerOutput": {"Tables": {"AddOrUpdateBehavior": "MergeNewColumns"}}}
MERGE_AND_INHERIT = {"CrawlerOutput": {**INHERIT["CrawlerOutput"], **MERGE["CrawlerOutput"]}}
LOG_ONLY = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
NEW_FOLDERS_ONLY: dict[str, Any] = {
    "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
    "SchemaChangePolicy": LOG_ONLY,
}


def edit(lake: Lake, name: str, columns: dict[str, str], **changes: Any) -> None:
    """Changes a table as a person would."""
    table = lake.table(name)
    keep = ("Name", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")
    definition = {key: table[key] for key in keep} | changes
    definition["StorageDescriptor"]["Columns"] = [{"Name": key, "Type": value} for key, value in columns.items()]
    lake.glue.update_table(DatabaseName=lake.database, TableInput=definition)


def delete_behavior(behavior: str) -> dict[str, str]:
    return {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": behavior}


def test_a_table_has_the_shape_that_glues_crawlers_give(lake: Lake) -> None:
    lake.put_parquet("orders/day=1/a.parquet", {"id": [1, 2], "name": ["x", "y"]})
    lake.put_parquet("orders/day=2/a.parquet", {"id": [1], "name": ["x"]})
    name = lake.crawler("orders/", TablePrefix="snapshots_")
    lake.crawl(name)
    table = lake.table("snapshots_orders")
    sizes = [item["Size"] for item in lake.s3.list_objects_v2(Bucket=lake.bucket)["Contents"]]
    average = table["Parameters"].pop("averageRecordSize")
    assert int(average) > 0
    assert table["Parameters"] == {
        "classification": "parquet",
        "compressionType": "none",
        "typeOfData": "file",
        "CrawlerSchemaSerializerVersion": "1.0",
        "CrawlerSchemaDeserializerVersion": "1.0",
        "UPDATED_BY_CRAWLER": name,
        "objectCount": "2",
        "recordCount": "3",
        "sizeKey": str(sum(sizes)),
    }
    storage = table["StorageDescriptor"]
    assert storage["Parameters"] == table["Parameters"] | {"averageRecordSize": average}
    assert (table["TableType"], table["Owner"], table["Retention"], table["VersionId"]) == (
        "EXTERNAL_TABLE",
        "owner",
        0,
        "0",
    )
    assert (storage["Compressed"], storage["NumberOfBuckets"], storage["StoredAsSubDirectories"]) == (False, -1, False)
    assert (storage["BucketColumns"], storage["SortColumns"]) == ([], [])
    first = lake.partitions("snapshots_orders")[("1",)]
    assert first["Parameters"]["sizeKey"] == str(sizes[0])
    assert first["Parameters"]["recordCount"] == "2"
    assert first["StorageDescriptor"]["SerdeInfo"] == storage["SerdeInfo"]


def test_a_second_crawl_of_the_same_files_changes_nothing(lake: Lake) -> None:
    lake.put_parquet("t/day=1/a.parquet", {"id": [1]})
    name = lake.crawler("t/", configuration=INHERIT)
    lake.crawl(name)
    before = lake.table("t"), lake.partitions("t")
    lake.crawl(name)
    assert (lake.table("t"), lake.partitions("t")) == before
    assert "Summary" not in lake.glue.list_crawls(CrawlerName=name)["Crawls"][0]


def test_update_in_database_adds_changes_and_removes_columns(lake: Lake) -> None:
    lake.put_parquet("t/a.parquet", {"id": [1], "gone": [1], "name": ["x"]})
    name = lake.crawler("t/")
    lake.crawl(name)
    edit(lake, "t", lake.columns("t"), Description="by hand")
    lake.put_parquet("t/a.parquet", {"id": [1.5], "name": ["x"], "more": [True]})
    lake.crawl(name)
    table = lake.table("t")
    assert columns_of(table) == {"id": "double", "name": "string", "more": "boolean"}
    assert "Description" not in table  # "Remove any metadata that is not set by the crawler"
    versions = lake.glue.get_table_versions(DatabaseName=lake.database, TableName="t")["TableVersions"]
    assert [version["VersionId"] for version in versions] == ["2", "1", "0"]
    assert columns_of(versions[2]["Table"]) == {"id": "bigint", "gone": "bigint", "name": "string"}


def test_update_in_database_updates_the_partitions_whose_files_changed(lake: Lake) -> None:
    for day in (1, 2):
        lake.put_parquet(f"t/day={day}/a.parquet", {"id": [1], "a": [1], "b": [1], "c": [1]})
    name = lake.crawler("t/")
    lake.crawl(name)
    lake.put_parquet("t/day=2/b.parquet", {"id": [1.5], "a": [1], "b": [1], "c": [1]})
    lake.crawl(name)
    found = lake.partitions("t")
    assert columns_of(found[("1",)])["id"] == "bigint"
    assert columns_of(found[("2",)])["id"] == "double"
    assert found[("2",)]["Parameters"]["objectCount"] == "2"


def test_merge_new_columns_adds_and_touches_nothing_else(lake: Lake) -> None:
    lake.put_json("t/a.json", {"id": 1, "gone": 1, "nested": {"a": 1}, "list": [{"x": 1}]})
    name = lake.crawler("t/", configuration=MERGE)
    lake.crawl(name)
    columns = {**lake.columns("t"), "id": "string", "by_hand": "char(3)"}
    edit(lake, "t", columns, Description="by hand")
    lake.put_json("t/a.json", {"id": 1.5, "nested": {"a": "x", "b": 1}, "list": [{"x": 1, "y": {"z": 1}}], "new": 1})
    lake.crawl(name)
    table = lake.table("t")
    assert columns_of(table) == {
        "id": "string",
        "gone": "int",
        "nested": "struct<a:int,b:int>",
        "list": "array<struct<x:int,y:struct<z:int>>>",
        "by_hand": "char(3)",
        "new": "int",
    }
    assert table["Description"] == "by hand"
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["paths"] == "id,list,nested,new"


def test_merge_new_columns_deprecates_a_table_whose_format_changed(lake: Lake) -> None:
    lake.put_parquet("t/day=1/a.parquet", {"id": [1]})
    name = lake.crawler("t/", configuration=MERGE)
    lake.crawl(name)
    lake.delete("t/day=1/a.parquet")
    lake.put_json("t/day=2/a.json", {"id": 1})
    earlier = time.time()
    lake.crawl(name)
    table = lake.table("t")
    assert earlier - 1 < int(table["Parameters"]["DEPRECATED_BY_CRAWLER"]) / 1000 < time.time() + 1
    assert table["Parameters"]["classification"] == "parquet"
    assert set(lake.partitions("t")) == {("1",)}
    assert any("classification has changed from parquet to json" in line for line in lake.log(name))


def test_update_in_database_takes_a_change_of_format(lake: Lake) -> None:
    lake.put_parquet("t/day=1/a.parquet", {"id": [1]})
    name = lake.crawler("t/", SchemaChangePolicy=delete_behavior("DELETE_FROM_DATABASE"))
    lake.crawl(name)
    lake.delete("t/day=1/a.parquet")
    lake.put_json("t/day=2/a.json", {"id": 1})
    lake.crawl(name)
    assert lake.table("t")["Parameters"]["classification"] == "json"
    assert lake.table("t")["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("JsonSerDe")
    assert set(lake.partitions("t")) == {("2",)}


def test_update_behavior_log_adds_partitions_and_leaves_the_table(lake: Lake) -> None:
    lake.put_parquet("t/day=1/a.parquet", {"id": [1]})
    name = lake.crawler("t/", configuration=COMBINE, SchemaChangePolicy=LOG_ONLY)
    lake.crawl(name)
    before = lake.table("t")
    lake.put_parquet("t/day=1/a.parquet", {"id": [1], "new": [1]})
    lake.put_parquet("t/day=2/a.parquet", {"id": [1], "new": [1]})
    lake.crawl(name)
    assert lake.table("t") == before
    own = {values: columns_of(found) for values, found in lake.partitions("t").items()}
    assert own == {("1",): {"id": "bigint"}, ("2",): {"id": "bigint", "new": "bigint"}}
    assert any("The schema of table t has changed" in line for line in lake.log(name))


def test_update_behavior_log_with_inheritance_gives_partitions_the_tables_columns(lake: Lake) -> None:
    lake.put_parquet("t/day=1/a.parquet", {"id": [1]})
    name = lake.crawler("t/", configuration=COMBINE | INHERIT, SchemaChangePolicy=LOG_ONLY)
    lake.crawl(name)
    edit(lake, "t", {"id": "string", "by_hand": "int"})
    lake.put_parquet("t/day=2/a.parquet", {"id": [1], "new": [1]})
    lake.crawl(name)
    assert [columns_of(found) for found in lake.partitions("t").values()] == [{"id": "string", "by_hand": "int"}] * 2


def test_a_partition_registered_by_somebody_else_is_taken_over(lake: Lake) -> None:
    """The project's catalog asset registers partitions itself too."""
    lake.put_parquet("t/day=1/a.parquet", {"id": [1]})
    name = lake.crawler("t/", configuration=COMBINE | MERGE_AND_INHERIT)
    lake.crawl(name)
    lake.put_parquet("t/day=2/a.parquet", {"id": [1], "new": [1]})
    storage = {**lake.table("t")["StorageDescriptor"], "Location": f"s3://{lake.bucket}/t/day=2/"}
    lake.glue.create_partition(
        DatabaseName=lake.database, TableName="t", PartitionInput={"Values": ["2"], "StorageDescriptor": storage}
    )
    lake.crawl(name)
    found = lake.partitions("t")
    assert set(found) == {("1",), ("2",)}
    assert [columns_of(partition) for partition in found.values()] == [{"id": "bigint", "new": "bigint"}] * 2


@pytest.mark.parametrize("behavior", ["DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE", "LOG"])
def test_delete_behavior_decides_what_becomes_of_a_table_whose_files_are_gone(lake: Lake, behavior: str) -> None:
    lake.put_json("data/kept/1.json", {"id": 1})
    lake.put_json("data/gone/1.json", {"other": 1})
    lake.put_json("else/1.json", {"id": 1})
    lake.crawl(lake.crawler("else/"))
    name = lake.crawler("data/", SchemaChangePolicy=delete_behavior(behavior))
    lake.crawl(name)
    lake.glue.create_table(
        DatabaseName=lake.database,
        TableInput={"Name": "by_hand", "StorageDescriptor": {"Location": f"s3://{lake.bucket}/data/by_hand/"}},
    )
    lake.delete("data/gone/1.json")
    lake.crawl(name)
    tables = lake.tables()
    assert ("gone" in tables) == (behavior != "DELETE_FROM_DATABASE")
    assert {"kept", "else", "by_hand"} <= set(tables)
    deprecated = {table for table in tables if "DEPRECATED_BY_CRAWLER" in tables[table].get("Parameters", {})}
    assert deprecated == ({"gone"} if behavior == "DEPRECATE_IN_DATABASE" else set())
    if behavior == "LOG":
        assert any("Table gone has no matching schema at its location" in line for line in lake.log(name))


def test_a_deprecated_table_that_is_found_again_is_no_longer_deprecated(lake: Lake) -> None:
    lake.put_json("t/1.json", {"id": 1})
    name = lake.crawler("t/")
    lake.crawl(name)
    lake.delete("t/1.json")
    lake.crawl(name)
    stamp = lake.table("t")["Parameters"]["DEPRECATED_BY_CRAWLER"]
    lake.crawl(name)
    assert lake.table("t")["Parameters"]["DEPRECATED_BY_CRAWLER"] == stamp
    lake.put_json("t/1.json", {"id": 1})
    lake.crawl(name)
    table = lake.table("t")
    assert "DEPRECATED_BY_CRAWLER" not in table["Parameters"] | table["StorageDescriptor"]["Parameters"]


@pytest.mark.parametrize("behavior", ["DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE", "LOG"])
def test_delete_behavior_decides_what_becomes_of_a_partition_whose_files_are_gone(lake: Lake, behavior: str) -> None:
    for day in (1, 2):
        lake.put_json(f"t/day={day}/1.json", {"id": 1})
    name = lake.crawler("t/", SchemaChangePolicy=delete_behavior(behavior))
    lake.crawl(name)
    lake.glue.create_partition(
        DatabaseName=lake.database,
        TableName="t",
        PartitionInput={"Values": ["far"], "StorageDescriptor": {"Location": "s3://elsewhere/day=far/"}},
    )
    lake.delete("t/day=1/1.json")
    lake.crawl(name)
    kept = {("2",), ("far",)} if behavior == "DELETE_FROM_DATABASE" else {("1",), ("2",), ("far",)}
    assert set(lake.partitions("t")) == kept
    if behavior != "DELETE_FROM_DATABASE":
        assert any(
            "Found partition of table t with partition values ['1'] with no matching" in x for x in lake.log(name)
        )


def test_new_folders_only_reads_no_folder_twice(lake: Lake) -> None:
    lake.put_json("t/day=1/1.json", {"id": 1})
    name = lake.crawler("t/", configuration=COMBINE, **NEW_FOLDERS_ONLY)
    lake.crawl(name)
    before = lake.table("t")
    lake.put_json("t/day=1/2.json", {"id": 1, "unseen": 1})
    lake.put("t/day=1/broken.json", b'{"id": ')  # would fail the crawl
    lake.put_json("t/day=2/1.json", {"id": 1, "new": 1})
    lake.crawl(name)
    assert lake.table("t") == before
    own = {values: columns_of(found) for values, found in lake.partitions("t").items()}
    assert own == {("1",): {"id": "int"}, ("2",): {"id": "int", "new": "int"}}


def test_new_folders_only_deletes_nothing_and_leaves_out_another_format(lake: Lake) -> None:
    for day in (1, 2):
        lake.put_json(f"t/day={day}/1.json", {"id": 1})
    name = lake.crawler("t/", **NEW_FOLDERS_ONLY)
    lake.crawl(name)
    lake.delete("t/day=1/1.json")
    lake.put_parquet("t/day=3/1.parquet", {"id": [1]})
    lake.crawl(name)
    assert set(lake.partitions("t")) == {("1",), ("2",)}
    assert "DEPRECATED_BY_CRAWLER" not in lake.table("t")["Parameters"]
    assert any("classification has changed from json to parquet" in line for line in lake.log(name))


def test_a_folder_of_a_failed_crawl_is_still_new(lake: Lake) -> None:
    lake.put("t/day=1/1.json", b'{"id": ')
    name = lake.crawler("t/", **NEW_FOLDERS_ONLY)
    lake.crawl_fails(name)
    lake.put_json("t/day=1/1.json", {"id": 1})
    lake.crawl(name)
    assert set(lake.partitions("t")) == {("1",)}


def test_the_targets_of_a_crawler_of_new_folders_cannot_be_changed(lake: Lake) -> None:
    name = lake.crawler("t/", **NEW_FOLDERS_ONLY)
    with pytest.raises(lake.glue.exceptions.InvalidInputException):
        lake.glue.update_crawler(Name=name, Targets={"S3Targets": [{"Path": f"s3://{lake.bucket}/u/"}]})
    lake.glue.update_crawler(Name=name, Description="else")


def test_more_partitions_than_a_batch_or_a_page_holds_are_all_seen(lake: Lake) -> None:
    """BatchCreatePartition takes 100, BatchDeletePartition 25, GetPartitions answers 1,000 at a time."""
    files = {(f"{number:04d}",) for number in range(130)}
    for (number,) in files:
        lake.put(f"t/n={number}/1.json", b'{"id": 1}')
    name = lake.crawler("t/", SchemaChangePolicy=delete_behavior("DELETE_FROM_DATABASE"))
    lake.crawl(name)
    assert set(lake.partitions("t")) == files
    for start in range(1000, 2000, 100):
        gone = [
            {"Values": [str(number)], "StorageDescriptor": {"Location": f"s3://{lake.bucket}/t/n={number}/"}}
            for number in range(start, start + 100)
        ]
        lake.glue.batch_create_partition(DatabaseName=lake.database, TableName="t", PartitionInputList=gone)
    assert len(lake.partitions("t")) == 1130
    lake.crawl(name)
    assert set(lake.partitions("t")) == files


def test_a_partition_index_is_told_to_athena_by_a_property(lake: Lake) -> None:
    lake.put_json("t/day=1/1.json", {"id": 1})
    lake.crawl(lake.crawler("t/", configuration={"CreatePartitionIndex": True}))
    assert lake.table("t")["Parameters"]["partition_filtering.enabled"] == "true"
    assert "partition_filtering.enabled" not in lake.partitions("t")[("1",)]["Parameters"]


def test_other_partition_keys_than_the_tables_add_none_where_the_table_is_left(lake: Lake) -> None:
    lake.put_json("t/day=1/1.json", {"id": 1})
    name = lake.crawler("t/", SchemaChangePolicy=LOG_ONLY)
    lake.crawl(name)
    lake.delete("t/day=1/1.json")
    lake.put_json("t/hour=1/1.json", {"id": 1})
    lake.crawl(name)
    assert [key["Name"] for key in lake.table("t")["PartitionKeys"]] == ["day"]
    assert set(lake.partitions("t")) == {("1",)}
    assert any("Table t has other partition keys than ['hour']" in line for line in lake.log(name))
