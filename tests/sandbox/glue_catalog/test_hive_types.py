"""Hive type strings and Arrow types are two spellings of one thing."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.sandbox.glue_catalog.hive_types import from_arrow, parse

SPELLINGS = [
    ("boolean", pa.bool_()),
    ("tinyint", pa.int8()),
    ("smallint", pa.int16()),
    ("int", pa.int32()),
    ("bigint", pa.int64()),
    ("float", pa.float32()),
    ("double", pa.float64()),
    ("decimal(38,18)", pa.decimal128(38, 18)),
    ("string", pa.string()),
    ("binary", pa.binary()),
    ("date", pa.date32()),
    ("timestamp", pa.timestamp("ms")),
    ("array<array<int>>", pa.list_(pa.list_(pa.int32()))),
    ("map<string,array<double>>", pa.map_(pa.string(), pa.list_(pa.float64()))),
    (
        "struct<city:string,geo:struct<lat:decimal(9,6),tags:map<string,int>>>",
        pa.struct(
            [
                ("city", pa.string()),
                ("geo", pa.struct([("lat", pa.decimal128(9, 6)), ("tags", pa.map_(pa.string(), pa.int32()))])),
            ]
        ),
    ),
]


@pytest.mark.parametrize(("text", "data_type"), SPELLINGS)
def test_each_hive_type_has_one_arrow_type_and_back(text: str, data_type: pa.DataType) -> None:
    assert parse(text) == data_type
    assert from_arrow(data_type) == text


@pytest.mark.parametrize(
    ("text", "data_type"),
    [
        ("INTEGER", pa.int32()),
        ("real", pa.float32()),
        ("varchar(20)", pa.string()),
        ("char(3)", pa.string()),
        ("varchar", pa.string()),
        ("decimal", pa.decimal128(10, 0)),
        ("numeric(12)", pa.decimal128(12, 0)),
        ("varbinary", pa.binary()),
        (" Array < Struct < Total : BigInt > > ", pa.list_(pa.struct([("Total", pa.int64())]))),
        ("struct<`a:b`:int>", pa.struct([("a:b", pa.int32())])),
        (
            "struct<first name:int,$id:int,a.b:int,int:int>",
            pa.struct([(n, pa.int32()) for n in ("first name", "$id", "a.b", "int")]),
        ),
    ],
)
def test_other_spellings_that_athena_takes_are_understood(text: str, data_type: pa.DataType) -> None:
    assert parse(text) == data_type


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected a type at character 1"),
        ("money", "the type 'money' is not one that Athena reads at character 1"),
        ("uniontype<int,string>", "the type 'uniontype'"),
        ("array<int", "expected '>' at character 10"),
        ("array", "expected '<' at character 6"),
        ("array<>", "expected a type at character 7"),
        ("map<string>", "expected ',' at character 11"),
        ("struct<>", "expected a field's name at character 8"),
        ("struct<a int>", "expected ':' at character 13"),
        ("struct<a:int,>", "expected a field's name at character 14"),
        ("int int", "expected the end at character 5"),
        ("decimal(39,0)", "precision 1 to 38"),
        ("decimal(5,6)", "scale 0 to the precision"),
        ("decimal(a)", "expected a number at character 9"),
        ("varchar(0)", "its length is 1 to 65535"),
    ],
)
def test_what_is_no_hive_type_is_refused_with_the_place(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match="is not a Hive type") as refused:
        parse(text)
    assert problem in str(refused.value)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize(
    ("data_type", "text"),
    [
        (pa.uint8(), "smallint"),
        (pa.uint16(), "int"),
        (pa.uint32(), "bigint"),
        (pa.uint64(), "decimal(20,0)"),
        (pa.float16(), "float"),
        (pa.large_string(), "string"),
        (pa.null(), "string"),
        (pa.binary(16), "binary"),
        (pa.date64(), "date"),
        (pa.timestamp("us", tz="UTC"), "timestamp"),
        (pa.decimal64(12, 2), "decimal(12,2)"),
        (pa.dictionary(pa.int8(), pa.string()), "string"),
        (pa.large_list(pa.int64()), "array<bigint>"),
        (pa.list_(pa.int64(), 3), "array<bigint>"),
        (pa.uuid(), "binary"),
    ],
)
def test_arrow_types_that_hive_lacks_are_widened(data_type: pa.DataType, text: str) -> None:
    assert from_arrow(data_type) == text


@pytest.mark.parametrize(
    "data_type", [pa.time64("us"), pa.duration("s"), pa.decimal256(76, 2), pa.decimal128(5, -2), pa.struct([])]
)
def test_arrow_types_that_nothing_in_hive_holds_are_refused(data_type: pa.DataType) -> None:
    with pytest.raises(ValueError, match="Hive has no type"):
        from_arrow(data_type)


def test_a_refused_field_is_named_by_its_path() -> None:
    with pytest.raises(ValueError, match=r"'order\.sent'"):
        from_arrow(pa.struct([("order", pa.struct([("sent", pa.time32("s"))]))]))


@pytest.mark.parametrize("name", ["a:b", "a,b", "a<b", "a>b", "a`b", "", " a"])
def test_a_field_name_that_would_break_the_type_string_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be named in a Hive type"):
        from_arrow(pa.struct([(name, pa.int32())]))


def _nested(children: st.SearchStrategy[pa.DataType]) -> st.SearchStrategy[pa.DataType]:
    names = st.text(
        st.characters(blacklist_characters=":,<>`", min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=5
    )
    names = names.filter(lambda name: name == name.strip())
    return st.one_of(
        children.map(pa.list_),
        st.tuples(children, children).map(lambda pair: pa.map_(*pair)),
        st.dictionaries(names, children, min_size=1, max_size=4).map(lambda fields: pa.struct(list(fields.items()))),
    )


LEAVES = st.one_of(
    st.sampled_from([data_type for _, data_type in SPELLINGS[:12]]),
    st.integers(1, 38).flatmap(lambda p: st.integers(0, p).map(lambda s: pa.decimal128(p, s))),
)


@given(st.recursive(LEAVES, _nested, max_leaves=12))
def test_any_nesting_survives_the_round_trip(data_type: pa.DataType) -> None:
    assert parse(from_arrow(data_type)) == data_type
