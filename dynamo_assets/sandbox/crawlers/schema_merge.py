"""One schema from the schemas of many files, as a crawler merges them.

AWS does not document how Glue widens a column's type. Here the numbers widen to the smallest Hive type that holds both
(an integer and a double make a double, as Glue's JSON and CSV classifiers are documented to do), structs take the
union of their fields, and whatever else disagrees becomes a string.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.types as is_a

Columns = Mapping[str, pa.DataType]
"""A schema: the columns' names, in order, with their types."""

_INTEGERS = (pa.int8(), pa.int16(), pa.int32(), pa.int64())
_INTEGER_DIGITS = (3, 5, 10, 19)
_DECIMAL_PRECISION = 38


def merge_columns(schemas: Iterable[Columns]) -> dict[str, pa.DataType]:
    """The union of the schemas' columns, in order of first appearance, each of the type that holds all its types."""
    merged: dict[str, pa.DataType] = {}
    for columns in schemas:
        for name, data_type in columns.items():
            merged[name] = merge_types(merged[name], data_type) if name in merged else data_type
    return merged


def merge_types(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    """The type that holds the values of both; `null`, which has no values, yields to any other."""
    if left == right or is_a.is_null(right):
        return left
    if is_a.is_null(left):
        return right
    return _merge_nested(left, right) or _merge_numbers(left, right) or pa.string()


def add_new_fields(kept: pa.DataType, found: pa.DataType) -> pa.DataType:
    """The kept type with the struct fields that only the found one has, at any depth; nothing kept changes."""
    if isinstance(kept, pa.StructType) and isinstance(found, pa.StructType):
        fields = {field.name: field.type for field in kept.fields}
        for field in found.fields:
            fields[field.name] = add_new_fields(fields[field.name], field.type) if field.name in fields else field.type
        return pa.struct(list(fields.items()))
    if isinstance(kept, pa.ListType) and isinstance(found, pa.ListType):
        return pa.list_(add_new_fields(kept.value_type, found.value_type))
    if isinstance(kept, pa.MapType) and isinstance(found, pa.MapType):
        return pa.map_(kept.key_type, add_new_fields(kept.item_type, found.item_type))
    return kept


def _merge_nested(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    if isinstance(left, pa.StructType) and isinstance(right, pa.StructType):
        columns = ({field.name: field.type for field in struct.fields} for struct in (left, right))
        return pa.struct(list(merge_columns(columns).items()))
    if isinstance(left, pa.ListType) and isinstance(right, pa.ListType):
        return pa.list_(merge_types(left.value_type, right.value_type))
    if isinstance(left, pa.MapType) and isinstance(right, pa.MapType):
        return pa.map_(merge_types(left.key_type, right.key_type), merge_types(left.item_type, right.item_type))
    return None


def _merge_numbers(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    if not (_is_number(left) and _is_number(right)):
        return None
    if is_a.is_floating(left) or is_a.is_floating(right):
        return pa.float64()
    if is_a.is_decimal(left) or is_a.is_decimal(right):
        (left_digits, left_scale), (right_digits, right_scale) = _digits(left), _digits(right)
        scale = max(left_scale, right_scale)
        precision = max(left_digits, right_digits) + scale
        return pa.decimal128(precision, scale) if precision <= _DECIMAL_PRECISION else None
    return _INTEGERS[max(_INTEGERS.index(left), _INTEGERS.index(right))]


def _is_number(data_type: pa.DataType) -> bool:
    return data_type in _INTEGERS or is_a.is_floating(data_type) or is_a.is_decimal(data_type)


def _digits(data_type: pa.DataType) -> tuple[int, int]:
    """Digits before and after the point."""
    if is_a.is_decimal(data_type):
        return data_type.precision - data_type.scale, data_type.scale
    return _INTEGER_DIGITS[_INTEGERS.index(data_type)], 0
