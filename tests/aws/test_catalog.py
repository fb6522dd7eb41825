from __future__ import annotations

from typing import Any

import pytest

from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.storage_formats import storage_descriptor, table_parameters
from dynamo_assets.errors import CatalogError, TableChangedError
from dynamo_assets.sandbox.endpoint import Endpoint

LABELS = [f"2026-11-{day:02}T{hour:02}:00:00" for day in range(1, 8) for hour in range(24)]


FOLDER = "s3://bucket/snapshots_orders/"


def storage(location: str = FOLDER, **columns: str) -> dict[str, Any]:
    return storage_descriptor("parquet", (columns or {"order_id": "string"}).items(), location, {})


@pytest.fixture
def catalog(aws: Endpoint, unique) -> Catalog:
    glue = aws.client("glue")
    database = unique("db")
    glue.create_database(DatabaseInput={"Name": database})
    catalog = Catalog(glue, database)
    catalog.create("snapshots_orders", storage(), table_parameters("parquet"))
    return catalog


def partitions(labels: list[str]) -> list[Any]:
    return [(label, storage(f"{FOLDER}snapshot_timestamp={label}/"), {}) for label in labels]


def test_more_partitions_than_one_call_takes_are_added_and_removed(catalog: Catalog) -> None:
    catalog.register("snapshots_orders", partitions(LABELS))
    assert sorted(catalog.labels("snapshots_orders")) == LABELS
    assert catalog.has_label("snapshots_orders", LABELS[-1])
    catalog.unregister("snapshots_orders", LABELS[1:])
    assert list(catalog.labels("snapshots_orders")) == LABELS[:1]
    assert not catalog.has_label("snapshots_orders", LABELS[-1])


def test_adding_and_removing_twice_is_safe(catalog: Catalog) -> None:
    catalog.register("snapshots_orders", partitions(LABELS[:2]))
    catalog.register("snapshots_orders", partitions(LABELS[:3]))
    assert sorted(catalog.labels("snapshots_orders")) == LABELS[:3]
    catalog.unregister("snapshots_orders", LABELS[:1])
    catalog.unregister("snapshots_orders", LABELS[:2])
    assert list(catalog.labels("snapshots_orders")) == LABELS[2:3]


def test_more_partitions_than_one_call_takes_are_described_anew(catalog: Catalog) -> None:
    catalog.register("snapshots_orders", [(*entry[:2], {"UPDATED_BY_CRAWLER": "x"}) for entry in partitions(LABELS)])
    assert all(partition.by_crawler for partition in catalog.registered("snapshots_orders").values())
    catalog.describe_anew("snapshots_orders", [(at, storage(at, n="bigint"), {"by": "us"}) for at in LABELS])
    assert list(catalog.registered("snapshots_orders")) == LABELS
    assert not any(partition.by_crawler for partition in catalog.registered("snapshots_orders").values())
    last = catalog.partition("snapshots_orders", LABELS[-1])
    assert last is not None
    assert last["StorageDescriptor"]["Columns"] == [{"Name": "n", "Type": "bigint"}]
    assert last["Parameters"] == {"by": "us"}


def test_a_partition_that_is_gone_is_not_described_anew(catalog: Catalog) -> None:
    catalog.describe_anew("snapshots_orders", partitions(LABELS[:1]))
    assert list(catalog.labels("snapshots_orders")) == []


def test_a_table_that_somebody_has_changed_since_it_was_read_is_not_written_over(catalog: Catalog) -> None:
    read = catalog.table("snapshots_orders")
    assert read is not None
    catalog.update(read, storage(theirs="bigint"), {})
    with pytest.raises(TableChangedError, match=r"\.snapshots_orders was changed by somebody else"):
        catalog.update(read, storage(ours="bigint"), {})
    now = catalog.table("snapshots_orders")
    assert now is not None
    assert now["StorageDescriptor"]["Columns"] == [{"Name": "theirs", "Type": "bigint"}]


