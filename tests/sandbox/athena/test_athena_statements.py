"""The catalog's own statements, what kind each is said to be, and those that the sandbox refuses."""

from __future__ import annotations

import pytest

from tests.sandbox.warehouse import Warehouse, parquet


@pytest.fixture
def snapshots(warehouse: Warehouse) -> Warehouse:
    warehouse.table("snapshots", {"id": "bigint", "tags": "array<string>"}, keys={"at": "string", "part": "int"})
    for values in (("2026-01-01T00:00:00", "1"), ("2026-01-02T00:00:00", "2")):
        warehouse.partition("snapshots", *values)
    return warehouse


def _lines(warehouse: Warehouse, sql: str) -> list[str | None]:
    return [row[0] for row in warehouse.texts(sql)]


def test_show_partitions(snapshots: Warehouse) -> None:
    assert _lines(snapshots, "SHOW PARTITIONS snapshots") == [
        "at=2026-01-01T00:00:00/part=1",
        "at=2026-01-02T00:00:00/part=2",
    ]
    snapshots.table("flat", {"id": "bigint"})
    assert f"{snapshots.database}.flat is not a partitioned table" in snapshots.fails("SHOW PARTITIONS flat")
    missing = f"FAILED: SemanticException [Error 10001]: Table not found {snapshots.database}.nosuch"
    assert snapshots.fails("SHOW PARTITIONS nosuch") == missing


def test_show_tables_and_views(snapshots: Warehouse) -> None:
    snapshots.table("orders", {"id": "bigint"})
    snapshots.rows("CREATE VIEW latest AS SELECT id FROM orders")
    database = snapshots.database
    assert _lines(snapshots, "SHOW TABLES") == ["latest", "orders", "snapshots"]
    assert _lines(snapshots, f"show tables in `{database}` 'o*|snap*'") == ["orders", "snapshots"]
    assert _lines(snapshots, f"SHOW VIEWS IN {database} LIKE 'l*'") == ["latest"]
    assert _lines(snapshots, "SHOW VIEWS LIKE 'x*'") == []
    assert snapshots.fails("SHOW TABLES IN nosuch").startswith("FAILED: SemanticException [Error 10072]")


def test_show_databases_and_columns(snapshots: Warehouse) -> None:
    assert _lines(snapshots, f"SHOW DATABASES LIKE '{snapshots.database}'") == [snapshots.database]
    assert snapshots.database in _lines(snapshots, "SHOW SCHEMAS")
    columns = [line and line.strip() for line in _lines(snapshots, f"SHOW COLUMNS IN {snapshots.database}.snapshots")]
    assert columns == ["id", "tags", "at", "part"]
    assert columns == [name and name.strip() for name in _lines(snapshots, "SHOW COLUMNS FROM snapshots")]


def test_describe(snapshots: Warehouse) -> None:
    lines = _lines(snapshots, f"DESCRIBE {snapshots.database}.snapshots")
    described = [tuple(cell.strip() for cell in line.split("\t")) for line in lines if line]
    assert described == [
        ("id", "bigint", ""),
        ("tags", "array<string>", ""),
        ("at", "string", ""),
        ("part", "int", ""),
        ("", "", ""),
        ("# Partition Information", "", ""),
        ("# col_name", "data_type", "comment"),
        ("", "", ""),
        ("at", "string", ""),
        ("part", "int", ""),
    ]
    assert snapshots.fails("DESCRIBE nosuch").startswith("FAILED: SemanticException [Error 10001]")


