"""Avro schemas to and from Arrow columns.

To Arrow, because a crawler reads the schema in an Avro file's header; from Arrow, because the catalog's Avro tables
carry one Avro schema for all their files, which after a merge none of the files has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.types as is_a

from dynamo_assets.sandbox.crawling.schema_merge import Columns, merge_types

_PRIMITIVES: dict[str, pa.DataType] = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
    "fixed": pa.binary(),
    "enum": pa.string(),
}
_LOGICAL_TYPES: dict[str, Callable[[Mapping[str, Any]], pa.DataType]] = {
    "date": lambda _: pa.date32(),
    "timestamp-millis": lambda _: pa.timestamp("ms"),
    "timestamp-micros": lambda _: pa.timestamp("ms"),
    "decimal": lambda schema: pa.decimal128(schema["precision"], schema.get("scale", 0)),
}


def columns_of(schema: Any) -> dict[str, pa.DataType]:
    """The columns of an Avro file's schema, which must be a record.

    Raises:
        ValueError: It is not a record, or holds a type that Hive has not.
    """
    if not isinstance(schema, Mapping) or schema.get("type") not in {"record", "error"}:
        raise ValueError(f"its Avro schema is not a record but {schema!r}")
    named: dict[str, pa.DataType] = {}
    return {field["name"]: _to_arrow(field["type"], named) for field in schema["fields"]}


def _to_arrow(schema: Any, named: dict[str, pa.DataType]) -> pa.DataType:
    if isinstance(schema, list):
        merged: pa.DataType = pa.null()
        for branch in schema:
            merged = merge_types(merged, _to_arrow(branch, named))
        return merged
    if isinstance(schema, str):
        if schema in _PRIMITIVES:
            return _PRIMITIVES[schema]
        if schema in named:
            return named[schema]
        raise ValueError(f"its Avro schema uses the type {schema!r} inside or before its own definition")
    if (logical := schema.get("logicalType")) in _LOGICAL_TYPES:
        return _LOGICAL_TYPES[logical](schema)
    data_type = _compound_to_arrow(schema, named)
    if "name" in schema:
        namespace = schema.get("namespace")
        named[schema["name"]] = named[f"{namespace}.{schema['name']}" if namespace else schema["name"]] = data_type
    return data_type


def _compound_to_arrow(schema: Mapping[str, Any], named: dict[str, pa.DataType]) -> pa.DataType:
    if schema["type"] == "record":
        return pa.struct([(field["name"], _to_arrow(field["type"], named)) for field in schema["fields"]])
    if schema["type"] == "array":
        return pa.list_(_to_arrow(schema["items"], named))
    if schema["type"] == "map":
        return pa.map_(pa.string(), _to_arrow(schema["values"], named))
    return _to_arrow(schema["type"], named)


def schema_literal(name: str, columns: Columns) -> str:
    """The Avro schema, as JSON, of a record of these columns, each of them nullable."""
    return json.dumps(_record(name, columns.items()), separators=(",", ":"))


def _record(name: str, fields: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": re.sub(r"[^A-Za-z0-9_]", "_", name),
        "fields": [
            {"name": field, "type": ["null", _from_arrow(f"{name}_{field}", data_type)], "default": None}
            for field, data_type in fields
        ],
    }


_NAMES: list[tuple[Callable[[pa.DataType], bool], Any]] = [
    (is_a.is_boolean, "boolean"),
    (is_a.is_int64, "long"),
    (is_a.is_integer, "int"),
    (is_a.is_float32, "float"),
    (is_a.is_float64, "double"),
    (is_a.is_binary, "bytes"),
    (is_a.is_date, {"type": "int", "logicalType": "date"}),
    (is_a.is_timestamp, {"type": "long", "logicalType": "timestamp-millis"}),
]


def _from_arrow(name: str, data_type: pa.DataType) -> Any:
    if isinstance(data_type, pa.StructType):
        return _record(name, ((field.name, field.type) for field in data_type.fields))
    if isinstance(data_type, pa.ListType):
        return {"type": "array", "items": ["null", _from_arrow(name, data_type.value_type)]}
    if isinstance(data_type, pa.MapType):
        return {"type": "map", "values": ["null", _from_arrow(name, data_type.item_type)]}
    if is_a.is_decimal(data_type):
        return {
            "type": "bytes",
            "logicalType": "decimal",
            "precision": data_type.precision,
            "scale": data_type.scale,
        }
    return next((avro for test, avro in _NAMES if test(data_type)), "string")
