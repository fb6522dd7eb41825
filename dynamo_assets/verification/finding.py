"""What a check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FILES, KEYS, VOLUME, SOURCE, SCHEMA, CONVERSIONS = "files", "keys", "volume", "source", "schema", "conversions"
CATALOG, VIEW = "catalog", "view"
SHOWN = 12


@dataclass(frozen=True)
class Finding:
    """What one check found of one snapshot.

    Attributes:
        check: The check's name.
        passed: Whether all is as expected.
        text: What was found; where it did not pass also what was expected, and what to do.
        level: What it does where it did not pass: keep the snapshot out of the view, or warn.
        figures: Numbers and names beside the text.
    """

    check: str
    passed: bool
    text: str
    level: Literal["block", "warn"] = "block"
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def blocks(self) -> bool:
        """Whether the snapshot must not be shown."""
        return not self.passed and self.level == "block"

    def sentence(self) -> str:
        """Check and text, so that more can follow."""
        return f"{self.check}: {self.text.rstrip('.')}."


def finding_of(check: str, problems: list[str], *, good: str, advice: str, **more: Any) -> Finding:
    """A finding of what is wrong.

    Args:
        check: The check's name.
        problems: What is wrong, each with what was expected; a dozen of them are shown.
        good: What to say where nothing is.
        advice: What to do.
        more: The finding's `level` and `figures`.
    """
    text = good
    if problems:
        rest = f"; and {len(problems) - SHOWN:,} more" if len(problems) > SHOWN else ""
        text = f"{'; '.join(problems[:SHOWN])}{rest}. {advice}"
    return Finding(check, not problems, text, **more)
