"""Files of every format, with what Athena widens, what it leaves NULL, and what it refuses."""

from __future__ import annotations

import bz2
import gzip
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from pyarrow import orc

from tests.sandbox.lake import Lake
from tests.sandbox.warehouse import Warehouse, parquet

COLUMNS = {
    "id": "bigint",
    "name": "string",
    "price": "decimal(38,18)",
    "tags": "array<string>",
    "address": "struct<city:string,zip:int>",
    "counts": "map<string,bigint>",
    "raw": "binary",
    "day": "date",
    "at": "timestamp",
    "ok": "boolean",
    "score": "double",
}
ROWS: list[dict[str, Any]] = [
    {
        "id": 2**53 + 1,
        "name": 'Ann, "the first"\nof two',
        "price": Decimal("12345678901234567890.000000000000000001"),
        "tags": ["a", None, ""],
        "address": {"city": "Roma", "zip": 100},
        "counts": {"x": 1},
        "raw": b"\x00\xff",
        "day": date(2026, 11, 23),
        "at": datetime.fromisoformat("2026-11-23 10:00:07.123"),
        "ok": True,
        "score": 0.1,
    },
    dict.fromkeys(COLUMNS),
]
ARROW = pa.schema(
    [
        ("id", pa.int64()),
        ("name", pa.string()),
        ("price", pa.decimal128(38, 18)),
        ("tags", pa.list_(pa.string())),
        ("address", pa.struct([("city", pa.string()), ("zip", pa.int32())])),
        ("counts", pa.map_(pa.string(), pa.int64())),
        ("raw", pa.binary()),
        ("day", pa.date32()),
        ("at", pa.timestamp("us")),
        ("ok", pa.bool_()),
        ("score", pa.float64()),
    ]
)
EXPECTED = [
    str(2**53 + 1),
    'Ann, "the first"\nof two',
    "12345678901234567890.000000000000000001",
    "[a, null, ]",
    "{city=Roma, zip=100}",
    "{x=1}",
    "00 ff",
    "2026-11-23",
    "2026-11-23 10:00:07.123",
    "true",
    "0.1",
]


def _arrow() -> pa.Table:
    rows = [{**row, "counts": list(row["counts"].items()) if row["counts"] else None} for row in ROWS]
    return pa.Table.from_pylist(rows, ARROW)


def _orc(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    orc.write_table(table, buffer)
    return buffer.getvalue()


def _avro(schema_fields: list[dict[str, Any]], rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    fastavro.writer(buffer, {"type": "record", "name": "r", "fields": schema_fields}, rows)
    return buffer.getvalue()


def _all_types_avro() -> bytes:
    address = {"type": "record", "name": "a", "fields": [_nullable("city", "string"), _nullable("zip", "int")]}
    fields = [
        _nullable("id", "long"),
        _nullable("name", "string"),
        _nullable("price", {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 18}),
        _nullable("tags", {"type": "array", "items": ["null", "string"]}),
        _nullable("address", address),
        _nullable("counts", {"type": "map", "values": "long"}),
        _nullable("raw", "bytes"),
        _nullable("day", {"type": "int", "logicalType": "date"}),
        _nullable("at", {"type": "long", "logicalType": "timestamp-millis"}),
        _nullable("ok", "boolean"),
        _nullable("score", "double"),
    ]
    return _avro(fields, [{**row, "at": row["at"] and row["at"].replace(tzinfo=UTC)} for row in ROWS])


def _nullable(name: str, kind: Any) -> dict[str, Any]:
    return {"name": name, "type": ["null", kind]}


@pytest.mark.parametrize(
    ("serde", "body"),
    [("parquet", parquet(_arrow())), ("orc", _orc(_arrow())), ("avro", _all_types_avro())],
    ids=["parquet", "orc", "avro"],
)
def test_a_format_with_types_gives_every_value_exactly(warehouse: Warehouse, serde: str, body: bytes) -> None:
    warehouse.table("t", COLUMNS, serde=serde)
    warehouse.put("t/file", body)
    header, *rows = warehouse.texts("SELECT * FROM t ORDER BY id")
    assert header == list(COLUMNS)
    assert rows == [EXPECTED, [None] * len(COLUMNS)]


@pytest.mark.parametrize(
    ("serde", "compress", "suffix"),
    [("json", bytes, ""), ("hcatalog", gzip.compress, ".gz"), ("json", bz2.compress, ".bz2")],
    ids=["openx", "hcatalog-gzip", "openx-bzip2"],
)
def test_json_gives_every_value_exactly(warehouse: Warehouse, serde: str, compress: Any, suffix: str) -> None:
    columns = {name: kind for name, kind in COLUMNS.items() if name != "raw"}
    price = '"price": 12345678901234567890.000000000000000001'
    line = json.dumps({**ROWS[0], "price": 0, "raw": None, "day": "2026-11-23", "at": "2026-11-23 10:00:07.123"})
    warehouse.table("t", columns, serde=serde)
    body = line.replace('"price": 0', price) + "\n\n{}\n"
    warehouse.put(f"t/file{suffix}", compress(body.encode()))
    header, *rows = warehouse.texts("SELECT * FROM t ORDER BY id")
    assert header == list(columns)
    assert rows == [[text for text in EXPECTED if text != "00 ff"], [None] * len(columns)]


def test_json_reads_text_as_numbers_and_numbers_as_text(warehouse: Warehouse) -> None:
    warehouse.table("t", {"n": "bigint", "s": "string", "nested": "string"}, serde="json")
    warehouse.put("t/f.json", '{"N": "12", "s": 1.50, "nested": {"a": [1.10, true]}}')
    assert warehouse.rows("SELECT * FROM t") == [(12, "1.50", '{"a":[1.10,true]}')]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"n": "many"}', "HIVE_BAD_DATA: Error parsing field value 'many' for field 0: n"),
        ('{"n": 1.5}', "HIVE_BAD_DATA"),
        ('{"n": [1]}', "HIVE_BAD_DATA"),
        ("not json", "HIVE_CURSOR_ERROR: Row is not a valid JSON Object"),
        ("[1]", "HIVE_CURSOR_ERROR: Row is not a valid JSON Object"),
    ],
)
def test_bad_json_fails(warehouse: Warehouse, line: str, reason: str) -> None:
    warehouse.table("t", {"n": "bigint"}, serde="json")
    warehouse.put("t/f.json", f'{{"n": 1}}\n{line}\n')
    assert warehouse.fails("SELECT n FROM t").startswith(reason)


