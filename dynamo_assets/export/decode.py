"""Pages in, record batches out.

The schema known so far is compiled into msgspec types that take exactly the attributes and DynamoDB types it names. A
page that holds anything else does not decode; it is walked once, value by value, the schema grows by what it shows,
and the page is decoded again. So discovery costs something only when there is something to discover.

Conservation: DynamoDB writes one JSON object for each item, for each value and for each map. As many objects as a page
has braces must have landed in columns, counted in the finished Arrow arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa

from dynamo_assets.errors import ConservationError, ConversionError
from dynamo_assets.export.assemble import Landing, SurpriseError, transpose
from dynamo_assets.export.compile import compile_attributes
from dynamo_assets.export.observed import TAGS, Facts, Observed
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema
from dynamo_assets.export.source import Page
from dynamo_assets.export.values import Value, count_objects

_ANY_ITEMS = msgspec.json.Decoder(list[dict[str, Value]])


@dataclass(frozen=True)
class Batch:
    """The rows of one page.

    Attributes:
        arrays: By attribute; an attribute that no item of the page has may be left out.
        schema: The schema of the arrays; every later batch's is the same or wider.
    """

    rows: int
    arrays: Mapping[str, pa.Array]
    schema: TableSchema


class PageDecoder:
    """Decodes the pages of one unit, one after another, and keeps what it observes.

    Args:
        facts: What is known beforehand (the key attributes, a hint); grows with every page.
        options: The export's options.
        keys: The key attributes, the partition key first.
    """

    def __init__(self, facts: Facts, options: ExportRequest, keys: Sequence[str]):
        self.facts = facts
        self._options = options
        self._keys = keys
        self._compile()

    def _compile(self) -> None:
        self.schema = TableSchema.of(self.facts, self._options, self._keys)
        item, self._root = compile_attributes(self.facts, self._options)
        self._items = msgspec.json.Decoder(list[item])

    def decode(self, page: Page) -> Batch:
        """Turns one page into arrays, and widens the schema by what the page shows.

        Raises:
            ConservationError: The page held more values than landed in columns.
            ConversionError: A value does not fit a type that the request forces.
        """
        try:
            return self._decode(page)
        except (msgspec.ValidationError, SurpriseError):
            for attribute, (_, values) in transpose(_ANY_ITEMS.decode(page.items)).items():
                _learn(self.facts.of(attribute), values)
            self._compile()
        try:
            return self._decode(page)
        except (msgspec.ValidationError, SurpriseError) as error:
            raise ConservationError(
                f"table {self._options.table}: a page does not fit the schema learned from it ({error}); "
                "nothing was published; please report this"
            ) from error

    def _decode(self, page: Page) -> Batch:
        items: list[Any] = self._items.decode(page.items)
        landing = Landing()
        try:
            arrays = self._root.arrays(items, "", landing)
        except ConversionError as error:
            raise ConversionError(f"table {self._options.table}: {error}") from error
        self._check(page, len(items), landing)
        landing.settle()
        if landing.widened:
            self.schema = TableSchema.of(self.facts, self._options, self._keys)
        return Batch(len(items), arrays, self.schema)

    def _check(self, page: Page, rows: int, landing: Landing) -> None:
        landed = rows + landing.objects
        # Braces within strings and names make the quick count too high, never too low.
        held = page.items.count(b"{")
        if held != landed:
            items = _ANY_ITEMS.decode(page.items)
            held = len(items) + sum(count_objects(value) for item in items for value in item.values())
        if held != landed or rows != page.count:
            raise ConservationError(
                f"table {self._options.table}: a page of {page.count} items and {held} objects became {rows} rows "
                f"and {landed} objects; nothing was published; please report this"
            )


def _learn(observed: Observed, values: list[Value]) -> None:
    """Notes the types of all values at one path, and of what is in them; counts nothing yet."""
    for tag in TAGS:
        if not values:
            return
        payloads = list(map(attrgetter(tag), values))
        found = len(values) - payloads.count(None)
        if not found:
            continue
        observed.counts.setdefault(tag, 0)
        if tag == "M":
            for name, (_, inner) in transpose(payloads).items():
                if (below := observed.below(name)) is not None:
                    _learn(below, inner)
        elif tag == "L":
            _learn(observed.element(), list(chain.from_iterable(filter(None, payloads))))
        values = (
            [v for v, payload in zip(values, payloads, strict=True) if payload is None] if found < len(values) else []
        )
    if values:
        raise ConservationError("a value of a type that DynamoDB does not have")
