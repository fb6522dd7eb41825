"""DynamoDB's reader in Glue runs: what arrives, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from dynamo_assets.sandbox.endpoint import Endpoint
from dynamo_assets.sandbox.glue_jobs.provided.awsglue._read_rate import MOST_UNITS, WINDOW_SECONDS, ReadRate
from tests.sandbox.awsglue_reader import Reader
from tests.sandbox.dynamodb_tables import pages, put_all, thousand_byte_items


@pytest.fixture
def reader(sandbox: Endpoint, bucket: str, unique: Callable[[str], str]) -> Reader:
    return Reader(sandbox, bucket, unique)


# ---- what arrives


def test_each_dynamodb_type_has_its_type_in_the_frame(reader: Reader) -> None:
    table = reader.table(
        {
            "text": {"S": "é☃"},
            "whole": {"N": "-9223372036854775808"},
            "part": {"N": "0.5"},
            "flag": {"BOOL": False},
            "bytes": {"B": b"\x00\xff"},
            "texts": {"SS": ["b", "a"]},
            "numbers": {"NS": ["3"]},
            "blobs": {"BS": [b"\x01"]},
            "list": {"L": [{"S": "x"}, {"NULL": True}]},
            "map": {"M": {"city": {"S": "Ulm"}, "inner": {"M": {"zip": {"N": "89073"}}}}},
            "nothing": {"NULL": True},
        }
    )
    found = reader.run(
        table,
        """
        frame = read(TABLE)
        frame.printSchema()
        say("found", [types(frame), rows(frame), frame.schema().jsonValue(), frame.count()])
        """,
    )
    columns, records, schema, count = found
    assert columns == {
        "pk": "string",
        "text": "string",
        "whole": "bigint",
        "part": "double",
        "flag": "boolean",
        "bytes": "binary",
        "texts": "array<string>",
        "numbers": "array<bigint>",
        "blobs": "array<binary>",
        "list": "array<string>",
        "map": "struct<city:string,inner:struct<zip:bigint>>",
        "nothing": "void",
    }
    assert records == {
        "0": {
            "text": "é☃",
            "whole": -(2**63),
            "part": 0.5,
            "flag": False,
            "bytes": "00ff",
            "texts": ["b", "a"],
            "numbers": [3],
            "blobs": ["01"],
            "list": ["x", None],
            "map": {"city": "Ulm", "inner": {"zip": 89073}},
            "nothing": None,
        }
    }
    assert {field["name"]: field["container"]["dataType"] for field in schema["fields"]} == {
        "pk": "string",
        "text": "string",
        "whole": "long",
        "part": "double",
        "flag": "boolean",
        "bytes": "binary",
        "texts": "set",
        "numbers": "set",
        "blobs": "set",
        "list": "array",
        "map": "struct",
        "nothing": "null",
    }
    assert count == 1


def test_values_of_several_types_share_a_column_as_a_choice(reader: Reader) -> None:
    table = reader.table(
        {"n": {"N": "1"}, "any": {"S": "x"}, "m": {"M": {"a": {"N": "1"}}}, "l": {"L": [{"N": "1"}, {"S": "x"}]}},
        {"n": {"N": "1.5"}, "any": {"N": "7"}, "m": {"M": {"a": {"S": "y"}}}, "s": {"NS": ["1", "2.5"]}},
        {"n": {"NULL": True}, "any": {"L": [{"S": "z"}]}, "s": {"L": [{"N": "1"}]}},
        {"any": {"M": {"b": {"BOOL": True}}}},
    )
    found = reader.run(
        table,
        """
        frame = read(TABLE, **{"dynamodb.splits": "3"})
        frame.printSchema()
        say("found", [types(frame), rows(frame)])
        """,
    )
    columns, records = found
    assert columns == {
        "pk": "string",
        "n": "struct<double:double,long:bigint>",
        "any": "struct<array:array<string>,long:bigint,string:string,struct:struct<b:boolean>>",
        "m": "struct<a:struct<long:bigint,string:string>>",
        "l": "array<struct<long:bigint,string:string>>",
        "s": "struct<array:array<bigint>,set:array<struct<double:double,long:bigint>>>",
    }
    assert [records[n]["n"] for n in "0123"] == [
        {"double": None, "long": 1},
        {"double": 1.5, "long": None},
        None,
        None,
    ]
    empty = {"array": None, "long": None, "string": None, "struct": None}
    assert [records[n]["any"] for n in "0123"] == [
        {**empty, "string": "x"},
        {**empty, "long": 7},
        {**empty, "array": ["z"]},
        {**empty, "struct": {"b": True}},
    ]
    assert [records[n]["m"] for n in "0123"] == [
        {"a": {"long": 1, "string": None}},
        {"a": {"long": None, "string": "y"}},
        None,
        None,
    ]
    assert records["0"]["l"] == [{"long": 1, "string": None}, {"long": None, "string": "x"}]
    assert records["1"]["s"] == {
        "array": None,
        "set": [{"double": None, "long": 1}, {"double": 2.5, "long": None}],
    }
    assert records["2"]["s"] == {"array": [1], "set": None}


def test_schema_is_printed_as_glue_prints_it(reader: Reader) -> None:
    table = reader.table({"a": {"M": {"b": {"L": [{"M": {"c": {"SS": ["x"]}}}, {"N": "1"}]}}}})
    found = reader.run(
        table,
        """
        import contextlib, io
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            read(TABLE).printSchema()
        say("found", printed.getvalue())
        """,
    )
    assert found == (
        "root\n"
        "|-- pk: string\n"
        "|-- a: struct\n"
        "|    |-- b: array\n"
        "|    |    |-- element: choice\n"
        "|    |    |    |-- long\n"
        "|    |    |    |-- struct\n"
        "|    |    |    |    |-- c: set\n"
        "|    |    |    |    |    |-- element: string\n"
    )


def test_numbers_beyond_long_and_double_lose_digits_as_in_glue(reader: Reader) -> None:
    texts = [
        "9223372036854775807",
        "9223372036854775808",
        "12345678901234567890123456789012345678",
        "0.1234567890123456789",
        "-1E-130",
        "9.9999999999999999999999999999999999999E+125",
        "0",
    ]
    table = reader.table(
        *[{"n": {"N": text}} for text in texts], {"n": {"NS": ["10000000000000000000001", "10000000000000000000002"]}}
    )
    found = reader.run(table, "say('found', rows(read(TABLE)))")

    def number(value: float) -> dict[str, Any]:
        return {"double": None, "long": None, "set": None, "long" if isinstance(value, int) else "double": value}

    expected = [2**63 - 1, 2.0**63, 1.2345678901234568e37, 0.12345678901234568, -1e-130, 1e126, 0]
    assert [found[str(n)]["n"] for n in range(len(texts))] == list(map(number, expected))
    lost = [text for text, value in zip(texts, expected, strict=True) if Decimal(text) != Decimal(str(value))]
    assert len(lost) == 4
    # Two elements of a set that become one double are both there.
    assert found["7"]["n"]["set"] == [1e22, 1e22]


def test_hostile_attributes_are_neither_lost_nor_confused(reader: Reader) -> None:
    names = [
        "S",
        "N",
        "M",
        "L",
        "a.b",
        "with space",
        'quo"te',
        "tick`",
        "brackets[]",
        "Id",
        "id",
        "ünï",
        "a,b",
        "__class__",
    ]
    items = [
        {name: {"S": f"value of {name}"} for name in names},
        {"S": {"M": {"S": {"M": {"N": {"S": "deep"}}}, "a.b": {"S": "point"}}}},
        {"empty_map": {"M": {}}, "empty_list": {"L": []}, "empty_text": {"S": ""}, "only_null": {"NULL": True}},
        {
            "nulls": {"L": [{"NULL": True}]},
            "nested": {"L": [{"L": []}, {"L": [{"N": "1"}]}]},
            "only_null": {"NULL": True},
        },
    ]
    found = reader.run(
        reader.table(*items),
        """
        frame = read(TABLE)
        data_frame, folder = frame.toDF(), os.environ["TMPDIR"] + "/written"
        def written(*columns):
            chosen = data_frame.select([f"`{name}`" for name in columns])
            return refused(lambda: chosen.write.mode("overwrite").parquet(folder))
        not_written = [written("empty_map"), refused(lambda: data_frame.select("id").collect())]
        glue_context.spark_session.conf.set("spark.sql.caseSensitive", "true")
        pair = [written("Id", "id"), glue_context.spark_session.read.parquet(folder).dropna().collect()]
        say("found", [data_frame.columns, types(frame), rows(frame), frame.count(), not_written, pair])
        """,
    )
    columns, kinds, records, count, not_written, pair = found
    for message, word in zip(not_written, ["empty", "AMBIGUOUS"], strict=True):
        assert word in message, message
    assert pair == ["nothing was raised", [["value of Id", "value of id"]]]
    assert sorted(columns) == sorted(
        ["pk", *names, "empty_map", "empty_list", "empty_text", "only_null", "nulls", "nested"]
    )
    assert {name: value for name, value in records["0"].items() if name in names and name != "S"} == {
        name: f"value of {name}" for name in names if name != "S"
    }
    assert records["0"]["S"] == {"string": "value of S", "struct": None}
    assert records["1"]["S"] == {"string": None, "struct": {"S": {"N": "deep"}, "a.b": "point"}}
    assert {
        name: kinds[name] for name in ("empty_map", "empty_list", "empty_text", "only_null", "nulls", "nested")
    } == {
        "empty_map": "struct<>",
        "empty_list": "array<void>",
        "empty_text": "string",
        "only_null": "void",
        "nulls": "array<void>",
        "nested": "array<array<bigint>>",
    }
    assert {name: value for name, value in records["2"].items() if value is not None} == {
        "empty_map": {},
        "empty_list": [],
        "empty_text": "",
    }
    assert records["3"]["nulls"] == [None]
    assert records["3"]["nested"] == [[], [1]]
    assert count == 4


def test_empty_table_gives_no_rows_and_no_columns(reader: Reader) -> None:
    found = reader.run(
        reader.new_table("S"),
        """
        frame = read(TABLE, **{"dynamodb.splits": 4})
        say("found", [frame.count(), frame.toDF().columns, frame.toDF().count(), frame.schema().jsonValue()["fields"],
                      frame.getNumPartitions()])
        """,
    )
    assert found == [0, [], 0, [], 4]


# ---- how it reads


def test_each_split_is_a_partition_with_rows_of_its_own(reader: Reader) -> None:
    usual = {"list": {"L": [{"M": {"a": {"N": "1"}}}]}}
    rare = {"list": {"L": [{"M": {"a": {"S": "x"}}}]}, "sparse": {"N": "1"}}
    table = reader.table(*[rare if n == 150 else usual for n in range(200)])
    found = reader.run(
        table,
        """
        from pyspark.sql.functions import spark_partition_id
        frame = read(TABLE, **{"dynamodb.splits": "8"})
        placed = frame.toDF().withColumn("partition", spark_partition_id()).select("partition", "pk", "sparse")
        fewer, more = frame.coalesce(3), frame.repartition(20)
        say("found", [types(frame), [list(row) for row in placed.collect()],
                      frame.getNumPartitions(), read(TABLE).getNumPartitions(),
                      [fewer.getNumPartitions(), fewer.count(), more.getNumPartitions(), more.count()]])
        """,
    )
    columns, placed, partitions, default, changed = found
    assert columns == {"pk": "string", "list": "array<struct<a:struct<long:bigint,string:string>>>", "sparse": "bigint"}
    assert (partitions, default) == (8, 1)
    assert sorted(pk for _, pk, _ in placed) == sorted(map(str, range(200)))
    assert {partition for partition, _, _ in placed} == set(range(8))
    assert [pk for _, pk, sparse in placed if sparse] == ["150"]
    assert changed == [3, 200, 20, 200]


def test_every_pass_reads_the_table_again_and_what_no_longer_fits_fails(reader: Reader) -> None:
    table = reader.table({"n": {"N": "1"}}, {"n": {"N": "2"}})
    found = reader.run(
        table,
        """
        dynamodb = boto3.client("dynamodb")
        frame = read(TABLE)
        frame.schema()
        dynamodb.put_item(TableName=TABLE, Item={"pk": {"S": "later"}, "n": {"N": "3"}})
        data_frame = frame.toDF()
        as_text = frame.resolveChoice(specs=[("n", "cast:string")]).toDF()
        counts = [frame.count(), data_frame.count()]
        for n, new in enumerate([{"n": {"S": "text"}}, {"n": {"N": "4"}, "new": {"S": "x"}}, {"n": {"N": "0.5"}}]):
            dynamodb.put_item(TableName=TABLE, Item={"pk": {"S": "later"}, **new})
            counts.append([refused(data_frame.collect), refused(as_text.collect)])
        say("found", counts)
        """,
    )
    assert found[:2] == [3, 3]
    whats = ["n: a string instead of a long", "new: a field of this name", "n: a double instead of a long"]
    for messages, what in zip(found[2:], whats, strict=True):
        for message in messages:
            assert f"RuntimeError: {what} was not there when the schema was computed" in message
            assert "Read it again" in message


def test_reading_keeps_to_the_percentage_of_the_tables_capacity(reader: Reader) -> None:
    capacity = {"ReadCapacityUnits": 20, "WriteCapacityUnits": 5}
    table = reader.new_table("S", BillingMode="PROVISIONED", ProvisionedThroughput=capacity)
    put_all(reader.dynamodb, table, thousand_byte_items(320))
    answers = pages(reader.dynamodb, table, ReturnConsumedCapacity="TOTAL")
    units = sum(answer["ConsumedCapacity"]["CapacityUnits"] for answer in answers)
    counted, seconds = reader.run(
        table,
        """
        frame = read(TABLE, **{"dynamodb.throughput.read.percent": 0.25, "dynamodb.splits": 1})
        began = time.monotonic()
        say("found", [frame.count(), time.monotonic() - began])
        """,
    )
    assert counted == 320
    rate = 20 * 0.25
    saved_up, last_page = rate * WINDOW_SECONDS, 2
    assert units - saved_up - last_page > 2 * rate  # so it must have waited
    assert seconds >= (units - saved_up - last_page) / rate


def test_read_rate_is_never_exceeded_by_more_than_it_saved_up() -> None:
    now = waited = 0.0

    def wait(seconds: float) -> None:
        nonlocal now, waited
        now, waited = now + seconds, waited + seconds

    rate = ReadRate(4, 1000, now=lambda: now, wait=wait)
    consumed = 0.0
    for page in range(200):
        units, items = rate.take()
        assert 1 <= units <= MOST_UNITS
        assert items >= 1
        used = units * (1.4 if page % 3 == 0 else 0.9)  # items are larger or smaller than believed
        consumed += used
        rate.settle(units, used, items)
        assert consumed <= 4 * (WINDOW_SECONDS + now) + 0.4 * MOST_UNITS
        now += 0.01
    assert consumed >= 4 * now
    assert waited > 0