def test_malformed_json_is_null_where_the_table_ignores_it(warehouse: Warehouse) -> None:
    warehouse.table("t", {"n": "bigint"}, serde="json", properties={"ignore.malformed.json": "true"})
    warehouse.put("t/f.json", '{"n": 1}\nnot json\n')
    assert warehouse.rows("SELECT n FROM t ORDER BY n") == [(1,), (None,)]


def test_quoted_csv_with_a_header(warehouse: Warehouse) -> None:
    warehouse.table(
        "t",
        {"id": "bigint", "name": "string", "at": "timestamp", "ok": "boolean"},
        serde="csv",
        properties={"separatorChar": ";"},
        parameters={"skip.header.line.count": "1"},
    )
    warehouse.put("t/f.csv", 'id;name;at;ok\r\n1;"Ann; ""A""";1795428007123;TRUE\r\n2;;1795428007000;false\r\n')
    assert warehouse.texts("SELECT * FROM t")[1:] == [
        ["1", 'Ann; "A"', "2026-11-23 10:00:07.123", "true"],
        ["2", "", "2026-11-23 10:00:07.000", "false"],
    ]


def test_quoted_csv_with_an_empty_number_fails(warehouse: Warehouse) -> None:
    warehouse.table("t", {"id": "bigint", "name": "string"}, serde="csv")
    warehouse.put("t/f.csv", "1,a\n,b\n")
    assert warehouse.rows("SELECT name FROM t") == [("a",), ("b",)]
    assert warehouse.fails("SELECT id FROM t").startswith("HIVE_BAD_DATA: Error parsing field value '' for field 0: id")


def test_delimited_text_has_nulls_for_what_it_cannot_read(warehouse: Warehouse) -> None:
    warehouse.table(
        "t",
        {"id": "int", "name": "string", "price": "decimal(10,2)", "day": "date", "tags": "array<int>"},
        serde="text",
        properties={"field.delim": "\t", "collection.delim": "|"},
        parameters={"skip.header.line.count": "1"},
    )
    warehouse.put("t/f.tsv", 'id\tname\n1\t"q"\t1.005\t2026-01-02\t1|2\nmany\t\\N\t\tnever\t\n3\n')
    assert warehouse.rows("SELECT * FROM t") == [
        (1, '"q"', Decimal("1.01"), date(2026, 1, 2), [1, 2]),
        (None, None, None, None, []),
        (3, None, None, None, None),
    ]


