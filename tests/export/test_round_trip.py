"""No value changes: what boto3's own deserializer reads and what the columns hold are the same, value by value."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given, settings

from dynamo_assets.export.request import ExportRequest
from tests.export.any_items import as_boto3_reads, decoded_binary, units

OPTIONS = ExportRequest(table="Zoo", bucket="exports")


@settings(max_examples=200, deadline=None)
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
                read = deserializer.deserialize(decoded_binary(json.loads(actual)))
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
