"""What was observed of a table's values.

Observations only ever grow: merging two of them is a join, so that units may observe in any order and on any machine
and agree in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from enum import IntEnum

MAX_STRUCT_FIELDS = 200
"""A map with more distinct fields than this is used as a dictionary: its column is JSON text."""

NULL = "NULL"
TAGS = ("S", "N", "BOOL", "M", "L", "SS", "NS", "BS", "B", NULL)
# DynamoDB's numbers have up to 38 digits; the default context would round to 28.
EXACT = Context(prec=200, Emin=-999, Emax=999)


class NumberRange(IntEnum):
    """The narrowest exact type that holds every number seen at one path."""

    INT64 = 0
    DECIMAL = 1
    TEXT = 2

    @classmethod
    def of(cls, number: str) -> NumberRange:
        """The range of one number, by its value and not by its spelling."""
        value = Decimal(number).normalize(EXACT)
        exponent = int(value.as_tuple().exponent)
        if exponent >= 0 and value.adjusted() < 19 and -(2**63) <= int(value) < 2**63:
            return cls.INT64
        return cls.DECIMAL if exponent >= -18 and value.adjusted() < 20 else cls.TEXT


@dataclass(slots=True)
class Observed:
    """Facts about the values at one path.

    Attributes:
        counts: How many values of each DynamoDB type were seen. A type that is present with a count of 0 is expected
            (a key attribute, a hint) and shapes the column as if it had been seen.
        numbers: The range of the N values.
        fields: What was seen below each field of the M values.
        names: The names that fields had in the last snapshot, in its order; they keep them.
        too_many_fields: There were more than `MAX_STRUCT_FIELDS`; `fields` is empty then.
        elements: What was seen in the L values and sets.
        lossy: How many values lost something in a conversion that the request asked for.
    """

    counts: dict[str, int] = field(default_factory=dict)
    numbers: NumberRange = NumberRange.INT64
    fields: dict[str, Observed] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    too_many_fields: bool = False
    elements: Observed | None = None
    lossy: int = 0

    def add(self, tag: str, count: int) -> None:
        """Counts values of one type."""
        self.counts[tag] = self.counts.get(tag, 0) + count

    def element(self) -> Observed:
        """The facts about elements, made on first use."""
        if self.elements is None:
            self.elements = Observed()
        return self.elements

    def below(self, name: str) -> Observed | None:
        """The facts about one field of the map, made on first use; None once there are too many fields."""
        if name not in self.fields and not self.too_many_fields:
            self.fields[name] = Observed()
            self._limit_fields()
        return self.fields.get(name)

    def _limit_fields(self) -> None:
        if len(self.fields) > MAX_STRUCT_FIELDS:
            self.too_many_fields = True
        if self.too_many_fields:
            self.fields.clear()

    def merge(self, other: Observed) -> None:
        """Joins another's facts into these: associative and commutative, and idempotent but for the counts."""
        for tag, count in other.counts.items():
            self.add(tag, count)
        self.numbers = max(self.numbers, other.numbers)
        self.lossy += other.lossy
        self.too_many_fields |= other.too_many_fields
        self.names = {**other.names, **self.names}
        for name, facts in other.fields.items():
            if (mine := self.below(name)) is not None:
                mine.merge(facts)
        self._limit_fields()
        if other.elements is not None:
            self.element().merge(other.elements)

    def copy(self) -> Observed:
        """An independent copy."""
        twin = Observed()
        twin.merge(self)
        return twin

    def tags(self) -> frozenset[str]:
        """The types seen, NULL left out."""
        return frozenset(self.counts) - {NULL}

    def is_empty_map(self) -> bool:
        """Whether only maps were seen, and none of them ever had a field."""
        return self.tags() == {"M"} and not self.fields and not self.too_many_fields

    def total_lossy(self) -> int:
        """`lossy` of this path and everything below it."""
        below = [*self.fields.values(), *([self.elements] if self.elements else [])]
        return self.lossy + sum(facts.total_lossy() for facts in below)


@dataclass(slots=True)
class Facts:
    """What was observed of each attribute of a table.

    Attributes:
        attributes: By name.
        names: The columns' names in the last snapshot, in its order; attributes keep them.
    """

    attributes: dict[str, Observed] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_keys(cls, keys: Mapping[str, str]) -> Facts:
        """What is known of a table's key attributes (name -> S, N or B) before anything is read."""
        return cls({name: Observed(counts={tag: 0}) for name, tag in keys.items()})

    def of(self, attribute: str) -> Observed:
        """The facts about one attribute, made on first use."""
        return self.attributes.setdefault(attribute, Observed())

    def merge(self, other: Facts) -> None:
        """Joins the facts of a unit or of a hint into these."""
        self.names = {**other.names, **self.names}
        for attribute, facts in other.attributes.items():
            self.of(attribute).merge(facts)

    def copy(self) -> Facts:
        """An independent copy."""
        twin = Facts()
        twin.merge(self)
        return twin
