"""An Avro schema's columns as Arrow types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from dynamo_assets.errors import AdoptionError

_PLAIN = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
    "enum": pa.string(),
    "fixed": pa.binary(),
}
_LOGICAL = {"date": pa.date32(), "timestamp-millis": pa.timestamp("ms"), "timestamp-micros": pa.timestamp("us")}


def arrow_schema(avro: Mapping[str, Any]) -> pa.Schema:
    """The columns of a record.

    Raises:
        AdoptionError: It is none, or has what the catalog has no type for.
    """
    if avro.get("type") != "record":
        raise AdoptionError("its Avro schema is no record's")
    return pa.schema([(field["name"], _type(field["type"], field["name"])) for field in avro["fields"]])


def _type(avro: Any, path: str) -> pa.DataType:
    if isinstance(avro, list):
        return _union(avro, path)
    if not isinstance(avro, dict):
        if avro not in _PLAIN:
            raise AdoptionError(f"column {path}: Avro type {avro!r} refers to itself or is not known")
        return _PLAIN[avro]
    logical = avro.get("logicalType")
    if logical == "decimal":
        return pa.decimal128(avro["precision"], avro.get("scale", 0))
    return _LOGICAL[logical] if logical in _LOGICAL else _built(avro, path)


def _built(avro: Mapping[str, Any], path: str) -> pa.DataType:
    match avro["type"]:
        case "record":
            return pa.struct([(each["name"], _type(each["type"], f"{path}.{each['name']}")) for each in avro["fields"]])
        case "array":
            return pa.list_(_type(avro["items"], path))
        case "map":
            return pa.map_(pa.string(), _type(avro["values"], path))
        case kind:
            return _type(kind, path)


def _union(avro: list[Any], path: str) -> pa.DataType:
    kinds = [kind for kind in avro if kind != "null"]
    if len(kinds) > 1:
        raise AdoptionError(f"column {path} is a union of several types, which Athena cannot read")
    return _type(kinds[0], path) if kinds else pa.null()
