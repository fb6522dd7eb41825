from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.errors import ConversionError
from dynamo_assets.export.observed import MAX_STRUCT_FIELDS, TAGS, Facts, NumberRange, Observed
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema, arrow_type, athena_type

OPTIONS = ExportRequest(table="Zoo", bucket="exports")

names = st.sampled_from(["a", "b", "A"])
counts = st.dictionaries(st.sampled_from(TAGS), st.integers(0, 9), max_size=2)
observations = st.recursive(
    st.builds(Observed, counts, st.sampled_from(NumberRange)),
    lambda inner: st.builds(
        Observed,
        counts,
        st.sampled_from(NumberRange),
        fields=st.dictionaries(names, inner, max_size=3),
        elements=st.none() | inner,
    ),
    max_leaves=6,
)


def joined(*parts: Observed) -> Observed:
    whole = Observed()
    for part in parts:
        whole.merge(part)
    return whole


@given(observations, observations, observations)
def test_merging_observations_is_associative_and_commutative(a: Observed, b: Observed, c: Observed) -> None:
    assert joined(joined(a, b), c) == joined(a, joined(b, c))
    assert joined(a, b) == joined(b, a)


@given(observations, observations)
def test_merging_again_changes_counts_but_never_a_type(a: Observed, b: Observed) -> None:
    assert arrow_type(joined(a, b, a), OPTIONS) == arrow_type(joined(a, b), OPTIONS)
    assert joined(a, b, b).tags() == joined(a, b).tags()


@given(observations, observations)
def test_what_became_text_never_becomes_anything_else(a: Observed, b: Observed) -> None:
    """But for maps never seen with a field and values never seen but NULL, of which nothing is known yet."""
    known = a.tags() and not (a.tags() == {"M"} and not a.fields)
    if known and arrow_type(a, OPTIONS) == pa.string():
        assert arrow_type(joined(a, b), OPTIONS) == pa.string()


def test_a_copy_shares_nothing() -> None:
    original = Observed({"M": 1}, fields={"a": Observed({"L": 1}, elements=Observed({"N": 1}))})
    twin = original.copy()
    assert twin == original
    twin.fields["a"].element().add("S", 1)
    assert twin != original


