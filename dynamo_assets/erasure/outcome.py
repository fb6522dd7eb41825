"""What became of an erasure, for a person: how many and where, never which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.erasure.history import Amount


@dataclass(frozen=True)
class Outcome:
    """What was erased of one table, or would have been.

    Attributes:
        table: The table.
        dry_run: Whether nothing was changed.
        keys: How many keys were given.
        snapshots: How many complete snapshots were looked through.
        erased: What went, by label.
        finished: The snapshots in which an earlier erasure was ended, or is to be.
        failed: Why items may still be in some, by label.
        unreached: Where else they may be.
        history: The key of the record of all this; empty in a dry run.
    """

    table: Table
    dry_run: bool
    keys: int
    snapshots: int
    erased: Mapping[str, Amount]
    finished: tuple[str, ...]
    failed: Mapping[str, str]
    unreached: tuple[str, ...]
    history: str = ""

    @property
    def rows(self) -> int:
        """How many rows went."""
        return sum(erased.rows for erased in self.erased.values())

    @property
    def files(self) -> int:
        """How many files were written again."""
        return sum(erased.files for erased in self.erased.values())

    def problem(self) -> str | None:
        """Why the erasure is not complete; None where it is."""
        if not self.failed:
            return None
        reasons = "; ".join(f"{label}: {why}" for label, why in self.failed.items())
        return (
            f"{self.table.table}: {len(self.failed)} of {self.snapshots} snapshots could not be seen to, and may hold "
            f"items that were to be erased: {reasons}. The others were seen to; run it again when that is mended"
        )

    def lines(self) -> list[str]:
        """All of it, a line each, the sum first."""
        verb = "would be erased" if self.dry_run else "were erased"
        begun = "is to be ended by a run" if self.dry_run else "was ended"
        first = f"{self.table.table}: {self.rows:,} rows of {self.keys:,} keys {verb}, from {self.files:,} files of "
        return [
            f"{first}{len(self.erased):,} snapshots; {self.snapshots:,} were looked through",
            *(f"  {label}: {one.rows:,} rows in {one.files:,} files" for label, one in self.erased.items()),
            *(f"  {label}: an earlier erasure had begun here, and {begun}" for label in self.finished),
            *(f"  {label} FAILED: {why}" for label, why in self.failed.items()),
            *(f"  {line}" for line in self.unreached),
        ]
