"""What several tests of the export core need: pages as DynamoDB writes them, and DynamoDB's values out of columns."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from boto3.dynamodb.types import Binary, TypeSerializer

from dynamo_assets.export.columns import column_names
from dynamo_assets.export.convert import widen
from dynamo_assets.export.decode import PageDecoder
from dynamo_assets.export.observed import Facts, Observed, merge_facts
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema
from dynamo_assets.export.source import Page

Item = dict[str, Any]


def page_of(items: Sequence[Item]) -> Page:
    """A page of items given as boto3's resource takes them."""
    serializer = TypeSerializer()
    typed = [{name: serializer.serialize(value) for name, value in item.items()} for item in items]
    text = json.dumps(typed, default=lambda data: b64encode(bytes(data)).decode(), ensure_ascii=len(items) % 2 == 0)
    return Page(text.encode(), len(items), 0.5)


class Exported:
    """Pages of several units after decoding: the final schema, and each row under it."""

    def __init__(self, units: Sequence[Sequence[Sequence[Item]]], options: ExportRequest, keys: Facts | None = None):
        decoders = [PageDecoder(dict(keys or {}), options, list(keys or {})) for _ in units]
        batches = [[d.decode(page_of(page)) for page in unit] for d, unit in zip(decoders, units, strict=True)]
        self.facts: Facts = {}
        for decoder in decoders:
            merge_facts(self.facts, decoder.facts)
        self.schema = TableSchema.of(self.facts, options, list(keys or {}))
        self.rows: list[dict[str, Any]] = []
        for batch in (batch for unit in batches for batch in unit):
            columns = {}
            for attribute, array in batch.arrays.items():
                column = self.schema.columns[attribute]
                wide = widen(array, batch.schema.columns[attribute], column, options)
                assert wide.type == column.type
                wide.validate(full=True)
                columns[attribute] = wide.to_pylist()
            self.rows += [{name: values[row] for name, values in columns.items()} for row in range(batch.rows)]


@pytest.fixture(scope="session")
def make_page() -> Callable[[Sequence[Item]], Page]:
    return page_of


@pytest.fixture(scope="session")
def export_pages() -> type[Exported]:
    return Exported


@pytest.fixture(scope="session")
def assert_same() -> Callable[..., None]:
    """Fails unless a column's value holds exactly what boto3's TypeDeserializer gives for the same value."""
    return _assert_same


def _assert_same(actual: Any, expected: Any, kind: pa.DataType, observed: Observed) -> None:
    if expected is None:
        assert actual is None
    elif pa.types.is_struct(kind):
        names = column_names(observed.fields)
        assert set(expected) <= set(names)
        for attribute, field in names.items():
            _assert_same(actual[field], expected.get(attribute), kind.field(field).type, observed.fields[attribute])
    elif pa.types.is_list(kind):
        assert len(actual) == len(expected)
        if isinstance(expected, set):
            order = Decimal if isinstance(next(iter(expected)), Decimal) else None
            actual, expected = sorted(actual, key=order), sorted(map(_value, expected), key=order)
        for one, other in zip(actual, expected, strict=True):
            _assert_same(one, other, kind.value_type, observed.element())
    elif isinstance(actual, str):
        _assert_same_text(actual, expected)
    else:
        assert type(actual) is not float
        assert (Decimal(actual) if isinstance(expected, Decimal) else actual) == _value(expected)


def _value(value: Any) -> Any:
    return value.value if isinstance(value, Binary) else value  # pyright: ignore[reportAttributeAccessIssue]


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
