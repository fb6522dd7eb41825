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
        widened: Columns whose type grew.
    """

    since: str | None = None
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    widened: tuple[TypeChange, ...] = ()

    @classmethod
    def between(cls, since: str, before: Sequence[ManifestColumn], now: Sequence[ManifestColumn]) -> SchemaChanges:
        """Compares the columns of two snapshots."""
        old = {column.attribute: column for column in before}
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
                TypeChange(column.attribute, old[column.attribute].type, column.type)
                for column in now
                if column.attribute in old and old[column.attribute].type != column.type
            ),
        )

    def __bool__(self) -> bool:
        return bool(self.added or self.gone or self.widened)

    def lines(self) -> list[str]:
        """A line for each change, for a person."""
        return [
            *(f"added: {attribute}" for attribute in self.added),
            *(f"gone: {attribute} (its column stays, and is null)" for attribute in self.gone),
            *(f"widened: {change.attribute}: {change.before} -> {change.now}" for change in self.widened),
        ]
