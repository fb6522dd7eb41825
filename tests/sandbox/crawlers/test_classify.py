"""What a crawler makes of a file: each format, its types, and files that are none."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import json
from decimal import Decimal
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from tests.sandbox.lake import Lake, columns_of

COLUMNS = {
    "Id": pa.array([1, 2], pa.int64()),
    "small": pa.array([1, 2], pa.int16()),
    "price": pa.array([Decimal("1.5"), None], pa.decimal128(38, 18)),
    "ratio": pa.array([0.5, None], pa.float64()),
    "open": pa.array([True, None], pa.bool_()),
    "blob": pa.array([b"x", None], pa.binary()),
    "day": pa.array([dt.date(2026, 1, 1), None], pa.date32()),
    "at": pa.array([dt.datetime(2026, 1, 1, tzinfo=dt.UTC), None], pa.timestamp("us")),
    "tags": pa.array([["a"], None], pa.list_(pa.string())),
    "address": pa.array(
        [{"City": "X", "lines": [{"n": 1}]}, None],
        pa.struct([("City", pa.string()), ("lines", pa.list_(pa.struct([("n", pa.int32())])))]),
    ),
    "counts": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
}
HIVE = {
    "id": "bigint",
    "small": "smallint",
    "price": "decimal(38,18)",
    "ratio": "double",
    "open": "boolean",
    "blob": "binary",
    "day": "date",
    "at": "timestamp",
    "tags": "array<string>",
    "address": "struct<City:string,lines:array<struct<n:int>>>",
    "counts": "map<string,bigint>",
}


def crawled(lake: Lake, key: str, body: bytes | str) -> Any:
    """The table that one file in a folder makes."""
    lake.put(f"t/{key}", body)
    lake.crawl(lake.crawler("t/"))
    return lake.table("t")


def storage_of(table: Any) -> tuple[str, str, str]:
    """The last part of the input format's, output format's and SerDe's class."""
    storage = table["StorageDescriptor"]
    names = (storage["InputFormat"], storage["OutputFormat"], storage["SerdeInfo"]["SerializationLibrary"])
    return tuple(name.rsplit(".", 1)[-1] for name in names)  # pyright: ignore[reportReturnType]


def parquet(columns: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def avro(schema: dict[str, Any], records: list[Any]) -> bytes:
    buffer = io.BytesIO()
    fastavro.writer(buffer, schema, records)
    return buffer.getvalue()


def test_parquet_is_read_from_its_footer(lake: Lake) -> None:
    table = crawled(lake, "a.parquet", parquet(COLUMNS))
    assert columns_of(table) == HIVE
    assert storage_of(table) == ("MapredParquetInputFormat", "MapredParquetOutputFormat", "ParquetHiveSerDe")
    assert (table["Parameters"]["classification"], table["Parameters"]["compressionType"]) == ("parquet", "none")
    assert table["Parameters"]["recordCount"] == "2"
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"serialization.format": "1"}


def test_parquet_of_no_rows_has_its_columns_all_the_same(lake: Lake) -> None:
    empty = {name: array.slice(0, 0) for name, array in COLUMNS.items()}
    table = crawled(lake, "a.parquet", parquet(empty))
    assert columns_of(table) == HIVE
    assert (table["Parameters"]["recordCount"], table["Parameters"]["averageRecordSize"]) == ("0", "0")


def test_a_large_parquet_file_is_read_without_its_rows(lake: Lake) -> None:
    rows = 40_000
    body = parquet({"id": list(range(rows)), "text": [f"{number:064d}" for number in range(rows)]})
    assert len(body) > 300_000
    table = crawled(lake, "a.parquet", body)
    assert columns_of(table) == {"id": "bigint", "text": "string"}
    assert table["Parameters"]["recordCount"] == str(rows)
    assert int(table["Parameters"]["averageRecordSize"]) > 64  # uncompressed


def test_orc_is_read_from_its_footer(lake: Lake) -> None:
    buffer = io.BytesIO()
    orc.write_table(pa.table(COLUMNS), buffer)
    table = crawled(lake, "a.orc", buffer.getvalue())
    assert columns_of(table) == HIVE
    assert storage_of(table) == ("OrcInputFormat", "OrcOutputFormat", "OrcSerde")
    assert (table["Parameters"]["classification"], table["Parameters"]["recordCount"]) == ("orc", "2")


