"""Which snapshots go, and why an old one stays. Nothing is asked of AWS here."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dynamo_assets.configuration.table_settings import Retention
from dynamo_assets.naming import format_snapshot, is_label


@dataclass(frozen=True)
class Protected:
    """Snapshots that stay, whatever the limits say.

    Attributes:
        reasons: By label, why.
        shown: What the view shows. What is newer stays, too: a run may be about to publish it.
    """

    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shown: str | None = None

    def why(self, label: str) -> str | None:
        """Why a snapshot stays; None where it may go."""
        reasons = self.reasons.get(label, ())
        if self.shown and label > self.shown:
            reasons = (*reasons, f"the view shows {self.shown}, and may move to this one yet")
        return "; ".join(reasons) or None


@dataclass(frozen=True)
class Decision:
    """What is to become of a table's snapshots.

    Attributes:
        going: The labels of those that go, oldest first.
        staying: Of those that are beyond the limits and stay all the same, why; by label, oldest first.
        oldest_within: The oldest within the limits, before which nothing else is; None where none is.
    """

    going: tuple[str, ...]
    staying: Mapping[str, str]
    oldest_within: str | None


def decide(labels: Iterable[str], limits: Retention, protected: Protected, now: datetime) -> Decision:
    """Says which snapshots go: those beyond every limit that is given, and never the newest.

    Args:
        labels: Of the complete snapshots, oldest first. Of what is within the limits no more is taken of it than is
            needed to know that, so that of a long listing only the beginning is read.
        limits: The table's.
        protected: What stays whatever the limits say.
        now: The wall clock.
    """
    # Whatever else somebody has put among the manifests is no snapshot, and does not count as one.
    known = filter(is_label, labels)
    if limits.keep_last is None and limits.keep_days is None:
        return Decision((), {}, next(known, None))
    before = format_snapshot(now - timedelta(days=limits.keep_days)) if limits.keep_days else None
    # Promise 5: what nothing newer replaces stays, also where every snapshot is older than `keep_days`.
    keep_last = limits.keep_last or 1
    going: list[str] = []
    staying: dict[str, str] = {}
    newest: deque[str] = deque()
    for label in known:
        newest.append(label)
        if len(newest) <= keep_last:
            continue
        if before and newest[0] >= before:
            break
        beyond = newest.popleft()
        if why := protected.why(beyond):
            staying[beyond] = why
        else:
            going.append(beyond)
    return Decision(tuple(going), staying, newest[0] if newest else None)
