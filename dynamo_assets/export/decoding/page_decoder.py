"""Pages in, record batches out.

Most attributes are read by a schema of what is known so far (`tagged.py`), the others value by value (`assemble.py`).
Whatever is not known yet is passed over, and found out by conservation: DynamoDB writes one JSON object for each item,
for each value and for each map, so as many objects as a page has braces must have landed in columns, counted in the
finished arrays. Where fewer have, the attributes concerned are looked at value by value, what is known grows by what
they show, and the page is decoded again. So discovery costs something only when there is something to discover.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Any, TypedDict

import msgspec
import pyarrow as pa

from dynamo_assets.errors import ConservationError, ConversionError
from dynamo_assets.export.decoding.assemble import Node, attribute_node, spread_column
from dynamo_assets.export.decoding.landing import Landing
from dynamo_assets.export.decoding.sparse import Columns, transpose
from dynamo_assets.export.decoding.tagged import TaggedReader, is_readable
from dynamo_assets.export.decoding.values import Value
from dynamo_assets.export.observed import TAGS, Facts, Observed
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema
from dynamo_assets.export.source import Page

MAX_DENSE_ATTRIBUTES = 500
"""A page of a table with more attributes than this is mostly nulls, and the typed reader pays for each of them."""
MAX_PICKED_ATTRIBUTES = 50
GROUP_CELLS = 12_000_000
"""So many cells of such a table are decoded together: each column costs something, however few values it has."""

_RAW_ITEMS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_VALUES = msgspec.json.Decoder(list[Value])


@dataclass(frozen=True)
class Batch:
    """The rows of some pages.

    Attributes:
        arrays: By attribute; one that no item of the pages has may be left out.
        schema: The schema of the arrays; every later batch's is the same or wider.
    """

    rows: int
    arrays: Mapping[str, pa.Array]
    schema: TableSchema


@dataclass
class _Decoded:
    """What became of some pages, by attribute."""

    landings: dict[str, Landing]
    arrays: dict[str, pa.Array] = field(default_factory=dict)
    rows: int = 0

    @property
    def objects(self) -> int:
        """How many objects have landed, beside the items themselves."""
        return sum(landing.objects for landing in self.landings.values())

    def has_landed(self, pages: Sequence[Page]) -> bool:
        """Whether everything that the pages held is in the arrays."""
        landings = self.landings.values()
        if self.rows != sum(page.count for page in pages) or any(landing.surprised for landing in landings):
            return False
        rest = sum(page.items.count(b"{") for page in pages) - self.rows - self.objects
        # Braces within strings and names make the quick count too high, never too low.
        return rest == 0 or rest == sum(landing.braces_in_texts() + landing.braces_in_name for landing in landings)

    def take_values(self, columns: Columns, nodes: Mapping[str, Node]) -> None:
        """Makes columns of values that were decoded one by one, in place of those that there are."""
        for attribute, (places, values) in columns.items():
            landing = self.landings[attribute] = Landing(braces_in_name=attribute.count("{") * len(values))
            self.arrays[attribute] = spread_column(nodes[attribute], places, values, self.rows, landing)


class _Readers:
    """Decodes attributes of pages, each in the way that can."""

    def __init__(self, attributes: Mapping[str, Observed], options: ExportRequest, *, typed: bool):
        readable = {a: o for a, o in attributes.items() if typed and is_readable(a, o, options)}
        self._attributes = attributes
        self._typed = TaggedReader(readable, options) if readable else None
        self._nodes = {a: attribute_node(a, o, options) for a, o in attributes.items() if a not in readable}
        self._values = _decoder_of(self._nodes)

    def decode(self, pages: Sequence[Page]) -> _Decoded:
        """The attributes' columns, and the account of them."""
        decoded = _Decoded({attribute: Landing() for attribute in self._attributes})
        items = [page.items for page in pages]
        if self._typed is not None:
            decoded.rows, decoded.arrays = self._typed.arrays(items, decoded.landings)
        if self._nodes or self._typed is None:
            self._decode_values(items, decoded)
        return decoded

    def _decode_values(self, items: Sequence[bytes], decoded: _Decoded) -> None:
        columns: Columns = {}
        rows = 0
        for array in items:
            found = self._values.decode(array)
            transpose(found, columns, rows)
            rows += len(found)
        decoded.rows = rows
        decoded.take_values({a: columns[a] for a in columns.keys() & self._nodes.keys()}, self._nodes)


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
        self._prepare()

    def _prepare(self) -> None:
        self.schema = TableSchema.of(self.facts, self._options, self._keys)
        self._readers = _Readers(self.facts.attributes, self._options, typed=not self._is_wide)

    @property
    def _is_wide(self) -> bool:
        return len(self.facts.attributes) > MAX_DENSE_ATTRIBUTES

    def is_worth_decoding(self, pages: Sequence[Page]) -> bool:
        """Whether these pages should be decoded now, or together with more."""
        if not self._is_wide:
            return bool(pages)
        return sum(page.count for page in pages) * len(self.facts.attributes) >= GROUP_CELLS

    def decode(self, *pages: Page) -> Batch:
        """Turns pages into arrays, and widens the schema by what they show.

        Raises:
            ConservationError: They held more values than landed in columns.
            ConversionError: A value does not fit a type that the request forces.
        """
        try:
            decoded = self._decode(pages)
        except ConversionError as error:
            raise ConversionError(f"table {self._options.table}: {error}") from error
        except (pa.ArrowInvalid, msgspec.ValidationError) as error:
            raise ConservationError(
                f"table {self._options.table}: a page is not DynamoDB's JSON ({error}); nothing was published; please "
                "report this"
            ) from error
        landings = decoded.landings.values()
        for landing in landings:
            landing.settle()
        if any(landing.widened for landing in landings):
            self.schema = TableSchema.of(self.facts, self._options, self._keys)
        present = {a: array for a, array in decoded.arrays.items() if array.null_count < len(array)}
        return Batch(decoded.rows, present, self.schema)

    def _decode(self, pages: Sequence[Page]) -> _Decoded:
        decoded = self._readers.decode(pages)
        for missing in (self._new_attributes, self._incomplete_attributes):
            if not decoded.has_landed(pages):
                columns = missing(pages, decoded.landings)
                for attribute, (_, values) in columns.items():
                    _learn(self.facts.of(attribute), values)
                self._prepare()
                found = self.facts.attributes
                decoded.take_values(columns, {a: attribute_node(a, found[a], self._options) for a in columns})
        if not decoded.has_landed(pages):
            raise ConservationError(
                f"table {self._options.table}: a page of {sum(page.count for page in pages)} items with "
                f"{sum(page.items.count(b'{') for page in pages)} opening braces became {decoded.rows} rows with "
                f"{decoded.rows + decoded.objects} objects; nothing was published; please report this"
            )
        return decoded

    def _new_attributes(self, pages: Sequence[Page], _landings: Mapping[str, Landing]) -> Columns:
        """The values of attributes that were not known before."""
        rows = [row for page in pages for row in _RAW_ITEMS.decode(page.items)]
        new = set().union(*rows) - self.facts.attributes.keys()
        columns = transpose({a: row[a] for a in row.keys() & new} for row in rows)
        return {attribute: (places, _VALUES.decode(_array(raws))) for attribute, (places, raws) in columns.items()}

    def _incomplete_attributes(self, pages: Sequence[Page], landings: Mapping[str, Landing]) -> Columns:
        """The values of attributes of which not everything has landed."""
        columns = transpose(row for page in pages for row in _RAW_ITEMS.decode(page.items))
        incomplete: Columns = {}
        for attribute, (places, raws) in columns.items():
            array, landing = _array(raws), landings[attribute]
            if landing.surprised or array.count(b"{") - landing.braces_in_texts() != landing.objects:
                incomplete[attribute] = (places, _VALUES.decode(array))
        return incomplete


def _array(values: Sequence[Any]) -> bytes:
    return b"[" + b",".join(values) + b"]"


def _decoder_of(attributes: Collection[str]) -> Any:
    """What decodes some attributes of a page; where it can, it passes over the others."""
    # Of a TypedDict, msgspec finds only names in ASCII, and goes through all of them for each.
    if len(attributes) > MAX_PICKED_ATTRIBUTES or not all(map(str.isascii, attributes)):
        return msgspec.json.Decoder(list[dict[str, Value]])
    some = TypedDict("some", dict.fromkeys(attributes, Value), total=False)  # pyright: ignore[reportArgumentType] - made at run time
    return msgspec.json.Decoder(list[some])


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
