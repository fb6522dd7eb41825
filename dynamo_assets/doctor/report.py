"""All findings, as a table for a person and as a document for a machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dynamo_assets.doctor.finding import LEVELS, Finding

VERSION = 1
"""Of the document. Keys may be added to it; none is renamed or taken out without another version."""


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        account: Where; empty where nobody knows.
        region: Where; empty where nobody knows.
        caller: Whose credentials asked; empty where nobody knows.
        findings: In the order in which things were examined.
    """

    account: str
    region: str
    caller: str
    findings: tuple[Finding, ...]

    def exit_code(self, *, strict: bool = False) -> int:
        """1 where there is a problem; with `strict` also where there is a warning, or something is unknown."""
        levels = {finding.level for finding in self.findings}
        return int(bool(levels & ({"problem", "warning", "unknown"} if strict else {"problem"})))

    def lines(self, levels: Collection[str] = LEVELS) -> Iterator[str]:
        """The worst first, and within a level in the order of examination; what to do is below each.

        Args:
            levels: Of these findings; the summary is of all.
        """
        shown = [finding for finding in self.findings if finding.level in levels]
        ordered = sorted(shown, key=lambda finding: LEVELS.index(finding.level))
        rows = [(finding.level.upper(), finding.table or "-", finding.subject) for finding in ordered]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
        indent = " " * (sum(widths) + 6)
        for row, finding in zip(rows, ordered, strict=True):
            yield "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=True)), finding.found])
            if finding.advice:
                yield f"{indent}-> {finding.advice}"
        yield ""
        yield self.summary()

    def summary(self) -> str:
        """One line."""
        counts = Counter(finding.level for finding in self.findings)
        named = {"problem": "problem(s)", "warning": "warning(s)", "unknown": "unknown", "ok": "ok"}
        return ", ".join(f"{counts[level]} {named[level]}" for level in LEVELS)

    def document(self) -> dict[str, Any]:
        """For JSON."""
        counts = Counter(finding.level for finding in self.findings)
        return {
            "version": VERSION,
            "account": self.account,
            "region": self.region,
            "caller": self.caller,
            "counts": {level: counts[level] for level in LEVELS},
            "findings": _listed(self.findings),
        }


def _listed(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "table": finding.table,
            "subject": finding.subject,
            "level": finding.level,
            "found": finding.found,
            "advice": finding.advice,
        }
        for finding in findings
    ]
