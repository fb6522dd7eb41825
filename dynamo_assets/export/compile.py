"""The schema known so far as msgspec types that take nothing else, each with the node that assembles its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa

from dynamo_assets.export.assemble import (
    EmptyMapNode,
    ForcedNumberNode,
    ListNode,
    MapNode,
    Node,
    NumberNode,
    TextNode,
)
from dynamo_assets.export.observed import NULL, Facts, Observed
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import arrow_type, field_names, forced_type, is_text
from dynamo_assets.export.values import ABSENT, Value, dynamodb_json_text, json_text, plain_text

MAX_COMPILED_FIELDS = 300
"""msgspec looks a field's name up by going through them all, so very wide items are decoded as dictionaries."""
# What msgspec refuses in a compiled name.
_UNNAMEABLE = re.compile(r'[\x00-\x1f"\\]')
_PAYLOADS = {"S": str, "N": str, "BOOL": bool, "B": bytes, "SS": list[str], "NS": list[str], "BS": list[bytes]}


def compile_attributes(facts: Facts, options: ExportRequest) -> tuple[Any, MapNode]:
    """The msgspec type of an item, and the node that assembles a list of them."""
    return _Compiler(options).attributes(facts.attributes)


def generic_node(observed: Observed, options: ExportRequest) -> Node:
    """The node of one path for values that were not decoded by a compiled type."""
    return _Compiler(options).value(observed, compiled=False)[1]


@cache
def _value_type(tag: str, nullable: bool) -> Any:
    return _struct([(tag, _PAYLOADS[tag] | None, None)], nullable)


def _struct(fields: list[tuple[str, Any, Any]], nullable: bool = False) -> Any:
    if nullable:
        fields = [*fields, (NULL, bool | None, None)]
    return msgspec.defstruct("V", fields, frozen=True, gc=False, eq=False, forbid_unknown_fields=True)


def _absent(value_type: Any) -> Any:
    return ABSENT if value_type is Value else value_type()


class _Compiler:
    """Makes a msgspec type, and a node that assembles its values, for each path."""

    def __init__(self, options: ExportRequest):
        self._options = options
        self._text = dynamodb_json_text if options.mixed_types == "dynamodb_json" else plain_text

    def attributes(self, facts: Mapping[str, Observed]) -> tuple[Any, MapNode]:
        return self._map(Observed(), facts, top_level=True)

    def value(self, observed: Observed, *, compiled: bool) -> tuple[Any, Node]:
        kind = arrow_type(observed, self._options)
        nullable = NULL in observed.counts
        if is_text(observed, self._options):
            payload, node = self._text_value(observed, nullable)
        else:
            (tag,) = observed.tags()
            if tag == "M":
                fields, node = self._map(observed, observed.fields, compiled=compiled)
                payload = _struct([("M", fields | None, node.empty)], nullable)
            elif tag == "L":
                inner, element = self.value(observed.element(), compiled=compiled)
                payload = _struct([("L", list[inner] | None, None)], nullable)
                node = ListNode(observed, tag, kind, element)
            else:
                make = NumberNode if tag in {"N", "NS"} else Node
                payload, node = _value_type(tag, nullable), make(observed, tag, kind)
        return payload if compiled else Value, node

    def _text_value(self, observed: Observed, nullable: bool) -> tuple[Any, Node]:
        tags = observed.tags()
        if not tags:
            return _struct([], nullable), Node(observed, None, pa.string())
        if tags == {"M"} and not observed.fields and not observed.too_many_fields and not self._options.nested_as_json:
            node = EmptyMapNode(observed, "M", pa.string(), self._text(Value(M={})))
            return _struct([("M", _struct([]) | None, None)], nullable), node
        return Value, TextNode(observed, None, pa.string(), self._text)

    def _forced(self, attribute: str, observed: Observed) -> tuple[Any, Node]:
        name = self._options.columns[attribute]
        kind = forced_type(name)
        if pa.types.is_string(kind):
            return Value, TextNode(observed, None, kind, json_text if name == "json" else plain_text)
        return Value, ForcedNumberNode(observed, None, kind, plain_text, attribute)

    def _map(
        self, observed: Observed, fields: Mapping[str, Observed], *, compiled: bool = True, top_level: bool = False
    ) -> tuple[Any, MapNode]:
        compiled = compiled and len(fields) <= MAX_COMPILED_FIELDS and not any(map(_UNNAMEABLE.search, fields))
        names = {} if top_level else field_names(observed, self._options)
        children, members = {}, []
        for number, name in enumerate(names or fields):
            if top_level and name in self._options.columns:
                inner, children[name] = self._forced(name, fields[name])
            else:
                inner, children[name] = self.value(fields[name], compiled=compiled)
            members.append(
                (f"f{number}", inner, msgspec.field(default=_absent(inner), name=name) if compiled else None)
            )
        item = _struct(members) if compiled else dict[str, Value]
        kind = pa.null() if top_level else arrow_type(observed, self._options)
        return item, MapNode(observed, "M", kind, children, names, item() if compiled else None)