def test_a_statements_result_is_a_text_file(snapshots: Warehouse) -> None:
    query = snapshots.finish(snapshots.start("SHOW TABLES"))
    location = query["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{snapshots.bucket}/results/{query['QueryExecutionId']}.txt"
    key = location.removeprefix(f"s3://{snapshots.bucket}/")
    assert snapshots.s3.get_object(Bucket=snapshots.bucket, Key=key)["Body"].read() == b"snapshots\n"


def test_databases_and_partitions_are_made_and_dropped(warehouse: Warehouse) -> None:
    database = f"{warehouse.database}_made"
    warehouse.rows(f"CREATE DATABASE {database} COMMENT 'by Athena'")
    assert warehouse.glue.get_database(Name=database)["Database"]["Description"] == "by Athena"
    warehouse.rows(f"CREATE SCHEMA IF NOT EXISTS {database}")
    assert "already exists" in warehouse.fails(f"CREATE DATABASE {database}")

    warehouse.table("t", {"id": "bigint"}, keys={"at": "string"})
    for at in ("t1", "t2", "t3"):
        warehouse.put(f"t/at={at}/f.parquet", parquet({"id": [1]}))
    warehouse.rows("ALTER TABLE t ADD PARTITION (at = 't1')")
    warehouse.rows(f"ALTER TABLE t ADD IF NOT EXISTS PARTITION (at='t9') LOCATION 's3://{warehouse.bucket}/t/at=t3/'")
    assert warehouse.rows("SELECT at, count(*) FROM t GROUP BY at ORDER BY 1") == [("t1", 1), ("t9", 1)]
    assert "already exists" in warehouse.fails("ALTER TABLE t ADD PARTITION (at = 't1')")
    warehouse.rows("ALTER TABLE t DROP PARTITION (at = 't9')")
    assert _lines(warehouse, "MSCK REPAIR TABLE t") == [
        "Repair: Added partition to metastore t:at=t2",
        "Repair: Added partition to metastore t:at=t3",
    ]
    assert warehouse.rows("SELECT count(*) FROM t") == [(3,)]
    assert "Partition not found" in warehouse.fails("ALTER TABLE t DROP PARTITION (nosuch = 't1')")


@pytest.mark.parametrize(
    ("sql", "statement", "substatement"),
    [
        ("SELECT 1", "DML", "SELECT"),
        ("SHOW TABLES", "UTILITY", "SHOW_TABLES"),
        ("DESCRIBE snapshots", "UTILITY", "DESCRIBE_TABLE"),
        ("-- why\ncreate view v as select 1 as x", "DDL", "CREATE_VIEW"),
        ("DROP VIEW IF EXISTS v", "DDL", "DROP_VIEW"),
    ],
)
def test_a_statement_is_said_to_be_what_it_is(
    snapshots: Warehouse, sql: str, statement: str, substatement: str
) -> None:
    query = snapshots.finish(snapshots.start(sql))
    assert query["Status"]["State"] == "SUCCEEDED"
    assert (query["StatementType"], query["SubstatementType"]) == (statement, substatement)
    assert query["Query"] == sql


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("INSERT INTO snapshots VALUES (1)", "INSERT"),
        ("CREATE TABLE t AS SELECT 1 AS x", "CREATE TABLE"),
        ("CREATE EXTERNAL TABLE t (x int) LOCATION 's3://b/t/'", "CREATE EXTERNAL TABLE"),
        ("UNLOAD (SELECT 1) TO 's3://b/x' WITH (format = 'PARQUET')", "UNLOAD"),
        ("DELETE FROM snapshots", "DELETE"),
        ("UPDATE snapshots SET id = 1", "UPDATE"),
        ("MERGE INTO snapshots USING t ON true WHEN MATCHED THEN DELETE", "MERGE"),
        ("EXPLAIN SELECT 1", "EXPLAIN"),
        ("PREPARE p FROM SELECT 1", "PREPARE"),
        ("EXECUTE p", "EXECUTE"),
        ("ALTER TABLE snapshots ADD COLUMNS (x int)", "ALTER TABLE"),
        ("ALTER TABLE snapshots ADD PARTITION (at='a') PARTITION (at='b')", "ALTER TABLE"),
        ("DROP DATABASE d CASCADE", "DROP DATABASE"),
        ("SHOW CREATE TABLE snapshots", "SHOW CREATE TABLE"),
        ("SHOW FUNCTIONS", "SHOW"),
        ("DESCRIBE EXTENDED snapshots", "DESCRIBE"),
        ("CREATE VIEW v (a) AS SELECT 1", "CREATE"),
        ("VACUUM snapshots", "VACUUM"),
    ],
)
def test_a_statement_that_is_not_executed_is_refused_by_name(snapshots: Warehouse, sql: str, named: str) -> None:
    refused = snapshots.athena.exceptions.InvalidRequestException
    with pytest.raises(refused, match=f"The sandbox does not execute this {named} statement"):
        snapshots.start(sql)
