"""Whether a column's value holds exactly what boto3's TypeDeserializer gives for the same DynamoDB value."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
from boto3.dynamodb.types import Binary

from dynamo_assets.export.observed import Observed
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import field_names


def assert_same(actual: Any, expected: Any, kind: pa.DataType, observed: Observed, options: ExportRequest) -> None:
    """Fails unless a value is the same.

    Args:
        actual: As Arrow gives it in Python.
        expected: As boto3 gives it.
        kind: The column's type.
        observed: What the fields' names follow from.
        options: The export's options, of which they follow too.
    """
    if expected is None:
        assert actual is None
    elif pa.types.is_struct(kind):
        names = field_names(observed, options)
        assert set(expected) <= set(names)
        for attribute, field in names.items():
            below = observed.fields[attribute]
            assert_same(actual[field], expected.get(attribute), kind.field(field).type, below, options)
    elif pa.types.is_list(kind):
        assert len(actual) == len(expected)
        if isinstance(expected, set):
            same_type = Decimal if isinstance(next(iter(expected)), Decimal) else _text
            assert sorted(map(same_type, actual)) == sorted(map(same_type, expected))
        else:
            for one, other in zip(actual, expected, strict=True):
                assert_same(one, other, kind.value_type, observed.element(), options)
    elif isinstance(actual, str):
        _assert_same_text(actual, expected)
    else:
        assert type(actual) is not float
        assert (Decimal(actual) if isinstance(expected, Decimal) else actual) == _value(expected)


def _value(value: Any) -> Any:
    return value.value if isinstance(value, Binary) else value  # pyright: ignore[reportAttributeAccessIssue]


def _text(value: Any) -> str:
    value = _value(value)
    return b64encode(value).decode() if isinstance(value, bytes) else value


def _assert_same_text(actual: str, expected: Any) -> None:
    if isinstance(expected, (str, bool, Decimal, Binary)):
        assert _json(Decimal(actual) if isinstance(expected, Decimal) else actual) == (
            str(expected).lower() if isinstance(expected, bool) else _json(expected)
        )
    else:
        assert _json(json.loads(actual, parse_int=Decimal, parse_float=Decimal), expected) == _json(expected)


def _json(value: Any, like: Any = None) -> Any:
    """A value as JSON says it, comparable: a list is taken for a set where `like` is one."""
    if isinstance(value, Mapping):
        inner = {name: _json(v, like.get(name) if isinstance(like, Mapping) else None) for name, v in value.items()}
        # A map that became text only later was a struct before, where NULL and absent are alike.
        return {name: v for name, v in inner.items() if v is not None}
    if isinstance(value, set) or isinstance(like, set):
        return sorted(map(_json, value))  # all of one type
    if isinstance(value, list):
        same = isinstance(like, list) and len(like) == len(value)
        return [_json(v, like[i] if same else None) for i, v in enumerate(value)]
    return b64encode(_value(value)).decode() if isinstance(value, Binary) else value
