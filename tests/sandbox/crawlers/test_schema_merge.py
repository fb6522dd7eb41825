"""Files of one table whose schemas differ."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from tests.sandbox.lake import Lake, columns_of

COMBINE = {"Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}}


def decimal(precision: int, scale: int) -> pa.Array:
    return pa.array([Decimal(1)], pa.decimal128(precision, scale))


@pytest.mark.parametrize(
    ("one", "other", "hive"),
    [
        (pa.array([1], pa.int32()), pa.array([1], pa.int64()), "bigint"),
        (pa.array([1], pa.int8()), pa.array([1], pa.int16()), "smallint"),
        (pa.array([1], pa.int64()), pa.array([1.5]), "double"),
        (pa.array([1.5], pa.float32()), pa.array([1.5]), "double"),
        (decimal(10, 2), decimal(12, 6), "decimal(14,6)"),
        (decimal(38, 18), pa.array([1], pa.int64()), "decimal(38,18)"),
        (decimal(38, 0), decimal(38, 18), "string"),
        (decimal(10, 2), pa.array([1.5]), "double"),
        (pa.array([1]), pa.array(["x"]), "string"),
        (pa.array([True]), pa.array([1]), "string"),
        (pa.array([[1]]), pa.array([[1.5]]), "array<double>"),
        (pa.array([[1]]), pa.array(["x"]), "string"),
        (pa.array([{"a": 1}]), pa.array([{"b": "x", "a": 1.5}]), "struct<a:double,b:string>"),
        (
            pa.array([{"a": [{"b": 1}]}]),
            pa.array([{"a": [{"c": 1}]}]),
            "struct<a:array<struct<b:bigint,c:bigint>>>",
        ),
        (
            pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
            pa.array([[("k", 1.5)]], pa.map_(pa.string(), pa.float64())),
            "map<string,double>",
        ),
        (pa.nulls(1), pa.array([1]), "bigint"),
    ],
)
def test_a_column_has_the_type_that_holds_the_types_of_all_files(
    lake: Lake, one: pa.Array, other: pa.Array, hive: str
) -> None:
    for first, second, table in ((one, other, "t"), (other, one, "swapped")):
        lake.put_parquet(f"{table}/1.parquet", {"c": first})
        lake.put_parquet(f"{table}/2.parquet", {"c": second})
    lake.crawl(lake.crawler("t/"))
    assert lake.columns("t") == {"c": hive}
    lake.crawl(lake.crawler("swapped/"))
    swapped = lake.columns("swapped")["c"]
    assert sorted(swapped) == sorted(hive)  # a struct's fields may come in the other order


def test_partitions_of_different_columns_merge_in_the_table_and_keep_their_own(lake: Lake) -> None:
    lake.put_parquet("t/day=1/a.parquet", {"id": [1], "name": ["x"]})
    lake.put_parquet("t/day=2/a.parquet", {"id": [1.5], "extra": [[1]], "name": ["x"]})
    lake.crawl(lake.crawler("t/", configuration=COMBINE))
    assert lake.columns("t") == {"id": "double", "name": "string", "extra": "array<bigint>"}
    own = {values: columns_of(found) for values, found in lake.partitions("t").items()}
    assert own == {
        ("1",): {"id": "bigint", "name": "string"},
        ("2",): {"id": "double", "extra": "array<bigint>", "name": "string"},
    }


def test_partitions_inherit_the_tables_columns_where_so_configured(lake: Lake) -> None:
    lake.put_parquet("t/day=1/a.parquet", {"id": [1], "name": ["x"]})
    lake.put_parquet("t/day=2/a.parquet", {"id": [1.5], "name": ["x"], "extra": [1]})
    inherit = {"CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}}}
    name = lake.crawler("t/", configuration=COMBINE | inherit)
    lake.crawl(name)
    table = lake.columns("t")
    assert table == {"id": "double", "name": "string", "extra": "bigint"}
    assert [columns_of(found) for found in lake.partitions("t").values()] == [table, table]
    lake.put_parquet("t/day=3/a.parquet", {"id": [1.5], "late": [1]})
    lake.crawl(name)
    table = lake.columns("t")
    assert list(table) == ["id", "name", "extra", "late"]
    assert [columns_of(found) for found in lake.partitions("t").values()] == [table] * 3


def test_names_that_differ_in_case_only_are_one_column(lake: Lake) -> None:
    lake.put_parquet("t/a.parquet", {"Id": [1], "ID": [1.5]})
    lake.crawl(lake.crawler("t/"))
    assert lake.columns("t") == {"id": "double"}


def test_columns_that_arrow_has_and_hive_has_not_are_widened(lake: Lake) -> None:
    lake.put_parquet("t/a.parquet", {"n": pa.array([1], pa.uint32()), "t": pa.array([0], pa.timestamp("ns", tz="UTC"))})
    lake.crawl(lake.crawler("t/"))
    assert lake.columns("t") == {"n": "bigint", "t": "timestamp"}
