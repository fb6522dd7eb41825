"""What an examination found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["problem", "warning", "unknown", "ok"]
LEVELS: tuple[Level, ...] = ("problem", "warning", "unknown", "ok")
"""The worst first."""


@dataclass(frozen=True)
class Finding:
    """One thing that was examined.

    Attributes:
        subject: What was looked at: `bucket`, `schedule`.
        level: `problem` fails a run, or shows what is not meant; a `warning` does not; `unknown` could not be examined.
        found: What there is, in a sentence without a full stop.
        advice: What to do, as such a sentence; empty where nothing is.
        table: The table that it is about, as `tables.yaml` names it; None where it is about all of them.
    """

    subject: str
    level: Level
    found: str
    advice: str = ""
    table: str | None = None


def ok(subject: str, found: str, table: str | None = None) -> Finding:
    """Nothing to do."""
    return Finding(subject, "ok", found, table=table)


def warning(subject: str, found: str, advice: str, table: str | None = None) -> Finding:
    """It works, and not as it should."""
    return Finding(subject, "warning", found, advice, table)


def problem(subject: str, found: str, advice: str, table: str | None = None) -> Finding:
    """It would fail, or show what is not meant."""
    return Finding(subject, "problem", found, advice, table)


def unknown(subject: str, found: str, advice: str, table: str | None = None) -> Finding:
    """Nobody can tell from here."""
    return Finding(subject, "unknown", found, advice, table)
