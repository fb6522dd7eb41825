"""Views: kept in the catalog as Athena keeps them, replaced in one update, stale when their query changes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pyarrow as pa
import pytest

from tests.sandbox.warehouse import Warehouse, parquet, types_of

COLUMNS = {"id": "bigint", "price": "decimal(10,2)", "tags": "array<string>", "address": "struct<city:string>"}


@pytest.fixture
def base(warehouse: Warehouse) -> Warehouse:
    warehouse.table("base", COLUMNS)
    warehouse.put("base/f", parquet({"id": [1, 2]}))
    return warehouse


def _table(warehouse: Warehouse, name: str) -> dict[str, Any]:
    return warehouse.glue.get_table(DatabaseName=warehouse.database, Name=name)["Table"]


def _redefine_base(warehouse: Warehouse, columns: dict[str, str]) -> None:
    warehouse.glue.update_table(
        DatabaseName=warehouse.database,
        TableInput={
            "Name": "base",
            "TableType": "EXTERNAL_TABLE",
            "StorageDescriptor": warehouse.storage("base", columns),
        },
    )


def test_a_view_is_kept_as_athena_keeps_it(base: Warehouse) -> None:
    query = 'SELECT id AS "Id", price, tags, address, now() AS at\nFROM base -- all of it'
    assert base.rows(f"CREATE VIEW v AS {query};") == []
    table = _table(base, "v")
    assert table["TableType"] == "VIRTUAL_VIEW"
    assert table["Parameters"] == {"presto_view": "true", "comment": "Presto View"}
    assert table["ViewExpandedText"] == "/* Presto View */"
    assert table["StorageDescriptor"]["Columns"] == [
        {"Name": "id", "Type": "bigint"},
        {"Name": "price", "Type": "decimal(10,2)"},
        {"Name": "tags", "Type": "array<string>"},
        {"Name": "address", "Type": "struct<city:string>"},
        {"Name": "at", "Type": "timestamp"},
    ]
    text = table["ViewOriginalText"]
    assert text.startswith("/* Presto View: ")
    assert text.endswith(" */")
    assert json.loads(base64.b64decode(text.removeprefix("/* Presto View: ").removesuffix(" */"))) == {
        "originalSql": query,
        "catalog": "awsdatacatalog",
        "schema": base.database,
        "columns": [
            {"name": "id", "type": "bigint"},
            {"name": "price", "type": "decimal(10,2)"},
            {"name": "tags", "type": "array(varchar)"},
            {"name": "address", "type": 'row("city" varchar)'},
            {"name": "at", "type": "timestamp(3) with time zone"},
        ],
        "runAsInvoker": False,
    }
    assert base.rows("SELECT ID, v.price FROM V ORDER BY id") == [(1, None), (2, None)]
    assert base.rows("SHOW CREATE VIEW v") == [(f"CREATE VIEW awsdatacatalog.{base.database}.v AS\n{query}",)]


def test_a_view_is_replaced_in_one_update_of_the_catalog(base: Warehouse) -> None:
    base.rows("CREATE OR REPLACE VIEW v AS SELECT id FROM base WHERE id = 1")
    base.rows("CREATE OR REPLACE VIEW v AS SELECT id, id + 1 AS following FROM base WHERE id = 2")
    assert base.rows("SELECT * FROM v") == [(2, 3)]
    versions = base.glue.get_table_versions(DatabaseName=base.database, TableName="v")["TableVersions"]
    # The second is an update of the first: nothing was deleted in between.
    assert len(versions) == 2


def test_views_read_views_and_live_in_their_own_database(base: Warehouse) -> None:
    base.rows("CREATE VIEW one AS SELECT id FROM base")
    base.rows("CREATE VIEW two AS SELECT id * 10 AS tens FROM one WHERE id > 1")
    elsewhere = base.cursor(schema_name="default")
    sql = f'SELECT tens FROM "awsdatacatalog"."{base.database}"."two"'
    assert elsewhere.execute(sql).fetchall() == [(20,)]


def test_a_view_has_no_way_around_its_definition(base: Warehouse) -> None:
    base.rows("CREATE VIEW v AS SELECT id FROM base WHERE id = 1 UNION ALL SELECT 7")
    assert base.rows("SELECT id FROM v WHERE id > 1 OR true ORDER BY 1") == [(1,), (7,)]
    assert base.fails("SELECT price FROM v").startswith("COLUMN_NOT_FOUND: line 1:8: Column 'price'")


@pytest.mark.parametrize(
    ("definition", "columns", "reason"),
    [
        (
            "SELECT * FROM base",
            {**COLUMNS, "extra": "string"},
            "stored view column count (4) does not match column count derived from the view query analysis (5)",
        ),
        (
            "SELECT id, price FROM base",
            {**COLUMNS, "id": "string"},
            "column [id] of type varchar projected from query view at position 0 cannot be coerced to",
        ),
        (
            "SELECT address FROM base",
            {**COLUMNS, "address": "struct<city:string,zip:int>"},
            "column [address] of type row(city varchar, zip integer) projected from query view at position 0 cannot",
        ),
    ],
)
def test_a_view_whose_query_gives_other_columns_now_is_stale(
    base: Warehouse, definition: str, columns: dict[str, str], reason: str
) -> None:
    base.rows(f"CREATE VIEW v AS {definition}")
    _redefine_base(base, columns)
    found = base.fails("SELECT 1 FROM v")
    view = f"View 'awsdatacatalog.{base.database}.v' is stale or in invalid state: {reason}"
    assert found.startswith(f"VIEW_IS_STALE: line 1:15: {view}")
    assert found.endswith("; it must be re-created")
    base.rows(f"CREATE OR REPLACE VIEW v AS {definition}")
    assert base.rows("SELECT count(*) FROM v") == [(2,)]


def test_a_view_outlives_changes_that_do_not_concern_it_or_that_athena_widens(base: Warehouse) -> None:
    base.rows("CREATE VIEW v AS SELECT id FROM base")
    _redefine_base(base, {**COLUMNS, "extra": "string", "id": "int"})
    base.put("base/f", parquet({"id": pa.array([7], pa.int32())}))
    cursor = base.cursor().execute("SELECT id FROM v")
    assert (cursor.fetchall(), types_of(cursor)) == ([(7,)], ["bigint"])


def test_a_view_whose_query_no_longer_works_is_invalid(base: Warehouse) -> None:
    base.rows("CREATE VIEW v AS SELECT id,\n price FROM base")
    base.rows("CREATE VIEW outer_v AS SELECT id FROM v")
    _redefine_base(base, {"id": "bigint"})
    inner = "line 2:2: Column 'price' cannot be resolved"
    failed = f"Failed analyzing stored view 'awsdatacatalog.{base.database}.v': {inner}"
    assert base.fails("SELECT id FROM v").startswith(f"INVALID_VIEW: line 1:16: {failed}")
    assert f"stored view 'awsdatacatalog.{base.database}.outer_v': line 1:16: {failed}" in base.fails(
        "SELECT id FROM outer_v"
    )
    base.rows("DROP TABLE base")
    assert f"Table 'awsdatacatalog.{base.database}.base' does not exist" in base.fails("SELECT id FROM v")


def test_a_view_of_itself_fails(base: Warehouse) -> None:
    base.rows("CREATE VIEW v AS SELECT id FROM base")
    base.rows("CREATE OR REPLACE VIEW v AS SELECT id FROM v")
    assert "View is recursive" in base.fails("SELECT id FROM v")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("CREATE VIEW base AS SELECT 1 AS x", "TABLE_ALREADY_EXISTS: line 1:1: Table already exists: 'awsdatacatalog."),
        ("CREATE OR REPLACE VIEW base AS SELECT 1 AS x", "TABLE_ALREADY_EXISTS: line 1:1: Table already exists"),
        ("CREATE VIEW old AS SELECT 1 AS x", "TABLE_ALREADY_EXISTS: line 1:1: View already exists"),
        ("CREATE VIEW v AS SELECT 1", "MISSING_COLUMN_NAME: line 1:1: Column name not specified at position 1"),
        ("CREATE VIEW v AS SELECT 1 AS x, 2 AS X", "DUPLICATE_COLUMN_NAME: line 1:1: Column name 'x' specified more"),
        ("CREATE VIEW v AS SELECT NULL AS x", "COLUMN_TYPE_UNKNOWN"),
        ("CREATE VIEW v AS SELECT nosuch FROM base", "COLUMN_NOT_FOUND: line 1:25: Column 'nosuch'"),
        ("CREATE VIEW v AS SELECT id, count(*) AS n FROM base", "EXPRESSION_NOT_AGGREGATE"),
        ("CREATE VIEW nosuch.v AS SELECT 1 AS x", "SCHEMA_NOT_FOUND: line 1:1: Schema 'nosuch' does not exist"),
        ("DROP VIEW base", "VIEW_NOT_FOUND: line 1:1: View 'awsdatacatalog."),
        ("DROP VIEW nosuch", "VIEW_NOT_FOUND: line 1:1: View 'awsdatacatalog."),
        ("DROP TABLE old", "TABLE_NOT_FOUND"),
        ("SHOW CREATE VIEW base", "NOT_SUPPORTED"),
    ],
)
def test_what_cannot_be_a_view_is_refused_and_changes_nothing(base: Warehouse, sql: str, reason: str) -> None:
    base.rows("CREATE VIEW old AS SELECT id FROM base")
    assert base.fails(sql).startswith(reason)
    assert base.rows("SELECT * FROM old ORDER BY 1") == [(1,), (2,)]
    assert base.rows("SHOW TABLES") == [("base",), ("old",)]
    assert _table(base, "base")["TableType"] == "EXTERNAL_TABLE"


def test_views_are_dropped(base: Warehouse) -> None:
    base.rows("CREATE VIEW v AS SELECT id FROM base")
    base.rows("DROP VIEW v")
    assert base.fails("SELECT * FROM v").startswith("TABLE_NOT_FOUND")
    assert base.rows("DROP VIEW IF EXISTS v") == []


def test_another_engines_view_is_refused(base: Warehouse) -> None:
    base.glue.create_table(
        DatabaseName=base.database,
        TableInput={"Name": "hive", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": "SELECT 1",
                    "StorageDescriptor": {"Columns": []}},
    )  # fmt: skip
    assert base.fails("SELECT * FROM hive").startswith("NOT_SUPPORTED: The sandbox does not read Hive's own views")
