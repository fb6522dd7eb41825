"""Athena's types, spoken as Arrow's, and their names in Athena, in DuckDB and in sqlglot's syntax trees.

Arrow has a type for each but these: `json` is Arrow's JSON extension, `unknown` (a bare NULL) is `null`, a timestamp
with time zone carries its zone in the type, and the lengths of `varchar(n)` are not kept.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.types as is_a
from sqlglot import exp

from dynamo_assets.sandbox.athena.errors import QueryFailure, unsupported
from dynamo_assets.sandbox.glue_catalog import hive_types

BOOLEAN, BIGINT, INTEGER, REAL, DOUBLE = pa.bool_(), pa.int64(), pa.int32(), pa.float32(), pa.float64()
VARCHAR, VARBINARY, DATE, UNKNOWN = pa.string(), pa.binary(), pa.date32(), pa.null()
TIMESTAMP, TIMESTAMP_UTC = pa.timestamp("ms"), pa.timestamp("ms", tz="UTC")
JSON: pa.DataType = pa.json_()
# INTERVAL DAY TO SECOND and INTERVAL YEAR TO MONTH: only ever added to a time.
DAY_TIME, YEAR_MONTH = pa.duration("ms"), pa.month_day_nano_interval()

_INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64()]
# Decimal digits that hold every value of the integer type.
_DIGITS = {pa.int8(): 3, pa.int16(): 5, pa.int32(): 10, pa.int64(): 19}
MAX_PRECISION = 38
# Of a second, in every timestamp.
_SECOND_DIGITS = 3

# type: (Athena's name, DuckDB's)
_SIMPLE: dict[pa.DataType, tuple[str, str]] = {
    BOOLEAN: ("boolean", "BOOLEAN"),
    pa.int8(): ("tinyint", "TINYINT"),
    pa.int16(): ("smallint", "SMALLINT"),
    INTEGER: ("integer", "INTEGER"),
    BIGINT: ("bigint", "BIGINT"),
    REAL: ("real", "FLOAT"),
    DOUBLE: ("double", "DOUBLE"),
    VARCHAR: ("varchar", "VARCHAR"),
    VARBINARY: ("varbinary", "BLOB"),
    DATE: ("date", "DATE"),
    TIMESTAMP: ("timestamp(3)", "TIMESTAMP"),
    JSON: ("json", "JSON"),
    UNKNOWN: ("unknown", "INTEGER"),
    DAY_TIME: ("interval day to second", "INTERVAL"),
    YEAR_MONTH: ("interval year to month", "INTERVAL"),
}


def quote(name: str) -> str:
    """A name as a quoted identifier, in both dialects."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string literal, in both dialects."""
    return "'" + text.replace("'", "''") + "'"


def display(data_type: pa.DataType, *, quoted: bool = False) -> str:
    """The type as Athena's engine writes it: `row(city varchar, zips array(bigint))`.

    Args:
        data_type: The type.
        quoted: Whether fields' names are in quotes, so that it can be read again whatever they are.
    """
    if data_type in _SIMPLE:
        return _SIMPLE[data_type][0]
    if is_a.is_decimal(data_type):
        return f"decimal({data_type.precision},{data_type.scale})"
    if is_a.is_timestamp(data_type):
        return "timestamp(3) with time zone"
    if is_a.is_list(data_type):
        return f"array({display(data_type.value_type, quoted=quoted)})"
    if isinstance(data_type, pa.MapType):
        key, item = display(data_type.key_type, quoted=quoted), display(data_type.item_type, quoted=quoted)
        return f"map({key}, {item})"
    if isinstance(data_type, pa.StructType):
        names = [quote(f.name) if quoted or not f.name.isidentifier() else f.name for f in data_type.fields]
        kinds = [display(field.type, quoted=quoted) for field in data_type.fields]
        return f"row({', '.join(map(' '.join, zip(names, kinds, strict=True)))})"
    raise ValueError(f"Athena has no type {data_type}")


def duckdb_name(data_type: pa.DataType) -> str:
    """The type as DuckDB writes it."""
    if data_type in _SIMPLE:
        return _SIMPLE[data_type][1]
    if is_a.is_decimal(data_type):
        return f"DECIMAL({data_type.precision}, {data_type.scale})"
    if is_a.is_timestamp(data_type):
        return "TIMESTAMPTZ"
    if is_a.is_list(data_type):
        return f"{duckdb_name(data_type.value_type)}[]"
    if isinstance(data_type, pa.MapType):
        return f"MAP({duckdb_name(data_type.key_type)}, {duckdb_name(data_type.item_type)})"
    if isinstance(data_type, pa.StructType):
        return f"STRUCT({', '.join(f'{quote(field.name)} {duckdb_name(field.type)}' for field in data_type.fields)})"
    raise ValueError(f"DuckDB has no type {data_type}")


_parse_hive = functools.cache(hive_types.parse)


def from_hive(text: str, column: str) -> pa.DataType:
    """The type of a catalog column.

    Raises:
        QueryFailure: The catalog names a type that Athena does not have.
    """
    try:
        return _parse_hive(text)
    except ValueError as error:
        raise QueryFailure("HIVE_METASTORE_ERROR", f"column {column!r}: {error}") from error


def from_display(text: str) -> pa.DataType:
    """The type that `display` writes; Athena keeps a view's columns so."""
    return from_syntax(exp.DataType.build(text, dialect="trino"))