def test_parquet_columns_are_found_by_name_and_absent_ones_are_null(warehouse: Warehouse) -> None:
    warehouse.table("t", {"b": "string", "a": "bigint", "new": "struct<x:int>"})
    warehouse.put("t/f", parquet({"A": [1], "other": [True], "B": ["x"]}))
    assert warehouse.rows("SELECT * FROM t") == [("x", 1, None)]


def test_orc_columns_are_found_by_place_unless_the_table_says_otherwise(warehouse: Warehouse) -> None:
    body = _orc(pa.table({"a": ["in a"], "b": ["in b"]}))
    warehouse.table("by_place", {"b": "string", "a": "string", "c": "string"}, serde="orc")
    warehouse.table("by_name", {"b": "string", "a": "string"}, serde="orc",
                    properties={"orc.column.index.access": "false"})  # fmt: skip
    for name in ("by_place", "by_name"):
        warehouse.put(f"{name}/f", body)
    assert warehouse.rows("SELECT * FROM by_place") == [("in a", "in b", None)]
    assert warehouse.rows("SELECT * FROM by_name") == [("in b", "in a")]


@pytest.mark.parametrize(
    ("values", "declared", "expected"),
    [
        (pa.array([7], pa.int32()), "bigint", [(7,)]),
        (pa.array([7], pa.int32()), "smallint", [(7,)]),
        (pa.array([0.5], pa.float32()), "double", [(0.5,)]),
        (pa.array([Decimal("1.5")], pa.decimal128(3, 1)), "decimal(38,18)", [(Decimal("1.500000000000000000"),)]),
        (pa.array([b"ab"]), "string", [("ab",)]),
        (pa.array(["ab"]), "binary", [(b"ab",)]),
        (pa.array(["ab"]).dictionary_encode(), "string", [("ab",)]),
        (pa.array([None], pa.null()), "bigint", [(None,)]),
        (pa.array([999_999], pa.timestamp("ns", tz="UTC")), "timestamp", [("1970-01-01 00:00:00.001",)]),
        (pa.array([[{"A": 1, "gone": 2}]]), "array<struct<a:bigint,new:string>>", [("[{a=1, new=null}]",)]),
    ],
)  # fmt: skip
def test_a_file_is_widened_to_the_catalogs_type(
    warehouse: Warehouse, values: pa.Array, declared: str, expected: Any
) -> None:
    warehouse.table("t", {"x": declared})
    warehouse.put("t/f", parquet({"x": values}))
    if declared.startswith(("array", "timestamp")):
        assert warehouse.texts("SELECT x FROM t")[1:] == [list(row) for row in expected]
    else:
        assert warehouse.rows("SELECT x FROM t") == expected


@pytest.mark.parametrize(
    ("values", "declared", "physical"),
    [
        (pa.array([7]), "double", "INT64"),
        (pa.array([7]), "int", "INT64"),
        (pa.array([7]), "string", "INT64"),
        (pa.array([0.5]), "bigint", "DOUBLE"),
        (pa.array([0.5]), "float", "DOUBLE"),
        (pa.array(["7"]), "bigint", "BYTE_ARRAY"),
        (pa.array([True]), "int", "BOOLEAN"),
        (pa.array([date(2026, 1, 1)]), "timestamp", "INT32"),
        (pa.array([Decimal("1.55")], pa.decimal128(5, 2)), "decimal(5,1)", "FIXED_LEN_BYTE_ARRAY"),
        (pa.array([{"a": 1}]), "struct<a:string>", "INT64"),
    ],
)
def test_a_parquet_file_of_another_type_than_the_catalogs_fails(
    warehouse: Warehouse, values: pa.Array, declared: str, physical: str
) -> None:
    warehouse.table("t", {"x": declared, "y": "bigint"})
    warehouse.put("t/f", parquet({"x": values, "y": [1]}))
    location = f"s3://{warehouse.bucket}/t/f"
    reason = warehouse.fails("SELECT x FROM t")
    assert reason == (
        f"HIVE_BAD_DATA: Field x's type {physical} in parquet file {location} is incompatible with type {declared} "
        "defined in table schema"
    )
    assert warehouse.rows("SELECT y FROM t") == [(1,)]


@pytest.mark.parametrize("serde", ["orc", "avro"])
def test_a_file_of_another_type_than_the_catalogs_fails(warehouse: Warehouse, serde: str) -> None:
    warehouse.table("t", {"x": "bigint"}, serde=serde)
    body = _orc(pa.table({"x": ["7"]})) if serde == "orc" else _avro([_nullable("x", "string")], [{"x": "7"}])
    warehouse.put("t/f", body)
    assert warehouse.fails("SELECT x FROM t").startswith("HIVE_BAD_DATA: Field x")


