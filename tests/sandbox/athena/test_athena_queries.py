"""SELECT: names resolved and errors told as Athena does, joins, groups, UNNEST, and results as Athena writes them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyathena.error import DatabaseError

from tests.sandbox.warehouse import Warehouse, parquet, types_of

RESOURCES = "cannot be resolved or requester is not authorized to access requested resources"


@pytest.fixture
def shop(warehouse: Warehouse) -> Warehouse:
    """Orders with their items, and customers."""
    items = pa.list_(pa.struct([("sku", pa.string()), ("n", pa.int32())]))
    warehouse.table(
        "orders",
        {
            "id": "bigint",
            "customer": "string",
            "total": "decimal(10,2)",
            "items": "array<struct<sku:string,n:int>>",
            "labels": "map<string,bigint>",
            "address": "struct<city:string,geo:struct<lat:double>>",
        },
    )
    warehouse.put(
        "orders/f",
        parquet(
            {
                "id": [1, 2, 3],
                "customer": ["ann", "bob", "ann"],
                "total": pa.array([Decimal("10.00"), Decimal("2.50"), None], pa.decimal128(10, 2)),
                "items": pa.array([[{"sku": "x", "n": 1}, {"sku": "y", "n": 2}], [], None], items),
                "labels": pa.array([[("a", 1), ("b", 2)], [], None], pa.map_(pa.string(), pa.int64())),
                "address": [{"city": "Roma", "geo": {"lat": 41.9}}, None, {"city": None, "geo": None}],
            }
        ),
    )
    warehouse.table("customers", {"name": "string", "Age": "int"})
    warehouse.put("customers/f", parquet({"name": ["ann", "cid"], "age": pa.array([30, 40], pa.int32())}))
    return warehouse


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT ID, o.Customer FROM Orders o WHERE O.id = 1", [(1, "ann")]),
        ('SELECT "ID" FROM "ORDERS" ORDER BY id DESC LIMIT 1', [(3,)]),
        (
            "SELECT address.city, o.address.geo.lat FROM orders o ORDER BY id",
            [("Roma", 41.9), (None, None), (None, None)],
        ),
        ("SELECT orders.id FROM {db}.orders WHERE {db}.orders.id = 2", [(2,)]),
        ('SELECT count(*) FROM "awsdatacatalog"."{db}"."orders"', [(3,)]),
        ("SELECT customer, count(*) AS n FROM orders GROUP BY customer ORDER BY n DESC", [("ann", 2), ("bob", 1)]),
        ("SELECT customer FROM orders GROUP BY 1 HAVING count(*) > 1", [("ann",)]),
        (
            "SELECT id % 2, sum(total) FROM orders GROUP BY id % 2 ORDER BY 1",
            [(0, Decimal("2.50")), (1, Decimal("10.00"))],
        ),
        ("SELECT customer, id FROM orders ORDER BY customer DESC, 2 DESC LIMIT 2", [("bob", 2), ("ann", 3)]),
        ("SELECT id FROM orders ORDER BY total", [(2,), (1,), (3,)]),
        ("SELECT id FROM orders ORDER BY total DESC NULLS FIRST OFFSET 1 LIMIT 1", [(1,)]),
        ("SELECT id * 2 AS twice FROM orders ORDER BY -twice FETCH FIRST 1 ROWS ONLY", [(6,)]),
        ("SELECT DISTINCT customer FROM orders ORDER BY 1", [("ann",), ("bob",)]),
        (
            "SELECT customer, count(*) FROM orders GROUP BY ROLLUP (customer) ORDER BY 2, 1",
            [("bob", 1), ("ann", 2), (None, 3)],
        ),
        ("SELECT o.id, c.age FROM orders o JOIN customers c ON o.customer = c.name ORDER BY 1", [(1, 30), (3, 30)]),
        (
            "SELECT o.id, c.age FROM orders o LEFT JOIN customers c ON o.customer = c.name ORDER BY 1",
            [(1, 30), (2, None), (3, 30)],
        ),
        ("SELECT count(o.id), count(c.name) FROM orders o FULL JOIN customers c ON o.customer = c.name", [(3, 3)]),
        ("SELECT count(*) FROM orders, customers", [(6,)]),
        (
            "SELECT name, a.age + b.age FROM customers a JOIN customers b USING (name) ORDER BY 1",
            [("ann", 60), ("cid", 80)],
        ),
        ("SELECT * FROM customers a JOIN customers b USING (name) ORDER BY 1 LIMIT 1", [("ann", 30, 30)]),
        ("SELECT o.id FROM (orders o JOIN customers c ON o.customer = c.name) ORDER BY 1", [(1,), (3,)]),
        (
            "SELECT (SELECT age FROM customers WHERE name = o.customer) FROM orders o ORDER BY id",
            [(30,), (None,), (30,)],
        ),
        (
            "SELECT id FROM orders o WHERE EXISTS (SELECT 1 FROM customers WHERE name = o.customer) ORDER BY 1",
            [(1,), (3,)],
        ),
        ("SELECT id FROM orders WHERE customer NOT IN (SELECT name FROM customers)", [(2,)]),
        (
            """WITH big (n) AS (SELECT id FROM orders WHERE total > 5), two AS (SELECT n + 1 AS m FROM big)
               SELECT * FROM big, two b CROSS JOIN two""",
            [(1, 2, 2)],
        ),
        ("SELECT a FROM (VALUES (1, 'x'), (2, NULL)) AS v (a, b) WHERE b IS NULL", [(2,)]),
        ("VALUES (1, 'x'), (2.5, 'y')", [(Decimal("1.0"), "x"), (Decimal("2.5"), "y")]),
        ("TABLE customers", [("ann", 30), ("cid", 40)]),
        (
            "SELECT id FROM orders UNION SELECT age FROM customers WHERE age > 30 ORDER BY id DESC LIMIT 2",
            [(40,), (3,)],
        ),
        ("SELECT 1 AS one UNION ALL SELECT 1 EXCEPT SELECT 2", [(1,)]),
        ("(SELECT name FROM customers INTERSECT SELECT customer FROM orders)", [("ann",)]),
        ("SELECT sku, n FROM orders CROSS JOIN UNNEST(items) AS i (sku, n)", [("x", 1), ("y", 2)]),
        ("SELECT id, i.sku FROM orders, UNNEST(items) AS i ORDER BY 2 DESC", [(1, "y"), (1, "x")]),
        (
            "SELECT id, sku FROM orders LEFT JOIN UNNEST(items) AS i (sku, n) ON true ORDER BY 1, 2",
            [(1, "x"), (1, "y"), (2, None), (3, None)],
        ),
        (
            "SELECT id, k, v, o FROM orders CROSS JOIN UNNEST(labels) WITH ORDINALITY AS l (k, v, o)",
            [(1, "a", 1, 1), (1, "b", 2, 2)],
        ),
        (
            "SELECT x, y, o FROM UNNEST(ARRAY[1, 2], ARRAY['a']) WITH ORDINALITY AS t (x, y, o)",
            [(1, "a", 1), (2, None, 2)],
        ),
        (
            "SELECT count(*) FROM orders CROSS JOIN UNNEST(items) AS i (sku, n) CROSS JOIN UNNEST(labels) AS l (k, v)",
            [(4,)],
        ),
        ("SELECT max((SELECT max(n) FROM UNNEST(items) AS i (sku, n))) FROM orders", [(2,)]),
        ("WITH a AS (SELECT 1 AS x) (WITH b AS (SELECT 2 AS y) SELECT * FROM a, b)", [(1, 2)]),
        ("SELECT id / 2 AS half, count(*) FROM orders GROUP BY id / 2 ORDER BY 1", [(0, 1), (1, 2)]),
        ("SELECT o.* FROM customers o ORDER BY age", [("ann", 30), ("cid", 40)]),
        ("SELECT max(n) FROM (SELECT count(*) AS n FROM orders GROUP BY customer)", [(2,)]),
        ("-- a comment\nSELECT /* another */ 1;", [(1,)]),
    ],
)
def test_a_query_gives_athenas_rows(shop: Warehouse, sql: str, rows: list[Any]) -> None:
    assert shop.rows(sql.format(db=shop.database)) == rows


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT x FROM orders", f"COLUMN_NOT_FOUND: line 1:8: Column 'x' {RESOURCES}"),
        ("SELECT id\nFROM orders\nWHERE  X = 1", f"COLUMN_NOT_FOUND: line 3:8: Column 'x' {RESOURCES}"),
        ("SELECT o.x FROM orders o", f"COLUMN_NOT_FOUND: line 1:8: Column 'o.x' {RESOURCES}"),
        ("SELECT orders.id FROM orders o", f"COLUMN_NOT_FOUND: line 1:8: Column 'orders.id' {RESOURCES}"),
        ("SELECT address.zip FROM orders", f"COLUMN_NOT_FOUND: line 1:8: Column 'address.zip' {RESOURCES}"),
        ("SELECT id AS n FROM orders WHERE n = 1", f"COLUMN_NOT_FOUND: line 1:34: Column 'n' {RESOURCES}"),
        ("SELECT id AS n FROM orders GROUP BY n", f"COLUMN_NOT_FOUND: line 1:37: Column 'n' {RESOURCES}"),
        ('SELECT "we""ird" FROM orders', f"COLUMN_NOT_FOUND: line 1:8: Column 'we\"ird' {RESOURCES}"),
        (
            "SELECT 1 FROM orders a JOIN customers b ON c.x = 1",
            f"COLUMN_NOT_FOUND: line 1:44: Column 'c.x' {RESOURCES}",
        ),
        ("SELECT id FROM orders a JOIN orders b ON a.id = b.id", "AMBIGUOUS_NAME: line 1:8: Column 'id' is ambiguous"),
        ('SELECT * FROM "we""ird"', "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{db}.we\"ird' does not exist"),
        ("SELECT 1 FROM nosuch.t", "SCHEMA_NOT_FOUND: line 1:15: Schema 'nosuch' does not exist"),
        ("SELECT 1 FROM elsewhere.{db}.orders", "CATALOG_NOT_FOUND: line 1:15: Catalog 'elsewhere' does not exist"),
        (
            "SELECT * FROM read_csv('/etc/passwd')",
            "FUNCTION_NOT_FOUND: line 1:15: Table function 'read_csv' not registered",
        ),
        (
            "SELECT * FROM '/etc/passwd'",
            "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{db}./etc/passwd' does not exist",
        ),
        ("SELECT * FROM duckdb_settings", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{db}.duckdb_settings'"),
        ("SELECT 100 / (x - 9900) FROM UNNEST(sequence(1, 10000)) AS t (x)", "DIVISION_BY_ZERO: Division by zero"),
        (
            "SELECT customer, count(*) FROM orders GROUP BY id",
            "EXPRESSION_NOT_AGGREGATE: 'customer' must be an aggregate",
        ),
        (
            "SELECT id, count(*) FROM orders",
            "EXPRESSION_NOT_AGGREGATE: 'id' must be an aggregate expression or appear in",
        ),
        ("SELECT id FROM orders ORDER BY 2", "INVALID_COLUMN_REFERENCE: ORDER BY position 2 is not in select list"),
        (
            "SELECT id FROM orders UNION SELECT name FROM customers",
            "TYPE_MISMATCH: line 1:8: column 1 in UNION query has",
        ),
        ("SELECT 1, 2 UNION SELECT 1", "TYPE_MISMATCH: UNION query has different number of fields: 2, 1"),
        ("SELECT * FROM orders CROSS JOIN UNNEST(items) AS i (sku)", "MISMATCHED_COLUMN_ALIASES"),
        ("SELECT * FROM orders CROSS JOIN UNNEST(id) AS i (x)", "TYPE_MISMATCH: line 1:40: Cannot unnest type: bigint"),
        ("SELECT nosuch.* FROM orders", "TABLE_NOT_FOUND: line 1:8: Table 'nosuch' not found"),
        ("SELECT *", "SYNTAX_ERROR"),
        ('SELECT "$path" FROM orders', "NOT_SUPPORTED: line 1:8: The sandbox does not have the column $path"),
        (
            "SELECT * FROM orders NATURAL JOIN customers",
            "NOT_SUPPORTED: line 1:35: The sandbox does not execute NATURAL",
        ),
        (
            "SELECT * FROM orders TABLESAMPLE BERNOULLI (10)",
            "NOT_SUPPORTED: line 1:15: The sandbox does not execute TABLE",
        ),
        ("SELECT * FROM orders FOR TIMESTAMP AS OF current_timestamp", "NOT_SUPPORTED"),
        ("WITH RECURSIVE r (n) AS (SELECT 1) SELECT * FROM r", "NOT_SUPPORTED: line 1:"),
        ("SELECT sum(id) OVER w FROM orders WINDOW w AS ()", "NOT_SUPPORTED"),
        ("SELECT id FROM orders WHERE id = ANY (SELECT 1)", "NOT_SUPPORTED"),
    ],
)
def test_a_wrong_query_fails_with_athenas_reason(shop: Warehouse, sql: str, reason: str) -> None:
    assert shop.fails(sql.replace("{db}", shop.database)).startswith(reason.replace("{db}", shop.database))


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT FROM orders", "line 1:1: mismatched input 'SELECT'"),
        ("SELECT 1 +", "mismatched input"),
        ("SELECT id, FROM orders", "line 1:10: mismatched input ','"),
        ("SELECT id::int FROM orders", "line 1:10: mismatched input '::'"),
        ("SELECT `id` FROM orders", "line 1:"),
        ("SELEC 1", "mismatched input"),
        ("'just text'", "mismatched input"),
        ("SELECT 'open", "line 1:1"),
        ("SELECT 1; SELECT 2", "Only one sql statement is allowed"),
        ("-- nothing", "line 1:1: mismatched input '<EOF>'"),
    ],
)
def test_a_text_that_is_no_query_is_refused_at_once(shop: Warehouse, sql: str, message: str) -> None:
    with pytest.raises(DatabaseError, match="InvalidRequestException") as caught:
        shop.rows(sql)
    assert message in str(caught.value)


def test_a_query_without_a_database_must_name_one(shop: Warehouse) -> None:
    query = shop.finish(shop.start("SELECT 1 FROM orders", QueryExecutionContext={}))
    assert query["Status"]["StateChangeReason"] == (
        "MISSING_SCHEMA_NAME: line 1:15: Schema must be specified when session schema is not set"
    )


def test_columns_have_athenas_names_and_types(shop: Warehouse) -> None:
    cursor = shop.cursor().execute(
        'SELECT ID, id + 1, CAST(id AS varchar) AS "Text", total, items, labels, address, true, 1e0, CAST(1 AS real), '
        "CAST(1 AS tinyint), CAST(1 AS smallint), 1, X'00', date '2026-01-01', timestamp '2026-01-01 00:00:00', "
        "from_unixtime(0), json_parse('1') FROM orders"
    )
    assert [column[0] for column in cursor.description] == [
        "id", "_col1", "text", "total", "items", "labels", "address", *(f"_col{place}" for place in range(7, 18)),
    ]  # fmt: skip
    assert [(column[1], column[4], column[5]) for column in cursor.description] == [
        ("bigint", 19, 0), ("bigint", 19, 0), ("varchar", 2147483647, 0), ("decimal", 10, 2), ("array", 0, 0),
        ("map", 0, 0), ("row", 0, 0), ("boolean", 0, 0), ("double", 17, 0), ("float", 17, 0), ("tinyint", 3, 0),
        ("smallint", 5, 0), ("integer", 10, 0), ("varbinary", 1073741824, 0), ("date", 0, 0), ("timestamp", 3, 0),
        ("timestamp with time zone", 3, 0), ("json", 0, 0),
    ]  # fmt: skip


def test_pyathena_reads_values_as_python_has_them(shop: Warehouse) -> None:
    sql = "SELECT id, total, date '2026-01-02', timestamp '2026-01-02 03:04:05.678', X'0061', true, 0.5e0, NULL"
    assert shop.rows(f"{sql} FROM orders WHERE id = 1") == [
        (
            1,
            Decimal("10.00"),
            date(2026, 1, 2),
            datetime.fromisoformat("2026-01-02 03:04:05.678"),
            b"\0a",
            True,
            0.5,
            None,
        )
    ]


def test_duplicate_column_names_are_kept(shop: Warehouse) -> None:
    assert shop.texts("SELECT 1 AS a, 2 AS a") == [["a", "a"], ["1", "2"]]


def test_a_result_is_a_csv_in_s3_with_its_metadata_beside(shop: Warehouse) -> None:
    sql = "SELECT * FROM (VALUES (1, 'a\"b', ''), (2, NULL, 'c\nd')) AS v (x, y, z) ORDER BY x"
    query = shop.finish(shop.start(sql))
    location = query["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{shop.bucket}/results/{query['QueryExecutionId']}.csv"
    key = location.removeprefix(f"s3://{shop.bucket}/")
    body = shop.s3.get_object(Bucket=shop.bucket, Key=key)["Body"].read().decode()
    assert body == '"x","y","z"\n"1","a""b",""\n"2",,"c\nd"\n'
    assert shop.s3.head_object(Bucket=shop.bucket, Key=f"{key}.metadata")["ContentLength"] > 0


def test_the_pandas_cursor_reads_the_csv(shop: Warehouse) -> None:
    from pyathena.pandas.cursor import PandasCursor

    cursor = shop.cursor(cursor_class=PandasCursor)
    frame = cursor.execute("SELECT id, customer, total FROM orders ORDER BY id").as_pandas()
    assert frame["id"].tolist() == [1, 2, 3]
    assert frame["customer"].tolist() == ["ann", "bob", "ann"]
    assert frame["total"].tolist()[:2] == [Decimal("10.00"), Decimal("2.50")]


def test_a_large_result_comes_in_pages_of_a_thousand(shop: Warehouse) -> None:
    sql = "SELECT x FROM UNNEST(sequence(1, 2500)) AS t (x) ORDER BY x"
    assert shop.rows(sql) == [(one,) for one in range(1, 2501)]
    query_id = shop.start(sql)
    shop.finish(query_id)
    first = shop.athena.get_query_results(QueryExecutionId=query_id)
    # The row of names is one of the thousand.
    assert len(first["ResultSet"]["Rows"]) == 1000
    assert first["ResultSet"]["Rows"][-1]["Data"] == [{"VarCharValue": "999"}]
    pages = shop.athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
    assert [len(page["ResultSet"]["Rows"]) for page in pages] == [1000, 1000, 501]


def test_parameters_are_given_in_either_of_pyathenas_styles(shop: Warehouse) -> None:
    by_name = "SELECT id FROM orders WHERE customer = %(name)s AND id > %(id)d"
    assert shop.rows(by_name, {"name": "ann", "id": 1}) == [(3,)]
    assert shop.rows("SELECT %(x)s", {"x": 'it\'s "quoted" -- text'}) == [('it\'s "quoted" -- text',)]
    qmark = shop.cursor().execute("SELECT id FROM orders WHERE customer = ? AND id > ? LIMIT ?", ["'ann'", "1", "5"],
                                  paramstyle="qmark")  # fmt: skip
    assert qmark.fetchall() == [(3,)]


@pytest.mark.parametrize("parameters", [[], ["1", "2"], ["id"], ["1) OR (1=1"]])
def test_parameters_that_do_not_fit_are_refused(shop: Warehouse, parameters: list[str]) -> None:
    with pytest.raises(shop.athena.exceptions.InvalidRequestException):
        shop.start("SELECT id FROM orders WHERE id = ?", **({"ExecutionParameters": parameters} if parameters else {}))


def test_types_are_told_for_an_empty_result_too(shop: Warehouse) -> None:
    cursor = shop.cursor().execute("SELECT id, total FROM orders WHERE false")
    assert cursor.fetchall() == []
    assert types_of(cursor) == ["bigint", "decimal"]


def test_the_engines_own_catalog_lists_tables_and_columns(shop: Warehouse) -> None:
    where = f"WHERE table_schema = '{shop.database}'"
    shop.rows("CREATE VIEW adults AS SELECT name FROM customers")
    assert shop.rows(f"SELECT table_name, table_type FROM information_schema.tables {where} ORDER BY 1") == [
        ("adults", "VIEW"), ("customers", "BASE TABLE"), ("orders", "BASE TABLE"),
    ]  # fmt: skip
    columns = "SELECT column_name, ordinal_position, data_type FROM information_schema.columns"
    assert shop.rows(f"{columns} {where} AND table_name = 'customers' ORDER BY 2") == [
        ("name", 1, "varchar"), ("age", 2, "integer"),
    ]  # fmt: skip
    assert (shop.database,) in shop.rows("SELECT schema_name FROM information_schema.schemata")
    assert shop.fails("SELECT * FROM information_schema.applicable_roles").startswith("NOT_SUPPORTED")
