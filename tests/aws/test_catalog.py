from __future__ import annotations

import pytest

from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.errors import CatalogError
from dynamo_assets.sandbox.endpoint import Endpoint

LABELS = [f"2026-11-{day:02}T{hour:02}:00:00" for day in range(1, 8) for hour in range(24)]


@pytest.fixture
def catalog(aws: Endpoint, unique) -> Catalog:
    glue = aws.client("glue")
    database = unique("db")
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(
        DatabaseName=database,
        TableInput={
            "Name": "snapshots_orders",
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet"},
            "PartitionKeys": [{"Name": "snapshot_timestamp", "Type": "string"}],
            "StorageDescriptor": {
                "Columns": [{"Name": "order_id", "Type": "string"}],
                "Location": "s3://bucket/snapshots_orders/",
                "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
            },
        },
    )
    return Catalog(glue, database)


def test_more_partitions_than_one_call_takes_are_added_and_removed(catalog: Catalog) -> None:
    table = catalog.table("snapshots_orders")
    assert table is not None
    catalog.register(table, LABELS)
    assert sorted(catalog.labels("snapshots_orders")) == LABELS
    assert catalog.has_label("snapshots_orders", LABELS[-1])
    catalog.unregister("snapshots_orders", LABELS[1:])
    assert list(catalog.labels("snapshots_orders")) == LABELS[:1]
    assert not catalog.has_label("snapshots_orders", LABELS[-1])


def test_adding_and_removing_twice_is_safe(catalog: Catalog) -> None:
    table = catalog.table("snapshots_orders")
    assert table is not None
    catalog.register(table, LABELS[:2])
    catalog.register(table, LABELS[:3])
    assert sorted(catalog.labels("snapshots_orders")) == LABELS[:3]
    catalog.unregister("snapshots_orders", LABELS[:1])
    catalog.unregister("snapshots_orders", LABELS[:2])
    assert list(catalog.labels("snapshots_orders")) == LABELS[2:3]


def test_a_partition_lies_in_its_own_folder(catalog: Catalog, aws: Endpoint) -> None:
    table = catalog.table("snapshots_orders")
    assert table is not None
    catalog.register(table, LABELS[:1])
    partition = aws.client("glue").get_partition(
        DatabaseName=catalog.database, TableName="snapshots_orders", PartitionValues=LABELS[:1]
    )["Partition"]
    assert partition["StorageDescriptor"]["Location"] == (
        f"s3://bucket/snapshots_orders/snapshot_timestamp={LABELS[0]}/"
    )


def test_new_columns_change_nothing_else_of_the_table(catalog: Catalog) -> None:
    before = catalog.table("snapshots_orders")
    assert before is not None
    columns = [{"Name": "order_id", "Type": "string"}, {"Name": "total", "Type": "decimal(38,18)"}]
    catalog.set_columns(before, columns)
    after = catalog.table("snapshots_orders")
    assert after is not None
    assert after["StorageDescriptor"]["Columns"] == columns
    for key in ("Parameters", "PartitionKeys", "TableType"):
        assert after[key] == before[key]
    assert after["StorageDescriptor"]["SerdeInfo"] == before["StorageDescriptor"]["SerdeInfo"]


def test_only_tables_at_or_below_a_location_are_found_there(catalog: Catalog) -> None:
    assert catalog.tables_at("s3://bucket/snapshots_orders") == ["snapshots_orders"]
    assert catalog.tables_at("s3://bucket/") == ["snapshots_orders"]
    assert catalog.tables_at("s3://bucket/snapshots_order") == []


def test_what_is_not_there_is_none(catalog: Catalog) -> None:
    assert catalog.table("nothing") is None
    assert catalog.view_sql("nothing") is None


def test_a_table_in_the_place_of_a_view_is_refused(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match=r"snapshots_orders exists and is not an Athena view.*name:"):
        catalog.view_sql("snapshots_orders")
