"""What the check of keys found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SHOWN = 5
"""At most so many duplicated keys are shown, and so many files of each."""


@dataclass(frozen=True)
class DuplicatedKey:
    """A key that more than one row has.

    Attributes:
        values: Its values by attribute, the partition key's first: as they stand in the files, binary as base64.
        rows: How many rows have it.
        files: Keys of files that have it, in the manifest's order, at most `SHOWN`; one where all rows are in one.
    """

    values: Mapping[str, str]
    rows: int
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class KeyFindings:
    """What the files of a snapshot say of their keys.

    Attributes:
        cannot_tell: Why nothing can be said of keys; nothing was read then. Empty otherwise.
        rows_by_file: How many rows each file holds, by its key: counted while reading, not taken from its footer.
        null_rows: How many rows lack a value of a key attribute. They are not compared with others.
        null_file: The first file that has such a row, in the manifest's order.
        duplicated: How many keys more than one row has.
        is_at_least: Whether there may be more of them, because so many were not counted to the end.
        shown: Some of them.
        lossy: Key attributes whose values lost digits in a conversion that the table's settings asked for, by the
            manifest: two keys may have become one by that.
        fetched_bytes: How much was fetched of the files.
        spilled_bytes: How much was written to the local disk.
    """

    cannot_tell: str = ""
    rows_by_file: Mapping[str, int] = field(default_factory=dict)
    null_rows: int = 0
    null_file: str | None = None
    duplicated: int = 0
    is_at_least: bool = False
    shown: tuple[DuplicatedKey, ...] = ()
    lossy: tuple[str, ...] = ()
    fetched_bytes: int = 0
    spilled_bytes: int = 0

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return sum(self.rows_by_file.values())

    @property
    def are_sound(self) -> bool:
        """Whether every row was found to have a key of its own. False, too, where that cannot be told."""
        return not (self.cannot_tell or self.null_rows or self.duplicated)
