"""How a snapshot's columns differ from those of the snapshot before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dynamo_assets.export.manifest import ManifestColumn


@dataclass(frozen=True)
class TypeChange:
    """An attribute whose column has another type than before.

    Attributes:
        attribute: Its name.
        before: The column's type in the snapshot before.
        now: The column's type in this one.
    """

    attribute: str
    before: str
    now: str


@dataclass(frozen=True)
class SchemaChanges:
    """The difference to the snapshot before; empty where nothing changed.

    Attributes:
        since: The label of the snapshot before; None where this one is the first.
        added: Attributes that it did not have.
        gone: Attributes that had values then and have none now. Their columns stay, and are null.
        widened: Columns whose type grew, as whoever queries the view sees it.
        dropped: Attributes that had a column then and have none now: their types were discovered anew.
    """

    since: str | None = None
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    widened: tuple[TypeChange, ...] = ()
    dropped: tuple[str, ...] = ()

    @classmethod
    def between(cls, since: str, before: Sequence[ManifestColumn], now: Sequence[ManifestColumn]) -> SchemaChanges:
        """Compares the columns of two snapshots."""
        old = {column.attribute: column for column in before}
        kept = {column.attribute for column in now}
        return cls(
            since=since,
            added=tuple(column.attribute for column in now if column.attribute not in old),
            gone=tuple(
                column.attribute
                for column in now
                if column.attribute in old and any(old[column.attribute].dynamodb_types.values())
                if not any(column.dynamodb_types.values())
            ),
            widened=tuple(
                TypeChange(column.attribute, _type(old[column.attribute]), _type(column))
                for column in now
                if column.attribute in old and _type(old[column.attribute]) != _type(column)
            ),
            dropped=tuple(attribute for attribute in old if attribute not in kept),
        )

    def __bool__(self) -> bool:
        return bool(self.added or self.gone or self.widened or self.dropped)

    def lines(self) -> list[str]:
        """A line for each change, for a person."""
        return [
            *(f"added: {attribute}" for attribute in self.added),
            *(f"gone: {attribute} (its column stays, and is null)" for attribute in self.gone),
            *(f"widened: {change.attribute}: {change.before} -> {change.now}" for change in self.widened),
            *(f"dropped: {attribute} (it has no column any more)" for attribute in self.dropped),
        ]


def _type(column: ManifestColumn) -> str:
    return column.view_type or column.type
