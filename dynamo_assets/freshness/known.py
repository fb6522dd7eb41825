"""What is known of each view, as the sensor's cursor keeps it, and whether that is fresh enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import msgspec

from dynamo_assets.configuration.table_settings import Freshness
from dynamo_assets.naming import parse_snapshot
from dynamo_assets.publishing.pins import Pin

VERSION = 2

State = Literal["fresh", "warn", "fail", "none", "gone", "by_hand", "unreadable"]
"""Whether what is shown is within the limits; `none` where there never was a view, `gone` where there was one,
`by_hand` where it is somebody else's, `unreadable` where nobody can tell."""


@dataclass(frozen=True)
class Known:
    """What is known of a view, or of the views of a set.

    Attributes:
        latest: The newest complete snapshot's label; of a set the newest one that all its members have.
        published: The label of the one that is shown; of a set the oldest that a member shows.
        view: Whether there is a view, and whose.
        state: Whether what is shown is within the limits.
        rows: How many rows it has; None where its manifest cannot be read.
        pin: Where a person holds it.
        rejected: Why verification rejected `latest`, where that is newer than what is shown.
        apart: What the members of a set show, where that is not one and the same.
        error: Why this cannot be told any more.
    """

    latest: str | None = None
    published: str | None = None
    view: Literal["none", "ours", "by_hand", "gone"] = "none"
    state: State = "none"
    rows: int | None = None
    pin: Pin | None = None
    rejected: str = ""
    apart: str = ""
    error: str = ""

    @property
    def waits(self) -> bool:
        """Whether there is a complete snapshot that is newer than what is shown."""
        return self.latest is not None and self.latest > (self.published or "")


@dataclass(frozen=True)
class Cursor:
    """What the last tick knew.

    Attributes:
        tables: By their catalog names.
        sets: By their names.
        told: The views of which the topic was told that they are too old, and not yet that they are no more.
        version: Of this form; a cursor of another counts as none.
    """

    tables: Mapping[str, Known] = field(default_factory=dict)
    sets: Mapping[str, Known] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    version: int = VERSION

    def to_text(self) -> str:
        """As Dagster keeps it."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_text(cls, text: str | None) -> Cursor:
        """As Dagster has kept it."""
        try:
            cursor = msgspec.json.decode(text or "{}", type=cls)
        except msgspec.DecodeError:
            return cls()
        return cursor if cursor.version == VERSION else cls()


def judge(known: Known, limits: Freshness | None, now: datetime) -> Known:
    """The same with its state: the age of what is shown against the limits."""
    return replace(known, state=_state(known, limits, now))


def _state(known: Known, limits: Freshness | None, now: datetime) -> State:
    if known.error:
        return "unreadable"
    if known.view in ("gone", "by_hand"):
        return known.view
    if known.published is None:
        return "none"
    age = now - parse_snapshot(known.published)
    if limits is None or age <= limits.warn:
        return "fresh"
    return "fail" if age > limits.fail else "warn"