AVRO_SCHEMA = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "Id", "type": "long"},
        {"name": "small", "type": "int"},
        {"name": "price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4}]},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "open", "type": "boolean"},
        {"name": "blob", "type": "bytes"},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "other_kind", "type": "Kind"},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "counts", "type": {"type": "map", "values": ["null", "float"]}},
        {
            "name": "address",
            "type": ["null", {"type": "record", "name": "Address", "fields": [{"name": "City", "type": "string"}]}],
        },
        {"name": "mixed", "type": ["null", "int", "double"]},
    ],
}
AVRO_RECORD = {
    "Id": 1,
    "small": 1,
    "price": Decimal("1.5"),
    "day": dt.date(2026, 1, 1),
    "at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    "open": True,
    "blob": b"x",
    "kind": "A",
    "other_kind": "B",
    "tags": ["a"],
    "counts": {"a": 1.0},
    "address": {"City": "X"},
    "mixed": 1,
}


def test_avro_is_read_from_its_header(lake: Lake) -> None:
    table = crawled(lake, "a.avro", avro(AVRO_SCHEMA, [AVRO_RECORD] * 3))
    assert columns_of(table) == {
        "id": "bigint",
        "small": "int",
        "price": "decimal(20,4)",
        "day": "date",
        "at": "timestamp",
        "open": "boolean",
        "blob": "binary",
        "kind": "string",
        "other_kind": "string",
        "tags": "array<string>",
        "counts": "map<string,float>",
        "address": "struct<City:string>",
        "mixed": "double",
    }
    assert storage_of(table) == ("AvroContainerInputFormat", "AvroContainerOutputFormat", "AvroSerDe")
    assert table["Parameters"]["recordCount"] == "3"


def test_an_avro_table_carries_a_schema_that_reads_its_files(lake: Lake) -> None:
    without_mixed = {**AVRO_SCHEMA, "fields": AVRO_SCHEMA["fields"][:-1]}
    lake.put("t/1.avro", avro(without_mixed, [{k: v for k, v in AVRO_RECORD.items() if k != "mixed"}]))
    table = crawled(lake, "2.avro", body := avro(AVRO_SCHEMA, [AVRO_RECORD]))
    literal = table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["avro.schema.literal"]
    assert next(iter(json.loads(literal)["fields"]))["name"] == "Id"
    first = lake.s3.get_object(Bucket=lake.bucket, Key="t/1.avro")["Body"].read()
    schema = fastavro.parse_schema(json.loads(literal))
    assert list(fastavro.reader(io.BytesIO(body), schema)) == [AVRO_RECORD]
    assert list(fastavro.reader(io.BytesIO(first), schema)) == [{**AVRO_RECORD, "mixed": None}]


def test_json_lines_are_read_value_by_value(lake: Lake) -> None:
    records = [
        {"Id": 1, "big": 2**40, "ratio": 1, "name": "x", "nothing": None, "address": {"City": "X"}, "tags": []},
        {"Id": 2, "ratio": 1.5, "name": 7, "address": {"City": None, "zip": [1]}, "tags": ["a"], "late": True},
    ]
    lake.put_json("t/a.json", *records)
    lake.crawl(lake.crawler("t/"))
    table = lake.table("t")
    assert columns_of(table) == {
        "id": "int",
        "big": "bigint",
        "ratio": "double",
        "name": "string",
        "nothing": "string",
        "address": "struct<City:string,zip:array<int>>",
        "tags": "array<string>",
        "late": "boolean",
    }
    assert storage_of(table) == ("TextInputFormat", "HiveIgnoreKeyTextOutputFormat", "JsonSerDe")
    paths = table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["paths"]
    assert paths == "Id,address,big,late,name,nothing,ratio,tags"
    assert table["Parameters"]["recordCount"] == "2"


def test_a_file_that_is_one_json_array_makes_a_column_named_array(lake: Lake) -> None:
    table = crawled(lake, "a.json", json.dumps([{"id": 1}, {"id": 2}], indent=2))
    assert columns_of(table) == {"array": "array<struct<id:int>>"}


def test_only_the_first_megabyte_of_a_json_file_is_read(lake: Lake) -> None:
    """As in AWS: an attribute that comes first in a later record has no column."""
    lake.put_json("t/a.json", *[{"text": "x" * 1000} for _ in range(1100)], {"text": "x", "late": 1})
    lake.crawl(lake.crawler("t/"))
    table = lake.table("t")
    assert columns_of(table) == {"text": "string"}
    assert 1080 <= int(table["Parameters"]["recordCount"]) <= 1120  # estimated


def test_a_json_record_of_more_than_a_megabyte_is_read_all_the_same(lake: Lake) -> None:
    lake.put_json("t/a.json", {"text": "x" * 1_500_000, "id": 1})
    lake.crawl(lake.crawler("t/"))
    assert lake.columns("t") == {"text": "string", "id": "int"}


def test_gzipped_text_is_unpacked(lake: Lake) -> None:
    lines = b'{"id": 1, "name": "\xc3\xa9"}\n'
    table = crawled(lake, "a.json.gz", gzip.compress(lines) + gzip.compress(lines))
    assert columns_of(table) == {"id": "int", "name": "string"}
    assert (table["Parameters"]["classification"], table["Parameters"]["compressionType"]) == ("json", "gzip")
    assert table["Parameters"]["recordCount"] == "2"
    assert table["StorageDescriptor"]["Compressed"] is True