def test_a_table_is_made_once(catalog: Catalog) -> None:
    catalog.create("snapshots_orders", storage(other="bigint"), {})
    table = catalog.table("snapshots_orders")
    assert table is not None
    assert table["StorageDescriptor"]["Columns"] == [{"Name": "order_id", "Type": "string"}]
    assert table["PartitionKeys"] == [{"Name": "snapshot_timestamp", "Type": "string"}]


def test_a_partition_is_changed_and_keeps_its_parameters(catalog: Catalog) -> None:
    (entry,) = partitions(LABELS[:1])
    catalog.register("snapshots_orders", [(entry[0], entry[1], {"recordCount": "7"})])
    partition = catalog.partition("snapshots_orders", LABELS[0])
    assert partition is not None
    catalog.update_partition("snapshots_orders", partition, storage(entry[1]["Location"], total="bigint"))
    changed = catalog.partition("snapshots_orders", LABELS[0])
    assert changed is not None
    assert changed["StorageDescriptor"]["Columns"] == [{"Name": "total", "Type": "bigint"}]
    assert changed["StorageDescriptor"]["Location"] == entry[1]["Location"]
    assert changed["Parameters"] == {"recordCount": "7"}


def test_a_table_s_new_columns_change_nothing_else_of_it(catalog: Catalog) -> None:
    before = catalog.table("snapshots_orders")
    assert before is not None
    catalog.update(before, storage(order_id="string", total="decimal(38,18)"), {"more": "x"})
    after = catalog.table("snapshots_orders")
    assert after is not None
    assert [column["Type"] for column in after["StorageDescriptor"]["Columns"]] == ["string", "decimal(38,18)"]
    for key in ("PartitionKeys", "TableType"):
        assert after[key] == before[key]
    assert after["Parameters"] == {**before["Parameters"], "more": "x"}
    catalog.update(after, storage(), {"only": "this"}, keep_parameters=False)
    last = catalog.table("snapshots_orders")
    assert last is not None
    assert last["Parameters"] == {"only": "this"}


def test_only_tables_at_or_below_a_location_are_found_there(catalog: Catalog) -> None:
    assert catalog.tables_at("s3://bucket/snapshots_orders") == ["snapshots_orders"]
    assert catalog.tables_at("s3://bucket/") == ["snapshots_orders"]
    assert catalog.tables_at("s3://bucket/snapshots_order") == []


def test_what_is_not_there_is_none(catalog: Catalog) -> None:
    assert catalog.table("nothing") is None
    assert catalog.partition("snapshots_orders", LABELS[0]) is None
    assert catalog.view_sql("nothing") is None


def test_a_table_in_the_place_of_a_view_is_refused(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match=r"snapshots_orders exists and is not an Athena view.*name:"):
        catalog.view_sql("snapshots_orders")


def test_a_view_is_made_what_it_was(catalog: Catalog, aws: Endpoint) -> None:
    glue = aws.client("glue")
    view: Any = {
        "Name": "orders",
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": "/* Presto View: eyJvcmlnaW5hbFNxbCI6ICJTRUxFQ1QgMSJ9 */",
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {"Columns": [{"Name": "n", "Type": "int"}]},
    }
    glue.create_table(DatabaseName=catalog.database, TableInput=view)
    before = catalog.table("orders")
    other: Any = {**view, "ViewOriginalText": "/* Presto View: eyJvcmlnaW5hbFNxbCI6ICJTRUxFQ1QgMiJ9 */"}
    glue.update_table(DatabaseName=catalog.database, TableInput=other)
    assert catalog.view_sql("orders") == "SELECT 2"

    catalog.restore("orders", before)

    assert catalog.view_sql("orders") == "SELECT 1"
    after = catalog.table("orders")
    assert after is not None
    assert {key: after.get(key) for key in view} == view
    catalog.restore("orders", None)
    assert catalog.table("orders") is None
