"""What has landed in columns of one attribute of a page: held back until all of the page has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from dynamo_assets.export.decoding.values import Value, count_braces, count_objects
from dynamo_assets.export.kernels import kernels
from dynamo_assets.export.observed import Observed


@dataclass
class Landing:
    """The account of one attribute.

    Attributes:
        objects: JSON objects whose content has landed: DynamoDB writes one for each value, and one more for each map.
        widened: Whether a number range grew.
        surprised: Whether a type was not known at its place. A text takes any, but the type of what it lies in may
            depend on it.
        texts: Arrays of all strings that have landed as they were read.
        values: Values that were read one by one, whatever became of them.
        braces_in_name: Opening braces in the attribute's own name, for as often as it stands there.
    """

    objects: int = 0
    widened: bool = False
    surprised: bool = False
    texts: list[pa.Array] = field(default_factory=list)
    values: Sequence[Value] = ()
    braces_in_name: int = 0
    _counts: list[tuple[Observed, str, int]] = field(default_factory=list)
    _lossy: list[tuple[Observed, int]] = field(default_factory=list)

    def count(self, observed: Observed, tag: str, values: int, objects: int | None = None) -> None:
        """Counts values of one type that have landed."""
        self.objects += values if objects is None else objects
        if values:
            self._counts.append((observed, tag, values))
            self.surprised |= tag not in observed.counts

    def lose(self, observed: Observed, values: int) -> None:
        """Counts values that were rounded as the request asked."""
        self._lossy.append((observed, values))

    def settle(self) -> None:
        """Adds everything to the observations."""
        for observed, tag, values in self._counts:
            observed.add(tag, values)
        for observed, values in self._lossy:
            observed.lossy += values

    def braces_in_texts(self) -> int:
        """How many opening braces stand within its values' strings and names, where they are no objects."""
        in_arrays = sum(kernels.sum(kernels.count_substring(texts, "{")).as_py() or 0 for texts in self.texts)
        return in_arrays + sum(count_braces(value) - count_objects(value) for value in self.values)