_FROM_SYNTAX = {
    exp.DType.BOOLEAN: BOOLEAN,
    exp.DType.TINYINT: pa.int8(),
    exp.DType.SMALLINT: pa.int16(),
    exp.DType.INT: INTEGER,
    exp.DType.BIGINT: BIGINT,
    exp.DType.FLOAT: REAL,
    exp.DType.DOUBLE: DOUBLE,
    exp.DType.VARCHAR: VARCHAR,
    exp.DType.TEXT: VARCHAR,
    exp.DType.VARBINARY: VARBINARY,
    exp.DType.DATE: DATE,
    exp.DType.TIMESTAMP: TIMESTAMP,
    exp.DType.TIMESTAMPTZ: TIMESTAMP_UTC,
    exp.DType.JSON: JSON,
}


def from_syntax(node: exp.DataType) -> pa.DataType:
    """The type that a CAST names.

    Raises:
        QueryFailure: The sandbox does not have it.
    """
    if node.this == exp.DType.DECIMAL:
        arguments = [int(argument.name) for argument in node.expressions]
        return pa.decimal128(*(arguments or [MAX_PRECISION, 0]))
    if node.this == exp.DType.ARRAY and node.expressions:
        return pa.list_(from_syntax(node.expressions[0]))
    if node.this == exp.DType.MAP and node.expressions:
        return pa.map_(*(from_syntax(argument) for argument in node.expressions))
    if node.this == exp.DType.STRUCT:
        return pa.struct([_field(index, argument) for index, argument in enumerate(node.expressions)])
    is_time = node.this in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ)
    if is_time and any(int(argument.name) > _SECOND_DIGITS for argument in node.expressions):
        raise unsupported("keep times finer than milliseconds", node)
    if node.this in _FROM_SYNTAX:
        return _FROM_SYNTAX[node.this]
    raise unsupported(f"have the type {node.sql('trino').lower()}", node)


def _field(index: int, argument: exp.Expr) -> pa.Field:
    if isinstance(argument, exp.ColumnDef) and argument.kind is not None:
        return pa.field(argument.name.lower(), from_syntax(argument.kind))
    assert isinstance(argument, exp.DataType)
    return pa.field(f"field{index}", from_syntax(argument))


def is_integer(data_type: pa.DataType) -> bool:
    """Whether it is one of the four integer types."""
    return data_type in _INTEGERS


def is_numeric(data_type: pa.DataType) -> bool:
    """Whether arithmetic is defined on it."""
    return is_integer(data_type) or is_a.is_floating(data_type) or is_a.is_decimal(data_type)


def is_zoned(data_type: pa.DataType) -> bool:
    """Whether it is a timestamp with time zone."""
    return is_a.is_timestamp(data_type) and data_type.tz is not None


def is_temporal(data_type: pa.DataType) -> bool:
    """Whether it is a date or a timestamp."""
    return data_type == DATE or is_a.is_timestamp(data_type)


def decimal(precision: int, scale: int) -> pa.DataType:
    """A decimal type, its precision limited to the 38 digits that Athena has."""
    return pa.decimal128(min(precision, MAX_PRECISION), scale)


def map_of(key: pa.DataType, item: pa.DataType) -> pa.DataType:
    """A map type; Arrow has none without a key's type, so an empty map's keys are text."""
    return pa.map_(VARCHAR if key == UNKNOWN else key, item)


def as_decimal(data_type: pa.DataType) -> Any:
    """The decimal type that holds every value of an integer or decimal type."""
    return decimal(_DIGITS[data_type], 0) if data_type in _DIGITS else data_type


def common(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    """The type to which Athena converts both by itself; None where it does not."""
    if right in (left, UNKNOWN):
        return left
    if left == UNKNOWN:
        return right
    for is_kind, unify in _UNIFICATIONS:
        if is_kind(left) and is_kind(right):
            return unify(left, right)
    return None


def _common_number(left: Any, right: Any) -> pa.DataType:
    if DOUBLE in (left, right):
        return DOUBLE
    if REAL in (left, right):
        return REAL
    if is_integer(left) and is_integer(right):
        return max(left, right, key=_INTEGERS.index)
    one, other = as_decimal(left), as_decimal(right)
    scale = max(one.scale, other.scale)
    return decimal(max(one.precision - one.scale, other.precision - other.scale) + scale, scale)


def _common_time(left: Any, right: Any) -> pa.DataType | None:
    zones = {data_type.tz for data_type in (left, right) if is_zoned(data_type)}
    if not zones:
        return TIMESTAMP
    return pa.timestamp("ms", tz=zones.pop()) if len(zones) == 1 else None


def _common_array(left: Any, right: Any) -> pa.DataType | None:
    element = common(left.value_type, right.value_type)
    return pa.list_(element) if element is not None else None


def _common_map(left: Any, right: Any) -> pa.DataType | None:
    key, item = common(left.key_type, right.key_type), common(left.item_type, right.item_type)
    return map_of(key, item) if key is not None and item is not None else None


def _common_row(left: Any, right: Any) -> pa.DataType | None:
    if left.num_fields != right.num_fields:
        return None
    found = [common(one.type, other.type) for one, other in zip(left.fields, right.fields, strict=True)]
    if None in found:
        return None
    return pa.struct([pa.field(field.name, kind) for field, kind in zip(left.fields, found, strict=True)])


_UNIFICATIONS: list[tuple[Callable[[Any], bool], Callable[[Any, Any], pa.DataType | None]]] = [
    (is_numeric, _common_number),
    (is_temporal, _common_time),
    (is_a.is_list, _common_array),
    (is_a.is_map, _common_map),
    (is_a.is_struct, _common_row),
]
