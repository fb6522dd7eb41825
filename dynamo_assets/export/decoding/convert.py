"""Columns of an earlier, narrower schema to those of a wider one.

The general way is back to DynamoDB's values and forward again by the same rules as a page takes: slow, and rare. What
is common has a short cut.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa

from dynamo_assets.export.decoding.assemble import value_node
from dynamo_assets.export.decoding.landing import Landing
from dynamo_assets.export.decoding.values import ABSENT, Value, digits
from dynamo_assets.export.kernels import kernels
from dynamo_assets.export.observed import Observed
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import Column, field_names, is_text


def widen(array: pa.Array, narrow: Column, wide: Column, options: ExportRequest) -> pa.Array:
    """An array of `narrow`'s type as one of `wide`'s, every value kept.

    Args:
        array: Values as `narrow` describes them.
        narrow: The column as it was known when the array was made.
        wide: The same attribute's column as it is known now.
        options: The export's options.
    """
    if (narrow.type, narrow.encoding) == (wide.type, wide.encoding):
        return array
    if array.null_count == len(array):
        return pa.nulls(len(array), wide.type)
    if (short := _short_cut(array, wide)) is not None:
        return short
    values = [_value(value, narrow.observed, options) for value in array.to_pylist()]
    return value_node(wide.observed.copy(), options).array(values, Landing())


def _short_cut(array: pa.Array, wide: Column) -> pa.Array | None:
    if pa.types.is_decimal(wide.type) and pa.types.is_integer(array.type):
        return array.cast(wide.type)
    if not pa.types.is_string(wide.type) or wide.encoding:
        return None
    if pa.types.is_integer(array.type) or pa.types.is_boolean(array.type):
        return array.cast(wide.type)
    if pa.types.is_decimal(array.type) and array.type.scale:
        texts = array.cast(wide.type)
        # Arrow writes small numbers with an exponent, at whose end a zero counts.
        if not kernels.any(kernels.match_substring(texts, "E")).as_py():
            return kernels.utf8_rtrim(kernels.utf8_rtrim(texts, "0"), ".")
    return None


def _value(value: Any, observed: Observed, options: ExportRequest) -> Value:
    """The DynamoDB value behind an Arrow value; NULL inside a map is absent by now."""
    if value is None:
        return ABSENT
    if is_text(observed, options):
        return _from_text(value, options)
    (tag,) = observed.tags()
    if tag == "M":
        names = field_names(observed, options)
        inner = {name: _value(value[names[name]], below, options) for name, below in observed.fields.items()}
        return Value(M={name: below for name, below in inner.items() if below is not ABSENT})
    if tag == "L":
        return Value(L=[_element(entry, observed.element(), options) for entry in value])
    if tag == "NS":
        return Value(NS=[_number(entry) for entry in value])
    return Value(N=_number(value)) if tag == "N" else Value(**{tag: value})


def _element(value: Any, observed: Observed, options: ExportRequest) -> Value:
    # A list keeps its length: what is null in it was NULL.
    return Value(NULL=True) if value is None else _value(value, observed, options)


def _number(value: Any) -> str:
    return digits(value) if isinstance(value, Decimal) else str(value)


class _Digits(str):
    """A number of a JSON text, as it is written there."""

    __slots__ = ()


def _from_text(text: str, options: ExportRequest) -> Value:
    # Below the top level only maps and lists become text, and at the top level only they are widened: it is JSON.
    if options.mixed_types == "dynamodb_json":
        return msgspec.json.decode(text, type=Value)
    return _from_json(json.loads(text, parse_int=_Digits, parse_float=_Digits))


def _from_json(value: Any) -> Value:
    if value is None:
        return Value(NULL=True)
    if isinstance(value, dict):
        return Value(M={name: _from_json(inner) for name, inner in value.items()})
    if isinstance(value, list):
        return Value(L=[_from_json(inner) for inner in value])
    if isinstance(value, bool):
        return Value(BOOL=value)
    return Value(N=str(value)) if isinstance(value, _Digits) else Value(S=value)
