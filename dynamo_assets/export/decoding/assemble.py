"""Values decoded one by one to Arrow arrays: for what the typed reader (`tagged.py`) cannot read.

That is values of which the column is a text of more than one scalar, such as a map's JSON; columns whose type the
request forces; attributes of odd names and great depth; and tables so wide that most of their cells are null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from operator import attrgetter
from typing import Any

import pyarrow as pa

from dynamo_assets.errors import ConversionError
from dynamo_assets.export.decoding.landing import Landing
from dynamo_assets.export.decoding.numbers import double_array, exact_array, forced_array
from dynamo_assets.export.decoding.sparse import spread, transpose
from dynamo_assets.export.decoding.values import (
    ABSENT,
    Value,
    count_objects,
    dynamodb_json_text,
    json_text,
    plain_text,
    tag_of,
)
from dynamo_assets.export.observed import NULL, Observed
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import arrow_type, field_names, forced_type, is_text

_NULLS = attrgetter(NULL)


@dataclass(frozen=True)
class Node:
    """Assembles the values at one path whose type has one Arrow counterpart: S, BOOL, B and the sets of S and B.

    Attributes:
        observed: What is known of them; grows with what lands.
        tag: Their DynamoDB type; None where only NULL was seen.
        type: The Arrow type.
    """

    observed: Observed
    tag: str | None
    type: pa.DataType

    def array(self, values: Sequence[Value], landing: Landing) -> pa.Array:
        """The values as an array of the same length, null where absent or NULL; counts what has landed."""
        if self.tag is None:
            column = pa.nulls(len(values), self.type)
        else:
            column = self._assemble(list(map(attrgetter(self.tag), values)), landing)
            landed = len(column) - column.null_count
            landing.count(self.observed, self.tag, landed, landed * 2 if self.tag == "M" else landed)
        if NULL in self.observed.counts:
            landing.count(self.observed, NULL, len(values) - list(map(_NULLS, values)).count(None))
        return column

    def _assemble(self, payloads: list[Any], landing: Landing) -> pa.Array:  # noqa: ARG002 - others need it
        return pa.array(payloads, self.type)


class NumberNode(Node):
    """Numbers, and sets of numbers, in the narrowest type so far."""

    def _assemble(self, payloads: list[Any], landing: Landing) -> pa.Array:
        if self.tag == "N":
            return number_array(self.observed, pa.array(payloads, pa.string()), self.type, landing)
        texts = pa.array(list(chain.from_iterable(filter(None, payloads))), pa.string())
        return _list_array(payloads, number_array(self.observed.element(), texts, self.type, landing))


def number_array(observed: Observed, texts: pa.Array, kind: pa.DataType, landing: Landing) -> pa.Array:
    """Numbers in their column's type; widens what is known of their range where they need it.

    Args:
        observed: What is known of these numbers.
        texts: Their digits.
        kind: The column's type, of which only matters whether it, or what it is a list of, is double.
        landing: Where it is noted that numbers lost digits, or that the range grew.
    """
    if pa.types.is_floating(kind) or (pa.types.is_list(kind) and pa.types.is_floating(kind.value_type)):
        column, lossy = double_array(texts)
        landing.lose(observed, lossy)
        return column
    column, widest = exact_array(texts, observed.numbers)
    if widest != observed.numbers:
        observed.numbers = widest
        landing.widened = True
    return column


@dataclass(frozen=True)
class MapNode(Node):
    """Maps as structs.

    Attributes:
        children: By field name, in the struct's order.
        names: The struct fields' names, by field name.
    """

    children: Mapping[str, Node]
    names: Mapping[str, str]

    def _assemble(self, payloads: list[Any], landing: Landing) -> pa.Array:
        found = transpose(payloads)
        columns = [
            spread(child.array(found[name][1], landing), found[name][0], len(payloads))
            if name in found
            else spread(child.array([], Landing()), [], len(payloads))
            for name, child in self.children.items()
        ]
        mask = pa.array([payload is None for payload in payloads], pa.bool_())
        return pa.StructArray.from_arrays(columns, names=[self.names[name] for name in self.children], mask=mask)


def spread_column(node: Node, rows: list[int], values: list[Value], length: int, landing: Landing) -> pa.Array:
    """A column of `length` rows, of which only some have a value."""
    landing.values = values
    return spread(node.array(values, landing), rows, length)


@dataclass(frozen=True)
class ListNode(Node):
    """Lists whose elements are all of one type."""

    element: Node

    def _assemble(self, payloads: list[Any], landing: Landing) -> pa.Array:
        elements = list(chain.from_iterable(filter(None, payloads)))
        return _list_array(payloads, self.element.array(elements, landing))


def _list_array(lists: list[list[Any] | None], elements: pa.Array) -> pa.Array:
    mask = pa.array([entry is None for entry in lists], pa.bool_()) if None in lists else None
    offsets = pa.array(accumulate((len(entry or ()) for entry in lists), initial=0), pa.int32())
    return pa.ListArray.from_arrays(offsets, elements, mask=mask)


@dataclass(frozen=True)
class EmptyMapNode(Node):
    """Maps of which none ever had a field, as text."""

    text: str

    def _assemble(self, payloads: list[Any], landing: Landing) -> pa.Array:  # noqa: ARG002 - as Node
        # One that has a field after all has not landed.
        return pa.array([self.text if payload == {} else None for payload in payloads], self.type)


@dataclass(frozen=True)
class TextNode(Node):
    """Values of any type as text."""

    text: Callable[[Value], str]

    def array(self, values: Sequence[Value], landing: Landing) -> pa.Array:
        """As `Node.array`; counts each value under its own type."""
        # A string is its own text; of most mixed attributes most values are strings.
        texts: list[str | None] = [v.S for v in values] if self.text is plain_text else [None] * len(values)
        landing.count(self.observed, "S", len(texts) - texts.count(None))
        others: dict[str, list[Value]] = {}
        for row, value in enumerate(values):
            if texts[row] is None and value is not ABSENT and (tag := tag_of(value)):
                others.setdefault(tag, []).append(value)
                texts[row] = None if tag == NULL else self.text(value)
        for tag, same in others.items():
            landing.count(self.observed, tag, len(same), sum(map(count_objects, same)))
        return self._convert(texts, landing)

    def _convert(self, texts: list[str | None], landing: Landing) -> pa.Array:  # noqa: ARG002 - ForcedNode needs it
        return pa.array(texts, pa.string())


@dataclass(frozen=True)
class ForcedNumberNode(TextNode):
    """Values of an attribute that `columns` forces to a number's type."""

    attribute: str

    def _convert(self, texts: list[str | None], landing: Landing) -> pa.Array:
        try:
            column, lossy = forced_array(texts, self.type)
        except ConversionError as error:
            raise ConversionError(
                f"attribute {self.attribute!r} is to be {self.type} (columns), but {error}; choose a wider type"
            ) from error
        landing.lose(self.observed, lossy)
        return column


