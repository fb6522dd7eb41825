"""How a manifest describes columns, whose types in the catalog differ by format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dynamo_assets.export.manifest import ManifestColumn
from dynamo_assets.export.manifest_columns import manifest_columns, serde_parameters
from dynamo_assets.export.observed import Facts
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema

ITEM = {
    "Id": "1", "N": 1, "flag": True, "data": b"x", "tags": {"a"}, "blobs": {b"x"}, "mixed": "s", "nothing": None,
    "m": {"a": 1, "data": b"x", "binary_size": 2}, "l": [{"binary": "x"}],
}  # fmt: skip


def described(export_pages: Any, format: str, **options: Any) -> dict[str, ManifestColumn]:
    request = ExportRequest(table="Zoo", bucket="exports", **{"format": format, **options})
    facts = export_pages([[[ITEM, {"mixed": 2}]]], request).facts
    columns = manifest_columns(TableSchema.of(facts, request, ["Id"]), facts, request)
    return {column.attribute: column for column in columns}


def stored(columns: dict[str, ManifestColumn]) -> dict[str, tuple[str, str, str]]:
    return {attribute: (column.type, column.encoding, column.view_type) for attribute, column in columns.items()}


PLAIN = {
    "Id": ("string", "", ""),
    "N": ("bigint", "", ""),
    "flag": ("boolean", "", ""),
    "data": ("binary", "", ""),
    "tags": ("array<string>", "", ""),
    "blobs": ("array<binary>", "", ""),
    "mixed": ("string", "", ""),
    "nothing": ("string", "", ""),
    "m": ("struct<a:bigint,binary_size:bigint,data:binary>", "", ""),
    "l": ("array<struct<binary:string>>", "", ""),
}


@pytest.mark.parametrize("format", ["parquet", "orc", "avro"])
def test_formats_with_types_have_athena_s(export_pages: Any, format: str) -> None:
    assert stored(described(export_pages, format)) == PLAIN


def test_json_has_no_binary_and_names_of_fields_are_left_alone(export_pages: Any) -> None:
    assert stored(described(export_pages, "json")) == {
        **PLAIN,
        "data": ("string", "base64", "binary"),
        "blobs": ("array<string>", "", ""),
        "m": ("struct<a:bigint,binary_size:bigint,data:string>", "", ""),
    }


def test_csv_has_text_only_and_the_view_has_the_types(export_pages: Any) -> None:
    text = ("string", "csv", "")
    assert stored(described(export_pages, "csv")) == {
        "Id": text,
        "N": ("string", "csv", "bigint"),
        "flag": ("string", "csv", "boolean"),
        "data": ("string", "base64", "binary"),
        **dict.fromkeys(["tags", "blobs", "mixed", "nothing", "m", "l"], text),
    }


def test_values_of_several_types_as_dynamodb_json_say_so(export_pages: Any) -> None:
    columns = described(export_pages, "parquet", mixed_types="dynamodb_json")
    assert [name for name, column in columns.items() if column.encoding == "dynamodb_json"] == ["mixed"]


def test_columns_count_their_values_by_type_and_leave_out_what_was_only_expected(export_pages: Any) -> None:
    columns = described(export_pages, "parquet")
    assert columns["mixed"].dynamodb_types == {"N": 1, "S": 1}
    assert columns["nothing"].dynamodb_types == {"NULL": 1}
    request = ExportRequest(table="Zoo", bucket="exports")
    facts = Facts.of_keys({"Id": "S"})
    (key,) = manifest_columns(TableSchema.of(facts, request, ["Id"]), facts, request)
    assert (key.dynamodb_types, key.observed) == ({}, {"types": {"S": 0}})


def test_losses_are_counted_wherever_they_lie(export_pages: Any) -> None:
    request = ExportRequest(table="Zoo", bucket="exports", numbers="double")
    facts = export_pages([[[{"m": {"l": [2**60 + 1, 1]}, "ns": {2**60 + 1}, "n": 2**60 + 1}]]], request).facts
    columns = manifest_columns(TableSchema.of(facts, request, []), facts, request)
    assert {column.name: column.lossy for column in columns} == {"m": 1, "n": 1, "ns": 1}


@pytest.mark.parametrize("format", ["parquet", "orc", "json", "csv"])
def test_only_avro_has_a_schema_in_the_catalog(export_pages: Any, format: Any) -> None:
    request = ExportRequest(table="Zoo", bucket="exports", format=format)
    schema = TableSchema.of(export_pages([[[ITEM]]], request).facts, request, ["Id"])
    assert serde_parameters(schema, request) == {}


def test_avro_s_schema_has_every_column_by_its_name(export_pages: Any) -> None:
    request = ExportRequest(table="Zoo", bucket="exports", format="avro")
    schema = TableSchema.of(export_pages([[[ITEM, {"2020": 1}]]], request).facts, request, ["Id"])
    said = json.loads(serde_parameters(schema, request)["avro.schema.literal"])
    assert [field["name"] for field in said["fields"]] == [column.name for column in schema.columns.values()]
    assert "_2020" in {field["name"] for field in said["fields"]}
