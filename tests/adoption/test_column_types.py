"""The columns of typed files, as Athena finds them; what it could not find or read is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from dynamo_assets.adoption.avro_schema import arrow_schema
from dynamo_assets.adoption.column_types import athena_type, columns_by_name, unified
from dynamo_assets.adoption.description import Description
from dynamo_assets.adoption.old_folders import doubts, sorted_out
from dynamo_assets.adoption.places import Newest, placed
from dynamo_assets.errors import AdoptionError
from dynamo_assets.export.manifest import ManifestColumn
from dynamo_assets.naming import label_of_old_folder


def test_types_stay_exactly_what_the_files_have() -> None:
    schema = pa.schema(
        [
            ("Id", pa.string()),
            ("small", pa.int32()),
            ("at", pa.timestamp("ns")),
            ("price", pa.decimal128(10, 2)),
            ("m", pa.struct([("City", pa.string()), ("tags", pa.list_(pa.float32()))])),
            ("d", pa.map_(pa.string(), pa.int64())),
            ("odd-name", pa.date32()),
        ]
    )
    assert [(column.name, column.attribute, column.in_files, column.type) for column in columns_by_name(schema)] == [
        ("id", "Id", "Id", "string"),
        ("small", "small", "", "int"),
        ("at", "at", "", "timestamp"),
        ("price", "price", "", "decimal(10,2)"),
        ("m", "m", "", "struct<city:string,tags:array<float>>"),
        ("d", "d", "", "map<string,bigint>"),
        ("odd-name", "odd-name", "", "date"),
    ]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"Id": pa.string(), "id": pa.string()}, "upper and lower case alone"),
        ({"Snapshot_Timestamp": pa.string()}, "the partition's name"),
        ({"m": pa.struct([("a-b", pa.string())])}, "'a-b'"),
        ({"m": pa.struct([("A", pa.string()), ("a", pa.string())])}, "upper and lower case"),
        ({"m": pa.struct([])}, "a struct without fields"),
        ({"t": pa.time64("us")}, "which Athena cannot read"),
    ],
)
def test_what_athena_could_not_read_is_refused(schema: dict[str, Any], message: str) -> None:
    with pytest.raises(AdoptionError, match=message):
        list(columns_by_name(pa.schema(list(schema.items()))))


def test_files_of_one_snapshot_may_lack_columns_and_fields_and_not_contradict_each_other() -> None:
    one = pa.schema([("a", pa.int32()), ("m", pa.struct([("x", pa.int64())])), ("n", pa.null())])
    other = pa.schema(
        [("a", pa.int64()), ("m", pa.struct([("y", pa.string())])), ("n", pa.bool_()), ("b", pa.string())]
    )
    assert unified([one, other]) == pa.schema(
        [
            ("a", pa.int64()),
            ("m", pa.struct([("x", pa.int64()), ("y", pa.string())])),
            ("n", pa.bool_()),
            ("b", pa.string()),
        ]
    )
    with pytest.raises(AdoptionError, match="column a is int32 in one file and string in another"):
        unified([one, pa.schema([("a", pa.string())])])


def test_avro_says_its_types_and_unions_of_several_are_refused() -> None:
    fields = [
        {"name": "n", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}]},
        {"name": "m", "type": {"type": "map", "values": ["long", "null"]}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "l", "type": {"type": "array", "items": "int"}},
    ]
    schema = arrow_schema({"type": "record", "fields": fields})
    assert [athena_type(field.type, field.name) for field in schema] == [
        "decimal(5,2)",
        "map<string,bigint>",
        "timestamp",
        "array<int>",
    ]
    with pytest.raises(AdoptionError, match="a union of several types"):
        arrow_schema({"type": "record", "fields": [{"name": "c", "type": ["int", "string"]}]})


def _csv(*names: str) -> Description:
    return Description("csv", (), tuple(ManifestColumn(name, name, "string") for name in names), {})


@pytest.mark.parametrize(
    ("older", "newest", "fits"),
    [("ab", "ab", True), ("ab", "abc", True), ("abc", "ab", False), ("ba", "ab", False), ("ac", "abc", False)],
)
def test_csv_whose_columns_stand_elsewhere_than_the_newest_ones_is_refused(older: str, newest: str, fits: bool) -> None:
    reference = Newest("2019-10-02T10:00:00", "csv", _csv(*newest).columns)
    assert (reference.unlike("2019-10-01T10:00:00", _csv(*older)) == "") is fits
    own = Newest("2026-10-02T10:00:00", "parquet", _csv(*newest).columns)
    assert (own.unlike("2019-10-01T10:00:00", _csv(*older)) == "") is fits, "also beside other formats"
    assert "no table can have both" in Newest("2026", "json", ()).unlike("2019", _csv("a"))


def test_a_newer_csv_snapshot_may_have_further_columns_at_its_end_alone() -> None:
    before = Newest("2019-10-01T10:00:00", "csv", _csv("a", "b").columns)
    assert before.unlike("2019-10-02T10:00:00", _csv("a", "b", "c")) == ""
    assert "its column 2 is 'c', and that of 2019-10-01T10:00:00 is 'b'" in before.unlike(
        "2019-10-02T10:00:00", _csv("a", "c", "b")
    )


def test_columns_have_the_places_of_those_before_them_and_are_null_where_the_files_lack_them() -> None:
    places = [ManifestColumn("a", "A", "string", {"S": 2}), ManifestColumn("gone", "gone", "bigint", in_files="Gone")]
    own = (ManifestColumn("new", "new", "int"), ManifestColumn("a", "a", "string", in_files="a"))
    avro = {"avro.schema.literal": '{"type":"record","name":"r","fields":[]}'}
    done = placed(Description("avro", (), own, avro), places)
    assert done.columns == (own[1], ManifestColumn("gone", "gone", "bigint"), own[0])
    assert '{"name":"gone","type":["null","long"],"default":null}' in done.serde_parameters["avro.schema.literal"]
    assert placed(_csv("b", "a"), places) == _csv("b", "a"), "of CSV the order is the files'"


def test_folders_are_sorted_out_with_their_marks() -> None:
    now = datetime(2019, 10, 1, tzinfo=UTC)

    def entry(key: str, size: int = 1) -> Any:
        return {"Key": f"old/{key}", "Size": size, "ETag": '"e"', "LastModified": now}

    first, second = "snapshot_timestamp=2019-10-01T10:00", "snapshot_timestamp=2019-10-02T10%3A00"
    keys = [
        f"{second}/part-0",
        f"{second}/_temporary/0/x",
        f"{first}/part-0",
        f"{first}/_SUCCESS",
        f"{first}/within/part-1",
        "notes.txt",
        "snapshot_timestamp=2019-10-01T10:00:07/own",
    ]
    empty = [f"{first}/part-1", f"{first}_$folder$"]
    found, others = sorted_out([*map(entry, keys), *(entry(key, 0) for key in empty)], "old/")
    assert [(folder.label, folder.succeeded) for folder in found] == [
        ("2019-10-01T10:00:00", True),
        ("2019-10-02T10:00:00", False),
    ]
    assert [file.key for file in found[0].files] == [f"old/{first}/part-0", f"old/{first}/within/part-1"]
    assert found[0].nested == [f"old/{first}/within/part-1"]
    assert found[1].temporary == [f"old/{second}/_temporary/0/x"]
    assert others == ["notes.txt", "snapshot_timestamp=2019-10-01T10:00:07/"]
    assert doubts(found[0], found) == ""
    assert "no _SUCCESS, which 1 of the 2" in doubts(found[1], found)
    assert doubts(found[1], [found[1]]) == "", "where no writer leaves the mark, its absence says nothing"


def test_only_the_original_pipelines_folders_have_labels() -> None:
    assert label_of_old_folder("snapshot_timestamp=2019-10-01T10:00") == "2019-10-01T10:00:00"
    for other in ("snapshot_timestamp=2019-10-01T10:00:00", "snapshot_timestamp=2019-13-01T10:00", "2019-10-01T10:00"):
        assert label_of_old_folder(other) is None
