"""What there is to tell of a file in which rows were looked for, or that was written again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Counted:
    """A file that was looked through.

    Attributes:
        rows: How many it has.
        going: How many of them go.
    """

    rows: int
    going: int


@dataclass(frozen=True)
class Rewritten:
    """A file that was written again.

    Attributes:
        kept: How many rows it has now.
        gone: How many it had beside them.
        present: Of those that are gone, how many had a value, by column.
    """

    kept: int
    gone: int
    present: Mapping[str, int]
