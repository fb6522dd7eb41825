"""Conversions between types: what CAST and TRY_CAST do in Athena, checked where DuckDB would let more through."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.types as is_a

from dynamo_assets.sandbox.athena import types
from dynamo_assets.sandbox.athena.types import DATE, JSON, TIMESTAMP, VARBINARY, VARCHAR, literal

# What Athena reads as a value of the type; DuckDB reads '1.5' as the integer 2 and a date in '2026-01-01T10:00'.
_INTEGER_TEXT = r"[+-]?\d+"
_NUMBER_TEXT = r"\s*[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|NaN|Infinity)\s*"
_BOOLEAN_TEXT = "(?i)true|false|t|f|1|0"
_DATE_TEXT = r"\s*[+-]?\d{4,}-\d{1,2}-\d{1,2}\s*"
_TIMESTAMP_TEXT = r"\s*\d{4,}-\d{1,2}-\d{1,2}( \d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?)?\s*"
_TIMESTAMP_UTC_TEXT = _TIMESTAMP_TEXT + r"(UTC|Z|[+-]00:00)?"

TIMESTAMP_FORMAT = "%Y-%m-%d %H:%M:%S.%g"


def checked(problem: str, message: str, value: str, *, safe: bool) -> str:
    """DuckDB SQL for `value` that fails with a message where `problem` holds, or is NULL there if `safe`.

    Args:
        problem: A condition, SQL.
        message: A string expression, SQL: the error's code, a colon and a space, and its text.
        value: What is computed otherwise, SQL.
        safe: Inside TRY or TRY_CAST.
    """
    return f"CASE WHEN {problem} THEN {'NULL' if safe else f'error({message})'} ELSE {value} END"


def convert(sql: str, source: pa.DataType, target: pa.DataType, *, safe: bool = False) -> str | None:
    """DuckDB SQL that converts a value as CAST does, or TRY_CAST if `safe`; None where Athena has no such cast."""
    if source == target:
        return sql
    if source == types.UNKNOWN:
        return f"CAST(NULL AS {types.duckdb_name(target)})"
    for applies, conversion in _CONVERSIONS:
        if applies(source, target):
            return conversion(sql, source, target, safe)
    return None


_Conversion = Callable[[str, pa.DataType, pa.DataType, bool], str | None]


def _plain(sql: str, _source: pa.DataType, target: pa.DataType, safe: bool) -> str:
    return f"{'TRY_CAST' if safe else 'CAST'}({sql} AS {types.duckdb_name(target)})"


def _from_text(sql: str, source: pa.DataType, target: pa.DataType, safe: bool) -> str | None:
    if types.is_integer(target):
        pattern = _INTEGER_TEXT
    elif types.is_numeric(target):
        pattern = _NUMBER_TEXT
    elif types.is_zoned(target):
        pattern = _TIMESTAMP_UTC_TEXT
    else:
        pattern = {types.BOOLEAN: _BOOLEAN_TEXT, DATE: _DATE_TEXT, TIMESTAMP: _TIMESTAMP_TEXT}.get(target, "")
    if not pattern:
        return None
    message = f"'INVALID_CAST_ARGUMENT: Cannot cast ''' || {sql} || ''' to {types.display(target)}'"
    value = _plain(sql, source, target, safe)
    if is_a.is_timestamp(target):
        value = f"date_trunc('millisecond', {value})"
    return checked(f"NOT regexp_full_match({sql}, {literal(pattern)})", message, value, safe=safe)


def _to_text(sql: str, source: pa.DataType, _target: pa.DataType, _safe: bool) -> str | None:
    if source == types.DOUBLE:
        return f"athena_double_text({sql})"
    if source == types.REAL:
        return f"athena_real_text({sql})"
    if source == TIMESTAMP:
        return f"strftime({sql}, '{TIMESTAMP_FORMAT}')"
    if types.is_zoned(source):
        return f"(strftime({local(sql, source)}, '{TIMESTAMP_FORMAT}') || ' {source.tz}')"
    return f"CAST({sql} AS VARCHAR)" if types.is_numeric(source) or source in (types.BOOLEAN, DATE) else None


def local(sql: str, source: pa.DataType) -> str:
    """The wall clock, a DuckDB TIMESTAMP, that a date or timestamp shows in its zone."""
    if types.is_zoned(source):
        return f"({sql} AT TIME ZONE {literal(source.tz)})"
    return sql if source == TIMESTAMP else f"CAST({sql} AS TIMESTAMP)"


def _between_times(sql: str, source: pa.DataType, target: pa.DataType, _safe: bool) -> str:
    if types.is_zoned(source) and types.is_zoned(target):
        return sql
    if types.is_zoned(target):
        return f"({local(sql, source)} AT TIME ZONE {literal(target.tz)})"
    return f"CAST({local(sql, source)} AS {types.duckdb_name(target)})"


def _round_to_integer(sql: str, source: pa.DataType, target: pa.DataType, safe: bool) -> str:
    # DuckDB rounds a half to the even neighbour, Athena away from zero.
    return _plain(f"round({sql})", source, target, safe)


def _to_json(sql: str, source: pa.DataType, _target: pa.DataType, _safe: bool) -> str | None:
    if source == TIMESTAMP or types.is_zoned(source):
        return f"to_json({convert(sql, source, VARCHAR)})"
    return None if _holds_unprintable(source) else f"to_json({sql})"


def _holds_unprintable(data_type: pa.DataType) -> bool:
    """Whether a type nests binary or timestamps, which the two engines print differently in JSON."""
    if is_a.is_nested(data_type):
        return any(_holds_unprintable(data_type.field(index).type) for index in range(data_type.num_fields))
    return data_type == VARBINARY or is_a.is_timestamp(data_type)


def _from_json(sql: str, source: pa.DataType, target: pa.DataType, safe: bool) -> str | None:
    if is_a.is_nested(target):
        return _plain(sql, source, target, safe)
    is_nested = f"json_type({sql}) IN ('OBJECT', 'ARRAY')"
    message = f"'INVALID_CAST_ARGUMENT: Cannot cast JSON to {types.display(target)}'"
    scalar = convert(f"json_extract_string({sql}, '$')", VARCHAR, target, safe=safe)
    return checked(is_nested, message, scalar, safe=safe) if scalar else None


def _array(sql: str, source: pa.DataType, target: pa.DataType, safe: bool) -> str | None:
    name = f"e{sql.count('lambda')}"
    element = convert(name, source.value_type, target.value_type, safe=safe)
    return f"list_transform({sql}, lambda {name}: {element})" if element else None


def _row(sql: str, source: pa.DataType, target: pa.DataType, safe: bool) -> str | None:
    fields = [
        convert(f"({sql}).{types.quote(old.name)}", old.type, new.type, safe=safe)
        for old, new in zip(source.fields, target.fields, strict=True)
    ]
    if any(field is None for field in fields):
        return None
    named = ", ".join(f"{types.quote(new.name)} := {sql_}" for new, sql_ in zip(target.fields, fields, strict=True))
    return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({named}) END"


def _same_rows(source: pa.DataType, target: pa.DataType) -> bool:
    return isinstance(source, pa.StructType) and isinstance(target, pa.StructType) and (
        source.num_fields == target.num_fields
    )  # fmt: skip


# In order: the first whose test holds converts.
_CONVERSIONS: list[tuple[Callable[[pa.DataType, pa.DataType], bool], _Conversion]] = [
    (lambda _, target: target == JSON, _to_json),
    (lambda source, _: source == JSON, _from_json),
    (lambda source, _: source == VARCHAR, _from_text),
    (lambda _, target: target == VARCHAR, _to_text),
    (lambda source, target: types.is_temporal(source) and types.is_temporal(target), _between_times),
    (lambda source, target: is_a.is_floating(source) and types.is_integer(target), _round_to_integer),
    (lambda source, target: types.is_numeric(source) and types.is_numeric(target), _plain),
    (lambda source, target: types.is_numeric(source) and target == types.BOOLEAN, _plain),
    (lambda source, target: source == types.BOOLEAN and types.is_numeric(target), _plain),
    (lambda source, target: is_a.is_list(source) and is_a.is_list(target), _array),
    (_same_rows, _row),
    (lambda source, target: is_a.is_map(source) and is_a.is_map(target) and types.common(source, target) == target,
     _plain),
]  # fmt: skip
