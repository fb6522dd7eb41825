"""Decoded values to Arrow arrays, one node for each path of the schema.

A node reads its values out of a list of objects by attribute path (`f3.S`, `f12.M.f0.N`), one pass in C for each
column. Where the objects were decoded by compiled types the path starts at the items; below a list, or where names
cannot be compiled, it starts at the values themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, chain
from operator import attrgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dynamo_assets.errors import ConversionError
from dynamo_assets.export.numbers import double_array, exact_array, forced_array
from dynamo_assets.export.observed import NULL, Observed
from dynamo_assets.export.values import (
    ABSENT,
    Value,
    count_objects,
    plain_text,
    tag_of,
)


class SurpriseError(Exception):
    """A page holds an attribute, a field or a type that the schema does not have yet."""


@dataclass
class Landing:
    """What one page adds to the observations, held back until the whole page has landed.

    Attributes:
        objects: JSON objects whose content has landed.
        widened: Whether a number range grew.
    """

    objects: int = 0
    widened: bool = False
    _counts: list[tuple[Observed, str, int]] = field(default_factory=list)
    _lossy: list[tuple[Observed, int]] = field(default_factory=list)

    def count(self, observed: Observed, tag: str, values: int, objects: int | None = None) -> None:
        """Counts values of one type that have landed."""
        self.objects += values if objects is None else objects
        if values:
            self._counts.append((observed, tag, values))

    def lose(self, observed: Observed, values: int) -> None:
        """Counts values that were rounded as the request asked."""
        self._lossy.append((observed, values))

    def settle(self) -> None:
        """Adds everything to the observations."""
        for observed, tag, values in self._counts:
            observed.add(tag, values)
        for observed, values in self._lossy:
            observed.lossy += values


def _pull(source: list[Any], path: str) -> list[Any]:
    return list(map(attrgetter(path), source)) if path else source


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@dataclass(frozen=True)
class Node:
    """Assembles the values at one path whose type has one Arrow counterpart: S, BOOL, B and the sets of S and B."""

    observed: Observed
    tag: str | None
    type: pa.DataType

    def array(self, source: list[Any], path: str, landing: Landing) -> pa.Array:
        """The values at a path below each object of `source`; as long as `source`, null where absent or NULL."""
        column = self._assemble(source, path, landing)
        self._account(column, source, path, landing)
        return column

    def _assemble(self, source: list[Any], path: str, landing: Landing) -> pa.Array:  # noqa: ARG002 - others need it
        if self.tag is None:
            return pa.nulls(len(source), self.type)
        return pa.array(_pull(source, _join(path, self.tag)), self.type)

    def _account(self, column: pa.Array, source: list[Any], path: str, landing: Landing) -> None:
        landed, nulls = len(column) - column.null_count, 0
        if self.tag is not None:
            landing.count(self.observed, self.tag, landed, landed * 2 if self.tag == "M" else landed)
        if NULL in self.observed.counts:
            nulls = len(source) - _pull(source, _join(path, NULL)).count(None)
            landing.count(self.observed, NULL, nulls)
        # Compiled types refuse what they do not name; values that are decoded as they come have to be counted.
        if not path and landed + nulls != len(source) - source.count(ABSENT):
            raise SurpriseError


class NumberNode(Node):
    """Numbers, and sets of numbers, in the narrowest type so far."""

    def _assemble(self, source: list[Any], path: str, landing: Landing) -> pa.Array:
        texts = _pull(source, _join(path, self.tag or ""))
        if self.tag == "N":
            return self._numbers(self.observed, texts, landing)
        numbers = self._numbers(self.observed.element(), list(chain.from_iterable(filter(None, texts))), landing)
        return _list_array(texts, numbers)

    def _numbers(self, observed: Observed, texts: list[str | None], landing: Landing) -> pa.Array:
        scalar = self.type.value_type if self.tag == "NS" else self.type
        if pa.types.is_floating(scalar):
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
        children: By field name.
        names: The struct fields' names, by field name.
        empty: What stands for an absent map where maps were decoded by a compiled type; None where they are dicts.
    """

    children: Mapping[str, Node]
    names: Mapping[str, str]
    empty: Any

    def _assemble(self, source: list[Any], path: str, landing: Landing) -> pa.Array:
        path = _join(path, "M")
        maps = _pull(source, path)
        mask = pa.array([value is self.empty for value in maps], pa.bool_())
        arrays = self.arrays(source if self.empty is not None else maps, path, landing)
        # A dict's field that no map of this page has yields no array, yet a struct must have it.
        columns = [arrays[name] if name in arrays else self._missing(name, len(maps)) for name in self.children]
        return pa.StructArray.from_arrays(columns, names=[self.names[n] for n in self.children], mask=mask)

    def _missing(self, name: str, rows: int) -> pa.Array:
        return self.children[name].array([ABSENT] * rows, "", Landing())

    def arrays(self, source: list[Any], path: str, landing: Landing) -> dict[str, pa.Array]:
        """One array for each field, by field name."""
        if self.empty is not None:
            return {
                name: child.array(source, _join(path, f"f{number}"), landing)
                for number, (name, child) in enumerate(self.children.items())
            }
        columns = transpose(source)
        if columns.keys() - self.children.keys():
            raise SurpriseError
        return {
            name: _spread(self.children[name].array(values, "", landing), rows, len(source))
            for name, (rows, values) in columns.items()
        }


