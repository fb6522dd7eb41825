"""What several tests of the export core need: pages as DynamoDB writes them, and DynamoDB's values out of columns."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from dynamo_assets.export.decoding import PageDecoder
from dynamo_assets.export.decoding.convert import widen
from dynamo_assets.export.observed import Facts
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema
from dynamo_assets.export.source import Page
from tests import same_values

Item = dict[str, Any]
OPTIONS = ExportRequest(table="Zoo", bucket="exports")


def page_of(items: Sequence[Item]) -> Page:
    """A page of items given as boto3's resource takes them."""
    serializer = TypeSerializer()
    typed = [{name: serializer.serialize(value) for name, value in item.items()} for item in items]
    text = json.dumps(typed, default=lambda data: b64encode(bytes(data)).decode(), ensure_ascii=len(items) % 2 == 0)
    return Page(text.encode(), len(items), 0.5)


class Exported:
    """Pages of several units after decoding: the final schema, and each row under it."""

    def __init__(self, units: Sequence[Sequence[Sequence[Item]]], options: ExportRequest, hint: Facts | None = None):
        decoders = [PageDecoder((hint or Facts()).copy(), options, []) for _ in units]
        batches = [[d.decode(page_of(page)) for page in unit] for d, unit in zip(decoders, units, strict=True)]
        self.facts = (hint or Facts()).copy()
        for decoder in decoders:
            self.facts.merge(decoder.facts)
        self.schema = TableSchema.of(self.facts, options, [])
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
    """See `tests.same_values`; the options are those that most tests here have."""
    return partial(same_values.assert_same, options=OPTIONS)
