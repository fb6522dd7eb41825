"""No value changes: what boto3's own deserializer reads and what the columns hold are the same, value by value."""

from __future__ import annotations

import json
from base64 import b64decode
from decimal import Decimal
from typing import Any

import pyarrow as pa
from boto3.dynamodb.types import Binary, TypeDeserializer
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamo_assets.export.request import ExportRequest

OPTIONS = ExportRequest(table="Zoo", bucket="exports")

# Names that a decoder which guesses would trip over, and names that no identifier can have.
names = st.sampled_from(
    [
        *["S", "N", "BOOL", "B", "SS", "NS", "BS", "NULL", "M", "L", "Items", "Count", "f0", "f1", "V"],
        *["a b", "a.b", "a-b", 'qu"ote', "back\\slash", "new\nline", "\x00", "{", "}", "日本", "é", "\U0001f600"],
        *["Id", "id", "ID", "id_2", "snapshot_timestamp", "Snapshot_Timestamp", "select", "1", "_", " "],
    ]
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", "{", '{"S":"x"}', "1", "null"]
)
numbers = st.one_of(
    st.integers(-(2**64), 2**64).map(Decimal),
    st.sampled_from(
        ["0", "-0", "1E+2", "1.0", "1E-130", "9.9999999999999999999999999999999999999E+125", "1E+20", "1E-18"]
    ).map(Decimal),
    st.sampled_from([2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**20 - 1, 10**20, 10**38 - 1]).map(Decimal),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
    st.builds(
        lambda digits, e: Decimal(digits).scaleb(e), st.integers(-(10**38) + 1, 10**38 - 1), st.integers(-130, 85)
    ).filter(lambda n: n == 0 or (abs(n) >= Decimal("1E-130") and abs(n) < Decimal("1E126"))),
)
binaries = st.binary(max_size=6).map(Binary)
scalars = st.none() | st.booleans() | texts | numbers | binaries
sets = st.one_of(
    st.sets(texts.filter(bool), min_size=1, max_size=3),
    st.sets(numbers, min_size=1, max_size=3),
    st.sets(st.binary(min_size=1, max_size=4).map(Binary), min_size=1, max_size=3),
)
values = st.recursive(
    scalars | sets, lambda v: st.lists(v, max_size=4) | st.dictionaries(names, v, max_size=4), max_leaves=12
)
# Of a few shapes each attribute has mostly one, as in real tables; `values` mixes them all.
shapes = st.sampled_from([texts, numbers, numbers | st.none(), binaries, st.booleans(), sets, values])
typical = st.dictionaries(names, shapes, max_size=6).flatmap(
    lambda shape: st.lists(st.fixed_dictionaries({}, optional=shape), max_size=6)
)
pages = typical | st.lists(st.dictionaries(names, values, max_size=5), max_size=5)
units = st.lists(st.lists(pages, max_size=4), min_size=1, max_size=3)


def as_boto3_reads(unit_pages: list[list[list[dict[str, Any]]]], make_page: Any) -> list[dict[str, Any]]:
    deserializer = TypeDeserializer()
    items = []
    for page in (page for unit in unit_pages for page in unit):
        typed = json.loads(make_page(page).items)
        items += [{name: deserializer.deserialize(_binary(value)) for name, value in item.items()} for item in typed]
    return items


def _binary(value: Any) -> Any:
    """boto3's client decodes base64 before the deserializer sees it."""
    ((tag, payload),) = value.items()
    if tag == "B":
        return {tag: b64decode(payload)}
    if tag == "BS":
        return {tag: [b64decode(entry) for entry in payload]}
    if tag == "M":
        return {tag: {name: _binary(inner) for name, inner in payload.items()}}
    return {tag: [_binary(inner) for inner in payload]} if tag == "L" else value


@settings(max_examples=400, deadline=None)
@given(units)
def test_every_value_comes_back_as_boto3_reads_it(
    export_pages: Any, make_page: Any, assert_same: Any, data: Any
) -> None:
    exported = export_pages(data, OPTIONS)
    expected = as_boto3_reads(data, make_page)
    assert len(exported.rows) == len(expected)
    for row, item in zip(exported.rows, expected, strict=True):
        assert set(item) <= set(exported.schema.columns)
        for attribute, column in exported.schema.columns.items():
            assert_same(row.get(attribute), item.get(attribute), column.type, column.observed)


@settings(max_examples=100, deadline=None)
@given(units)
def test_dynamodb_json_keeps_the_types_of_what_no_column_type_holds(
    export_pages: Any, make_page: Any, assert_same: Any, data: Any
) -> None:
    options = ExportRequest(table="Zoo", bucket="exports", mixed_types="dynamodb_json")
    exported = export_pages(data, options)
    deserializer = TypeDeserializer()
    for row, item in zip(exported.rows, as_boto3_reads(data, make_page), strict=True):
        for attribute, column in exported.schema.columns.items():
            actual, expected = row.get(attribute), item.get(attribute)
            if column.encoding == "dynamodb_json" and expected is not None:
                read = deserializer.deserialize(_binary(json.loads(actual)))
                assert without_nulls(read) == without_nulls(expected)
            elif not pa.types.is_nested(column.type):
                assert_same(actual, expected, column.type, column.observed)


def without_nulls(value: Any) -> Any:
    """A map that became text only later was a struct before, where NULL and absent are alike."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


@settings(max_examples=100, deadline=None)
@given(units)
def test_nested_json_holds_maps_and_lists_whole(export_pages: Any, make_page: Any, assert_same: Any, data: Any) -> None:
    exported = export_pages(data, ExportRequest(table="Zoo", bucket="exports", nested="json"))
    for row, item in zip(exported.rows, as_boto3_reads(data, make_page), strict=True):
        for attribute, column in exported.schema.columns.items():
            assert not pa.types.is_struct(column.type)
            assert_same(row.get(attribute), item.get(attribute), column.type, column.observed)