def transpose(maps: Iterable[Mapping[str, Value] | None]) -> dict[str, tuple[list[int], list[Value]]]:
    """Rows of dicts to columns: the rows that have each name, and their values."""
    columns: dict[str, tuple[list[int], list[Value]]] = {}
    for row, fields in enumerate(maps):
        if fields:
            for name, value in fields.items():
                if name in columns:
                    rows, values = columns[name]
                    rows.append(row)
                    values.append(value)
                else:
                    columns[name] = ([row], [value])
    return columns


def _spread(array: pa.Array, rows: list[int], length: int) -> pa.Array:
    """Puts values at their rows among nulls; in Python the work grows with the values only, however sparse they are."""
    if len(rows) == length:
        return array
    bits = bytearray((length + 7) // 8)
    for row in rows:
        bits[row >> 3] |= 1 << (row & 7)
    mask = pa.Array.from_buffers(pa.bool_(), length, [None, pa.py_buffer(bits)])
    numbers = pa.array(range(len(rows)), pa.int32())
    replace_with_mask = pc.replace_with_mask  # pyright: ignore[reportAttributeAccessIssue] - made at import
    return array.take(replace_with_mask(pa.nulls(length, pa.int32()), mask, numbers))


@dataclass(frozen=True)
class ListNode(Node):
    """Lists whose elements are all of one type."""

    element: Node

    def _assemble(self, source: list[Any], path: str, landing: Landing) -> pa.Array:
        lists = _pull(source, _join(path, "L"))
        elements = list(chain.from_iterable(filter(None, lists)))
        return _list_array(lists, self.element.array(elements, "", landing))


def _list_array(lists: list[list[Any] | None], elements: pa.Array) -> pa.Array:
    mask = pa.array([entry is None for entry in lists], pa.bool_()) if None in lists else None
    offsets = pa.array(accumulate((len(entry or ()) for entry in lists), initial=0), pa.int32())
    return pa.ListArray.from_arrays(offsets, elements, mask=mask)


@dataclass(frozen=True)
class EmptyMapNode(Node):
    """Maps of which none ever had a field, as text."""

    text: str

    def _assemble(self, source: list[Any], path: str, landing: Landing) -> pa.Array:  # noqa: ARG002 - as Node
        maps = _pull(source, _join(path, "M"))
        if any(isinstance(value, dict) and value for value in maps):
            raise SurpriseError
        return pa.array([None if value is None else self.text for value in maps], self.type)


@dataclass(frozen=True)
class TextNode(Node):
    """Values of any type as text."""

    text: Callable[[Value], str]

    def array(self, source: list[Any], path: str, landing: Landing) -> pa.Array:
        """As `Node.array`; counts each value under its own type."""
        values: list[Value] = _pull(source, path)
        # A string is its own text; of most mixed attributes most values are strings.
        texts: list[str | None] = _pull(values, "S") if self.text is plain_text else [None] * len(values)
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
