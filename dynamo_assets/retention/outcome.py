"""What became of a table's old snapshots, for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.retention.leavings import Leaving
from dynamo_assets.retention.removal import Size


@dataclass(frozen=True)
class Outcome:
    """What became of one table's snapshots, or would have.

    Attributes:
        table: The table.
        dry_run: Whether nothing was changed.
        resumed: The snapshots that went and whose removal an earlier run had begun.
        gone: The other snapshots that went, by label, oldest first, and how much they held.
        staying: Of the snapshots beyond the limits that stay, why.
        leavings: What went of dead attempts.
    """

    table: Table
    dry_run: bool
    resumed: tuple[str, ...]
    gone: Mapping[str, Size]
    staying: Mapping[str, str]
    leavings: tuple[Leaving, ...]

    @property
    def changes(self) -> bool:
        """Whether anything went, or would have."""
        return bool(self.snapshots or self.leavings)

    @property
    def snapshots(self) -> int:
        """How many snapshots went."""
        return len(self.gone) + len(self.resumed)

    @property
    def rows(self) -> int:
        """How many rows the snapshots that went held."""
        return sum(size.rows for size in self.gone.values())

    @property
    def bytes(self) -> int:
        """How much went, leavings included."""
        return sum(size.bytes for size in self.gone.values()) + sum(leaving.bytes for leaving in self.leavings)

    def lines(self) -> list[str]:
        """All of it, a line each, the sum first."""
        verb = "would go" if self.dry_run else "went"
        first = f"{self.table.table}: {self.snapshots} snapshots {verb}, of {self.rows:,} rows, and what "
        return [
            first + f"{len(self.leavings)} dead attempts left: {self.bytes:,} bytes",
            *(f"  {label} {verb}: an earlier run had begun to remove it" for label in self.resumed),
            *(f"  {label} {verb}: {size.rows:,} rows, {size.bytes:,} bytes" for label, size in self.gone.items()),
            *(f"  {label} stays: {why}" for label, why in self.staying.items()),
            *(f"  {one.label} {verb}: {_what(one)}" for one in self.leavings),
        ]


def _what(leaving: Leaving) -> str:
    whose = "beside the snapshot, which stays" if leaving.complete else "of an attempt that died"
    return f"{leaving.files} files, {leaving.bytes:,} bytes, {whose}"