def attribute_node(attribute: str, observed: Observed, options: ExportRequest) -> Node:
    """The node of an attribute's column, whose type the request may force."""
    if attribute not in options.columns:
        return value_node(observed, options)
    name = options.columns[attribute]
    kind = forced_type(name)
    if pa.types.is_string(kind):
        return TextNode(observed, None, kind, json_text if name == "json" else plain_text)
    return ForcedNumberNode(observed, None, kind, plain_text, attribute)


def value_node(observed: Observed, options: ExportRequest) -> Node:
    """The node of the values at one path."""
    if is_text(observed, options):
        return _text_node(observed, options)
    kind = arrow_type(observed, options)
    (tag,) = observed.tags()
    if tag == "M":
        names = field_names(observed, options)
        children = {name: value_node(observed.fields[name], options) for name in names}
        return MapNode(observed, tag, kind, children, names)
    if tag == "L":
        return ListNode(observed, tag, kind, value_node(observed.element(), options))
    return (NumberNode if tag in {"N", "NS"} else Node)(observed, tag, kind)


def _text_node(observed: Observed, options: ExportRequest) -> Node:
    if not observed.tags():
        return Node(observed, None, pa.string())
    text = dynamodb_json_text if options.mixed_types == "dynamodb_json" else plain_text
    if observed.is_empty_map() and not options.nested_as_json:
        return EmptyMapNode(observed, "M", pa.string(), text(Value(M={})))
    return TextNode(observed, None, pa.string(), text)