def test_more_fields_than_a_struct_may_have_make_a_map_text_whatever_the_order() -> None:
    halves = [
        Observed({"M": 1}, fields={f"{half}{number}": Observed({"S": 1}) for number in range(MAX_STRUCT_FIELDS // 2)})
        for half in "ab"
    ]
    one_more = Observed({"M": 1}, fields={"c": Observed({"S": 1})})
    assert pa.types.is_struct(arrow_type(joined(*halves), OPTIONS))
    for parts in [(*halves, one_more), (one_more, *halves)]:
        assert arrow_type(joined(*parts), OPTIONS) == pa.string()
        assert joined(*parts).fields == {}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("0", NumberRange.INT64),
        ("-0", NumberRange.INT64),
        ("1E+2", NumberRange.INT64),
        ("1.000", NumberRange.INT64),
        (str(2**63 - 1), NumberRange.INT64),
        (str(-(2**63)), NumberRange.INT64),
        (str(2**63), NumberRange.DECIMAL),
        (str(-(2**63) - 1), NumberRange.DECIMAL),
        ("1E-18", NumberRange.DECIMAL),
        ("99999999999999999999.999999999999999999", NumberRange.DECIMAL),
        ("1E-19", NumberRange.TEXT),
        ("1E+20", NumberRange.TEXT),
        ("1E-130", NumberRange.TEXT),
        ("9.9999999999999999999999999999999999999E+125", NumberRange.TEXT),
        ("12345678901234567890123456789012345678", NumberRange.TEXT),
    ],
)
def test_a_number_s_range_is_that_of_its_value(number: str, expected: NumberRange) -> None:
    assert NumberRange.of(number) == expected


N = NumberRange


@pytest.mark.parametrize(
    ("observed", "athena"),
    [
        (Observed({"S": 1}), "string"),
        (Observed({"N": 1}, N.INT64), "bigint"),
        (Observed({"N": 1}, N.DECIMAL), "decimal(38,18)"),
        (Observed({"N": 1}, N.TEXT), "string"),
        (Observed({"BOOL": 1}), "boolean"),
        (Observed({"B": 1}), "binary"),
        (Observed({"SS": 1}), "array<string>"),
        (Observed({"NS": 1}, elements=Observed(numbers=N.DECIMAL)), "array<decimal(38,18)>"),
        (Observed({"BS": 1}), "array<binary>"),
        (Observed({"NULL": 1}), "string"),
        (Observed({"N": 1, "NULL": 5}), "bigint"),
        (Observed({"S": 1, "N": 1}), "string"),
        (Observed({"L": 1}, elements=Observed({"N": 2})), "array<bigint>"),
        (Observed({"L": 1}), "array<string>"),
        (Observed({"L": 1}, elements=Observed({"N": 1, "S": 1})), "string"),
        (Observed({"M": 1}), "string"),
        (
            Observed({"M": 1}, fields={"Zip": Observed({"S": 1}), "city": Observed({"S": 1}), "n": Observed({"N": 1})}),
            "struct<zip:string,city:string,n:bigint>",
        ),
        (Observed({"M": 1}, fields={"x": Observed({"S": 1, "N": 1})}), "string"),
        (
            Observed(
                {"L": 1}, elements=Observed({"M": 1}, fields={"q": Observed({"L": 1}, elements=Observed({"N": 1}))})
            ),
            "array<struct<q:array<bigint>>>",
        ),
    ],
)
def test_the_type_table(observed: Observed, athena: str) -> None:
    assert athena_type(arrow_type(observed, OPTIONS)) == athena


def test_nested_json_keeps_maps_and_lists_as_text_and_sets_as_arrays() -> None:
    options = ExportRequest(table="Zoo", bucket="exports", nested="json")
    maps = Observed({"M": 1}, fields={"a": Observed({"S": 1})})
    lists = Observed({"L": 1}, elements=Observed({"S": 1}))
    assert [athena_type(arrow_type(o, options)) for o in (maps, lists, Observed({"SS": 1}))] == [
        "string",
        "string",
        "array<string>",
    ]


def test_doubles_are_used_where_they_are_asked_for_and_nowhere_else() -> None:
    options = ExportRequest(table="Zoo", bucket="exports", numbers="double")
    prices = Observed({"L": 1}, elements=Observed({"N": 2}, N.TEXT))
    assert athena_type(arrow_type(prices, options)) == "array<double>"
    assert athena_type(arrow_type(Observed({"NS": 1}, elements=Observed(numbers=N.TEXT)), options)) == "array<double>"
    assert "double" not in athena_type(arrow_type(prices, OPTIONS))


def columns_of(facts: dict[str, Observed], **options: Any) -> list[tuple[str, str, str]]:
    request = ExportRequest(table="Zoo", bucket="exports", **options)
    schema = TableSchema.of(Facts(facts), request, ["pk"])
    return [(column.attribute, column.name, athena_type(column.type)) for column in schema.columns.values()]


def test_keys_come_first_and_the_rest_in_alphabetical_order() -> None:
    facts = {"z": Observed({"S": 1}), "A": Observed({"S": 1}), **Facts.of_keys({"pk": "N"}).attributes}
    assert columns_of(facts) == [("pk", "pk", "bigint"), ("A", "a", "string"), ("z", "z", "string")]


@pytest.mark.parametrize(
    ("forced", "athena"),
    [
        ("double", "double"),
        ("bigint", "bigint"),
        ("string", "string"),
        ("json", "string"),
        ("decimal(10,2)", "decimal(10,2)"),
    ],
)
def test_a_column_has_the_type_that_the_table_s_settings_force(forced: str, athena: str) -> None:
    assert columns_of({"price": Observed({"N": 1, "S": 1})}, columns={"price": forced}) == [("price", "price", athena)]


def test_mixed_types_fail_names_the_table_the_attribute_and_the_types() -> None:
    with pytest.raises(ConversionError, match=r"table Zoo: attribute 'x' has values of types N, S.*choose 'text'"):
        columns_of({"x": Observed({"S": 1, "N": 1, "NULL": 1})}, mixed_types="fail")
    assert columns_of({"x": Observed({"S": 1, "NULL": 1})}, mixed_types="fail")


def schema_of(**attributes: Observed) -> TableSchema:
    return TableSchema.of(Facts(attributes), OPTIONS, [])


def test_a_file_stands_where_it_lacks_columns_and_is_rewritten_where_types_or_names_differ() -> None:
    struct = Observed({"M": 1}, fields={"a": Observed({"S": 1})})
    wider_struct = Observed({"M": 1}, fields={"a": Observed({"S": 1}), "b": Observed({"S": 1})})
    narrow = schema_of(n=Observed({"N": 1}), m=struct)
    assert narrow.fits(schema_of(n=Observed({"N": 1}), m=struct, more=Observed({"S": 1})))
    assert not narrow.fits(schema_of(n=Observed({"N": 1}, N.DECIMAL), m=struct))
    assert not narrow.fits(schema_of(n=Observed({"N": 1}), m=wider_struct))
    assert schema_of(Id=Observed({"S": 1})).fits(schema_of(Id=Observed({"S": 1})))
    assert not schema_of(Id=Observed({"S": 1})).fits(schema_of(Id=Observed({"S": 1}), id=Observed({"S": 1})))