@pytest.mark.parametrize("serde", ["parquet", "orc", "avro"])
def test_a_file_of_another_format_or_cut_short_fails(warehouse: Warehouse, serde: str) -> None:
    warehouse.table("t", {"x": "bigint"}, serde=serde)
    warehouse.put("t/f", b"x\n1\n" * 100)
    assert warehouse.fails("SELECT x FROM t").startswith("HIVE_BAD_DATA: Malformed")
    rows = [{"x": one} for one in range(1000)]
    whole = {"parquet": parquet, "orc": _orc}.get(serde, lambda _: _avro([_nullable("x", "long")], rows))
    body = whole(pa.Table.from_pylist(rows))
    warehouse.put("t/f", body)
    assert warehouse.rows("SELECT count(x) FROM t") == [(1000,)]
    warehouse.put("t/f", body[: len(body) - 100])
    assert warehouse.fails("SELECT x FROM t").startswith("HIVE_BAD_DATA: Malformed")


def test_what_the_sandbox_cannot_read_is_refused_by_name(warehouse: Warehouse) -> None:
    warehouse.table("xml", {"x": "string"}, serde="com.ibm.spss.hive.serde2.xml.XmlSerDe")
    warehouse.table("projected", {"x": "string"}, keys={"at": "string"}, parameters={"projection.enabled": "true"})
    warehouse.table("iceberg", {"x": "string"}, parameters={"table_type": "ICEBERG"})
    warehouse.table("zstd", {"x": "string"}, serde="json")
    warehouse.put("xml/f", "<x/>")
    warehouse.put("zstd/f.json.zst", b"\x28\xb5\x2f\xfd")
    for table, told in {
        "xml": "XmlSerDe",
        "projected": "project partitions",
        "iceberg": "read ICEBERG tables",
        "zstd": "compressed as .zst",
    }.items():
        reason = warehouse.fails(f"SELECT x FROM {table}")
        assert reason.startswith("NOT_SUPPORTED: The sandbox does not")
        assert told in reason


def test_whole_files_are_scanned_where_columns_do_not_lie_apart(warehouse: Warehouse) -> None:
    for serde, body in (("json", b'{"a": 1, "b": "x"}\n'), ("avro", _avro([_nullable("a", "long")], [{"a": 1}]))):
        warehouse.table(serde, {"a": "bigint", "b": "string"}, serde=serde)
        size = warehouse.put(f"{serde}/f", body)
        assert warehouse.scanned(f"SELECT a FROM {serde}") == size


def test_many_batches_of_many_files_are_all_read(warehouse: Warehouse) -> None:
    warehouse.table("t", {"id": "bigint", "name": "string"})
    for part in range(3):
        ids = range(part * 50_000, (part + 1) * 50_000)
        warehouse.put(f"t/{part}", parquet({"id": list(ids), "name": [f"n{one}" for one in ids]}))
    counted = "SELECT count(*), count(DISTINCT name), sum(id), max(id) FROM t"
    assert warehouse.rows(counted) == [(150_000, 150_000, 150_000 * 149_999 // 2, 149_999)]


@pytest.mark.parametrize("suffix", ["parquet", "orc", "avro", "json", "csv"])
def test_what_a_crawler_finds_can_be_queried(lake: Lake, warehouse: Warehouse, suffix: str) -> None:
    columns = pa.table({"id": [1, 2, 3], "name": ["ann", "bob", "cid"], "score": [0.5, 1.5, 2.5]})
    bodies = {
        "parquet": lambda: parquet(columns),
        "orc": lambda: _orc(columns),
        "avro": lambda: _avro([_nullable("id", "long"), _nullable("name", "string"), _nullable("score", "double")],
                              columns.to_pylist()),
        "json": lambda: "".join(json.dumps(row) + "\n" for row in columns.to_pylist()),
        "csv": lambda: "id,name,score\n1,ann,0.5\n2,bob,1.5\n3,cid,2.5\n",
    }  # fmt: skip
    for at in ("2026-01-01T00:00:00", "2026-01-02T00:00:00"):
        lake.put(f"items/at={at}/f.{suffix}", bodies[suffix]())
    lake.crawl(lake.crawler("items/"))
    sql = f"SELECT at, sum(id), max(name), sum(score) FROM {lake.database}.items WHERE at > '2026-01-01T12' GROUP BY at"
    assert warehouse.rows(sql) == [("2026-01-02T00:00:00", 6, "cid", 4.5)]