@pytest.mark.parametrize("delimiter", [",", "|", "\t", ";", "\x01"])
def test_csv_of_each_delimiter_is_recognized(lake: Lake, delimiter: str) -> None:
    rows = [["Id", "first name", "ratio", "open", "note"], ["1", "x", "1", "true", ""], ["2", "y", "2.5", "false", ""]]
    table = crawled(lake, "a.csv", "".join(delimiter.join(row) + "\r\n" for row in rows))
    assert columns_of(table) == {
        "id": "bigint",
        "first name": "string",
        "ratio": "double",
        "open": "boolean",
        "note": "string",
    }
    assert storage_of(table) == ("TextInputFormat", "HiveIgnoreKeyTextOutputFormat", "LazySimpleSerDe")
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"field.delim": delimiter}
    parameters = table["Parameters"]
    assert (parameters["delimiter"], parameters["skip.header.line.count"]) == (delimiter, "1")
    assert (parameters["areColumnsQuoted"], parameters["recordCount"]) == ("false", "2")


def test_csv_whose_columns_are_all_text_has_no_header_for_glue(lake: Lake) -> None:
    """AWS documents it so: such a header cannot be told from data."""
    table = crawled(lake, "a.csv", "id,name\na,x\nb,y\n")
    assert columns_of(table) == {"col0": "string", "col1": "string"}
    assert "skip.header.line.count" not in table["Parameters"]
    assert table["Parameters"]["recordCount"] == "3"


def test_quoted_csv_values_may_hold_the_delimiter(lake: Lake) -> None:
    table = crawled(lake, "a.csv", '"id","name"\n"1","x, y"\n"2","a ""b"""\n')
    assert columns_of(table) == {"id": "bigint", "name": "string"}
    assert table["Parameters"]["areColumnsQuoted"] == "true"


PARQUET = parquet({"id": [1, 2, 3], "name": ["a", "b", "c"]})
AVRO = avro(AVRO_SCHEMA, [AVRO_RECORD] * 3)


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("cut.parquet", PARQUET[:-20], ""),
        ("damaged.parquet", PARQUET[:40] + b"\xff" * (len(PARQUET) - 48) + PARQUET[-8:], ""),
        ("cut.avro", AVRO[:-10], ""),
        ("cut.avro", AVRO[:30], ""),
        ("cut.orc", b"ORC\x00\x01", ""),
        ("cut.gz", gzip.compress(b'{"id": 1}\n' * 100)[:-12], "its gzip stream is cut off"),
        ("data.bz2", bz2.compress(b'{"id": 1}\n'), "it is compressed with bzip2, which the sandbox does not read"),
        ("broken.json", b'{"id": 1}\n{"id": }\n{"id": 3}\n', "it begins as JSON, but line 2 is none"),
        ("cut.json", b'{"id": 1}\n{"id": 2', "it begins as JSON, but line 2 is none"),
        ("one.csv", b"id,name\n", "it is none of parquet, orc, avro, json"),
        ("words.txt", b"just words\nand more\n", "it is none of parquet, orc, avro, json"),
        ("noise.bin", b"\x00\xff\xfe\x01" * 50, ""),
        ("duration.parquet", parquet({"at": pa.array([1], pa.time64("us"))}), "column 'at': Hive has no type"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_cannot_be_read_fails_the_crawl_and_is_named(
    lake: Lake, name: str, body: bytes, reason: str
) -> None:
    lake.put_json("t/good.json", {"id": 1})
    lake.put(f"t/{name}", body)
    message = lake.crawl_fails(lake.crawler("t/"))
    assert message.startswith(f"s3://{lake.bucket}/t/{name} cannot be classified: {reason}")
    assert lake.tables() == {}


def test_a_crawl_that_fails_leaves_the_table_as_it_was(lake: Lake) -> None:
    lake.put("t/day=1/a.parquet", PARQUET)
    name = lake.crawler("t/", configuration={"Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}})
    lake.crawl(name)
    before, partitions = lake.table("t"), lake.partitions("t")
    lake.put("t/day=2/a.parquet", parquet({"id": [1], "name": ["x"], "more": [1]}))
    lake.put("t/day=3/a.parquet", PARQUET[:-20])
    assert f"s3://{lake.bucket}/t/day=3/a.parquet" in lake.crawl_fails(name)
    assert (lake.table("t"), lake.partitions("t")) == (before, partitions)
    lake.put("t/day=3/a.parquet", PARQUET)
    lake.crawl(name)
    assert len(lake.partitions("t")) == 3
    assert "more" in lake.columns("t")
