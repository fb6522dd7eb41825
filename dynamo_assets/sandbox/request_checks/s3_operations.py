"""Which of S3's operations a request asks for: they differ by method, path, query and headers."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

_OF_OTHER_HOSTS = frozenset({"ListDirectoryBuckets", "WriteGetObjectResponse"})
"""S3 Express and Object Lambda have addresses of their own."""


@dataclass(frozen=True)
class Operation:
    """One operation and what tells it from others.

    Attributes:
        model: botocore's.
        place: The method, and whether the path has a bucket and a key.
        literals: What the query must have, to the letter.
        query: Members in the query, by their names there.
        headers: Members in headers, by their names there, in small letters.
        needs_query: The names in the query of what is required.
        needs_headers: As well of headers.
    """

    model: Any
    place: tuple[str, bool, bool]
    literals: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    needs_query: frozenset[str]
    needs_headers: frozenset[str]

    @classmethod
    def of(cls, model: Any) -> Operation:
        """From botocore's model."""
        path, _, query = model.http["requestUri"].partition("?")
        members = model.input_shape.members if model.input_shape else {}
        required = set(model.input_shape.required_members) if model.input_shape else set()

        def located(place: str) -> dict[str, str]:
            return {
                member.serialization["name"]: name
                for name, member in members.items()
                if member.serialization.get("location") == place
            }

        in_query = located("querystring")
        headers = {wire.lower(): name for wire, name in located("header").items()}
        return cls(
            model,
            (model.http["method"], "{Bucket}" in path, "{Key+}" in path),
            dict(urllib.parse.parse_qsl(query, keep_blank_values=True)),
            in_query,
            headers,
            frozenset(wire for wire, name in in_query.items() if name in required),
            frozenset(wire for wire, name in headers.items() if name in required),
        )

    def fits(self, query: Mapping[str, str], headers: AbstractSet[str]) -> bool:
        """Whether a request has what this operation cannot do without."""
        return (
            self.literals.items() <= query.items()
            and self.needs_query <= query.keys()
            and self.needs_headers <= headers
        )

    @property
    def demands(self) -> int:
        """How much it cannot do without."""
        return len(self.literals) + len(self.needs_query) + len(self.needs_headers)


class Operations:
    """All of S3's.

    Args:
        model: botocore's model of S3.
    """

    def __init__(self, model: Any) -> None:
        self._by_place: dict[tuple[str, bool, bool], list[Operation]] = {}
        for operation in self._all(model):
            self._by_place.setdefault(operation.place, []).append(operation)
        for found in self._by_place.values():
            found.sort(key=lambda operation: -operation.demands)

    def _all(self, model: Any) -> Iterable[Operation]:
        for name in model.operation_names:
            found = model.operation_model(name)
            # The deprecated ones have a successor at the same place.
            if not found.deprecated and name not in _OF_OTHER_HOSTS:
                yield Operation.of(found)

    def asked_for(
        self, place: tuple[str, bool, bool], query: Mapping[str, str], headers: AbstractSet[str]
    ) -> Operation | None:
        """The operation of a request: of all that fit the one that demands most."""
        return next((each for each in self._by_place.get(place, ()) if each.fits(query, headers)), None)
