"""Avro schemas: the columns of one, and one for the files of many.

A crawler reads the schema in an Avro file's header; the catalog's Avro tables carry one schema for all their files,
which after a merge none of the files has.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.types as is_a

from dynamo_assets.sandbox.crawlers.schema_merge import Columns, merge_types

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


def merge_schemas(schemas: Iterable[Mapping[str, Any]], columns: Columns) -> str:
    """One schema, as JSON, that reads the files of all the schemas.

    It is the last one, with the fields that only others have; a field that some files lack, or have in another type,
    is nullable. (An enumeration that becomes text is not read from the old files: Avro has no such rule.)

    Args:
        schemas: Records, in the order of their files.
        columns: The merged columns, by names in lower case.
    """
    distinct = list({json.dumps(schema): schema for schema in schemas}.values())
    last = distinct[-1]
    if len(distinct) > 1:
        found: dict[str, list[Any]] = defaultdict(list)
        for schema in distinct:
            for field in schema["fields"]:
                found[field["name"]].append(field["type"])
        in_last = {field["name"]: field for field in last["fields"]}
        fields = []
        for name, types in found.items():
            agreed = all(one == types[0] for one in types) and (name in in_last or not _defines_names(types[0]))
            if agreed and len(types) == len(distinct):
                fields.append(in_last[name])
            else:
                generated = _from_arrow(f"{last['name']}_{name}", columns[name.lower()])
                fields.append(_nullable(name, types[0] if agreed else generated))
        last = {**last, "fields": fields}
    return json.dumps(last, separators=(",", ":"))


def _defines_names(schema: Any) -> bool:
    if isinstance(schema, list):
        return any(map(_defines_names, schema))
    if isinstance(schema, Mapping):
        return "name" in schema or any(_defines_names(schema.get(part)) for part in ("type", "items", "values"))
    return False


def _nullable(name: str, data_type: Any) -> dict[str, Any]:
    branches = data_type if isinstance(data_type, list) else [data_type]
    return {"name": name, "type": ["null", *(branch for branch in branches if branch != "null")], "default": None}


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
        fields = [_nullable(field.name, _from_arrow(f"{name}_{field.name}", field.type)) for field in data_type.fields]
        return {"type": "record", "name": re.sub(r"[^A-Za-z0-9_]", "_", name), "fields": fields}
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
