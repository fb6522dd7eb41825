"""Which files make one table, which folders are its partitions, and which files are passed over."""

from __future__ import annotations

import pytest

from tests.sandbox.lake import Lake, columns_of

COMBINE = {"Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}}


def test_a_folder_of_alike_files_is_one_table_named_after_it(lake: Lake) -> None:
    lake.put_json("Web-Shop/Order.Items/1.json", {"id": 1})
    lake.put_json("Web-Shop/Order.Items/2.json", {"id": 2})
    lake.crawl(lake.crawler("Web-Shop/Order.Items/", TablePrefix="Raw-"))
    table = lake.table("raw_order_items")
    assert list(lake.tables()) == ["raw_order_items"]
    assert table["StorageDescriptor"]["Location"] == f"s3://{lake.bucket}/Web-Shop/Order.Items/"
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert table["PartitionKeys"] == []
    assert table["Parameters"]["objectCount"] == "2"


def test_the_slash_at_the_end_of_a_path_may_be_left_out(lake: Lake) -> None:
    lake.put_json("orders/1.json", {"id": 1})
    lake.put_json("orders_old/1.json", {"other": 1})
    lake.crawl(lake.crawler("orders"))
    assert {name: columns_of(table) for name, table in lake.tables().items()} == {"orders": {"id": "int"}}


def test_a_whole_bucket_is_a_table_named_after_it(lake: Lake) -> None:
    lake.put_json("1.json", {"id": 1})
    lake.crawl(lake.crawler(""))
    assert list(lake.tables()) == [lake.bucket.replace("-", "_")]


def test_a_path_may_be_one_file(lake: Lake) -> None:
    lake.put_json("orders/1.json", {"id": 1})
    lake.put_json("orders/2.json", {"other": 1})
    lake.crawl(lake.crawler("orders/1.json"))
    assert {name: columns_of(table) for name, table in lake.tables().items()} == {"1_json": {"id": "int"}}


def test_key_value_folders_of_any_depth_are_partitions(lake: Lake) -> None:
    for key in ("Year=2026/month=01/day=5", "Year=2026/month=02/day=a=b", "Year=2027/month=01/day=2026-11-23T10:00:07"):
        lake.put_json(f"orders/{key}/1.json", {"id": 1})
    lake.crawl(lake.crawler("orders/"))
    assert lake.table("orders")["PartitionKeys"] == [
        {"Name": "year", "Type": "string"},
        {"Name": "month", "Type": "string"},
        {"Name": "day", "Type": "string"},
    ]
    found = lake.partitions("orders")
    assert set(found) == {("2026", "01", "5"), ("2026", "02", "a=b"), ("2027", "01", "2026-11-23T10:00:07")}
    partition = found[("2027", "01", "2026-11-23T10:00:07")]
    location = f"s3://{lake.bucket}/orders/Year=2027/month=01/day=2026-11-23T10:00:07/"
    assert partition["StorageDescriptor"]["Location"] == location
    assert columns_of(partition) == {"id": "int"}
    assert partition["Parameters"]["objectCount"] == "1"


def test_alike_folders_that_name_no_key_are_partitions_without_a_name(lake: Lake) -> None:
    for folder in ("table1/p1", "table1/p2", "table2/p3"):
        lake.put_json(f"data/{folder}/1.json", {"id": 1})
    lake.crawl(lake.crawler("data/"))
    assert [key["Name"] for key in lake.table("data")["PartitionKeys"]] == ["partition_0", "partition_1"]
    assert set(lake.partitions("data")) == {("table1", "p1"), ("table1", "p2"), ("table2", "p3")}


def test_a_single_folder_that_names_no_key_is_the_table(lake: Lake) -> None:
    lake.put_json("exports/orders/day=1/1.json", {"id": 1})
    lake.crawl(lake.crawler("exports/"))
    assert [key["Name"] for key in lake.table("orders")["PartitionKeys"]] == ["day"]


def test_folders_of_unlike_schemas_are_tables_of_their_own(lake: Lake) -> None:
    """The example of Glue's developer guide."""
    lake.put_json("table1/year=2017/data1.json", {"A": 1, "B": 2})
    lake.put_json("table1/year=2018/data2.json", {"C": 3, "D": 4})
    lake.crawl(lake.crawler("table1/"))
    assert {name: list(columns_of(table)) for name, table in lake.tables().items()} == {
        "year_2017": ["a", "b"],
        "year_2018": ["c", "d"],
    }


def test_combine_compatible_schemas_makes_one_table_of_unlike_schemas(lake: Lake) -> None:
    lake.put_json("table1/year=2017/data1.json", {"A": 1, "B": 2})
    lake.put_json("table1/year=2018/data2.json", {"C": 3, "D": 4})
    lake.crawl(lake.crawler("table1/", configuration=COMBINE))
    assert lake.columns("table1") == {"a": "int", "b": "int", "c": "int", "d": "int"}
    assert {values: list(columns_of(found)) for values, found in lake.partitions("table1").items()} == {
        ("2017",): ["a", "b"],
        ("2018",): ["c", "d"],
    }


def test_most_folders_alike_are_enough(lake: Lake) -> None:
    for number in range(4):
        lake.put_json(f"t/day={number}/1.json", {"id": 1, "name": "x"})
    lake.put_json("t/day=4/1.json", {"quite": 1, "different": 2})
    lake.crawl(lake.crawler("t/"))
    assert list(lake.tables()) == ["t"]
    assert list(lake.columns("t")) == ["id", "name", "quite", "different"]


def test_folders_of_several_formats_are_not_one_table_even_combined(lake: Lake) -> None:
    lake.put_json("t/day=1/1.json", {"id": 1})
    lake.put_parquet("t/day=2/1.parquet", {"id": [1]})
    lake.crawl(lake.crawler("t/", configuration=COMBINE))
    found = {name: table["Parameters"]["classification"] for name, table in lake.tables().items()}
    assert found == {"day_1": "json", "day_2": "parquet"}


def test_files_of_several_formats_in_a_folder_are_tables_of_their_own(lake: Lake) -> None:
    lake.put_json("t/a.json", {"id": 1})
    lake.put_parquet("t/b.parquet", {"id": [1]})
    lake.crawl(lake.crawler("t/"))
    locations = {name: table["StorageDescriptor"]["Location"] for name, table in lake.tables().items()}
    assert locations == {"a_json": f"s3://{lake.bucket}/t/a.json", "b_parquet": f"s3://{lake.bucket}/t/b.parquet"}


def test_the_table_level_says_where_tables_lie(lake: Lake) -> None:
    """The bucket is level 1."""
    for table in ("orders", "reviews"):
        for day in (1, 2):
            lake.put_json(f"exports/{table}/day={day}/1.json", {f"{table}_{day}": 1})
    lake.put_json("exports/above.json", {"id": 1})
    lake.crawl(lake.crawler("exports/", configuration={"Grouping": {"TableLevelConfiguration": 3}}))
    assert {name: list(columns_of(table)) for name, table in lake.tables().items()} == {
        "orders": ["orders_1", "orders_2"],
        "reviews": ["reviews_1", "reviews_2"],
    }
    assert set(lake.partitions("orders")) == {("1",), ("2",)}


def test_a_name_that_another_location_has_gets_a_hash(lake: Lake) -> None:
    lake.put_json("a/orders/1.json", {"id": 1})
    lake.put_json("b/orders/1.json", {"id": 1, "more": 1})
    lake.crawl(lake.crawler("a/orders/"))
    second = lake.crawler("b/orders/")
    lake.crawl(second)
    lake.crawl(second)
    plain, hashed = sorted(lake.tables())
    assert plain == "orders"
    assert hashed.startswith("orders_")
    assert len(hashed) == len("orders_") + 32
    assert lake.table(hashed)["StorageDescriptor"]["Location"] == f"s3://{lake.bucket}/b/orders/"


def test_more_tables_than_the_threshold_fail_the_crawl_before_any_is_written(lake: Lake) -> None:
    lake.put_json("t/a/1.json", {"id": 1})
    lake.put_json("t/b/1.json", {"other": 1})
    threshold = {"CrawlerOutput": {"Tables": {"TableThreshold": 1}}}
    message = lake.crawl_fails(lake.crawler("t/", configuration=threshold))
    assert "tables detected by crawler: 2 is greater than the table threshold value provided: 1" in message
    assert lake.tables() == {}


def test_several_targets_make_several_tables(lake: Lake) -> None:
    lake.put_json("a/1.json", {"id": 1})
    lake.put_json("b/1.json", {"id": 1})
    targets = {"S3Targets": [{"Path": f"s3://{lake.bucket}/{path}/"} for path in "ab"]}
    lake.crawl(lake.crawler("", Targets=targets))
    assert set(lake.tables()) == {"a", "b"}


def test_hidden_and_empty_objects_are_passed_over(lake: Lake) -> None:
    lake.put_json("orders/day=1/1.json", {"id": 1})
    for key in ("_SUCCESS", ".crc", "day=1/", "day=2/", "day=2_$folder$", "day=3/empty.json"):
        lake.put(f"orders/{key}", b"")
    for key in ("_temporary/0/1.json", "day=1/_1.json", ".hidden/day=9/1.json", "day=1/.1.json.swp"):
        lake.put(f"orders/{key}", b"no data at all")
    lake.crawl(lake.crawler("orders/"))
    assert set(lake.partitions("orders")) == {("1",)}
    assert lake.table("orders")["Parameters"]["objectCount"] == "1"


def test_a_target_below_a_hidden_folder_is_crawled(lake: Lake) -> None:
    lake.put_json("_manifests/orders/1.json", {"id": 1})
    lake.crawl(lake.crawler("_manifests/orders/"))
    assert list(lake.tables()) == ["orders"]


@pytest.mark.parametrize("keys", [[], ["orders/_SUCCESS", "orders/day=1/"], ["orders_old/1.json"]])
def test_a_target_without_files_makes_no_table_and_the_crawl_succeeds(lake: Lake, keys: list[str]) -> None:
    for key in keys:
        lake.put(key, b'{"id": 1}' if key.endswith("json") else b"")
    lake.crawl(lake.crawler("orders/"))
    assert lake.tables() == {}


# The table of Glue's developer guide, "Include and exclude patterns", and its examples.
@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("departments/**", {"employees/hr.json", "employees/john.csv", "employees/juan.txt", "top.json"}),
        ("departments/market*", {"departments/finance.json", "employees/**", "top.json"}),
        ("**.csv", {"departments/**", "employees/hr.json", "employees/juan.txt", "top.json"}),
        ("employees/*.csv", {"departments/**", "employees/hr.json", "employees/juan.txt", "top.json"}),
        ("*.json", {"departments/**", "employees/**"}),
        ("employees/*.{csv,txt}", {"departments/**", "employees/hr.json", "top.json"}),
        ("employees/h?.json", {"departments/**", "employees/john.csv", "employees/juan.txt", "top.json"}),
        (
            "departments/market-[!u]*",
            {"departments/finance.json", "departments/market-us.json", "employees/**", "top.json"},
        ),
        ("departments/{[!m],market-[a-e]}**", {"departments/market-us.json", "employees/**", "top.json"}),
        ("departments/*/*", {"departments/**", "employees/**", "top.json"}),
    ],
)
def test_exclusions_are_globs_as_glue_documents_them(lake: Lake, pattern: str, left: set[str]) -> None:
    keys = {
        "departments/finance.json", "departments/market-us.json", "departments/market-emea.json",
        "departments/market-ap.json", "employees/hr.json", "employees/john.csv", "employees/juan.txt", "top.json",
    }  # fmt: skip
    for key in keys:
        lake.put_json(f"data/{key}", {key.replace("/", " "): 1})
    lake.crawl(lake.crawler("data/", exclusions=[pattern], configuration=COMBINE))
    expected = {key for key in keys if key in left or f"{key.split('/')[0]}/**" in left}
    assert {column.replace(" ", "/") for table in lake.tables() for column in lake.columns(table)} == expected
    assert expected != keys or pattern == "departments/*/*"


def test_exclusions_are_kept_as_a_property_of_the_table(lake: Lake) -> None:
    lake.put_json("orders/1.json", {"id": 1})
    lake.crawl(lake.crawler("orders/", exclusions=["**.tmp"]))
    assert lake.table("orders")["Parameters"]["exclusions"] == f'["s3://{lake.bucket}/orders/**.tmp"]'
