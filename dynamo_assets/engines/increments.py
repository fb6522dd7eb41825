"""Whether a snapshot is made of the one before it and of the changes since, or of a full export; and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from dynamo_assets.errors import ManifestError
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.export.native_export.mergeable import why_not_mergeable
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.naming import format_snapshot, parse_snapshot

MIN_WINDOW = timedelta(minutes=15)
MAX_WINDOW = timedelta(hours=24)
"""What period an incremental export may have (developer guide, "DynamoDB data export to Amazon S3: how it works")."""
MAX_WINDOWS = 7
"""Over a longer gap so much has changed, as a rule, that a full export costs less than the changes."""
ENGINE = "point_in_time"

LastTick = Callable[[datetime], datetime | None]


@dataclass(frozen=True)
class Increment:
    """A snapshot is made of another one and of changes.

    Attributes:
        base: The other one's manifest.
        windows: The periods of the changes, from when and until when, oldest first.
    """

    base: Manifest
    windows: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True)
class Full:
    """A snapshot is made of a full export.

    Attributes:
        reason: Why.
        expected: Whether that is as the settings want it, and not because something stands in the way of changes.
        billed_bytes: What DynamoDB bills for changes that turned out to be of no use.
    """

    reason: str
    expected: bool = False
    billed_bytes: int = 0


@dataclass(frozen=True)
class Chain:
    """What a table's snapshots are made of between full exports.

    Attributes:
        manifests: Where snapshots are found.
        last_full_tick: The last instant, at or before another one, at which a full export is due.
    """

    manifests: ManifestStore
    last_full_tick: LastTick

    def next_link(
        self, request: ExportRequest, instant: datetime, *, reachable: datetime, keys: Mapping[str, str]
    ) -> Increment | Full:
        """How the snapshot of an instant is to be made.

        Args:
            request: What is asked for.
            instant: The snapshot's.
            reachable: From when on point-in-time recovery reaches.
            keys: The table's key attributes and their types now, the partition key first.
        """
        base = base_of(self.manifests, request.name, instant)
        if base is None:
            longest = MAX_WINDOWS * MAX_WINDOW
            return Full(f"there is no snapshot to start from in the {longest.days} days before", expected=True)
        root = str(base.read.get("full", base.snapshot_timestamp))
        due = self.last_full_tick(instant)
        if due is not None and parse_snapshot(root) < due:
            return Full(f"one was due at {format_snapshot(due)}, and the last one is of {root}", expected=True)
        since = parse_snapshot(base.snapshot_timestamp)
        if since < reachable:
            return Full(
                f"point-in-time recovery reaches back to {format_snapshot(reachable)}, and the snapshot to start from "
                f"is of {base.snapshot_timestamp}: recovery was off in between, the table was made anew, or it is long "
                "ago"
            )
        if why := why_not_mergeable(base, request, keys):
            return Full(why)
        return Increment(base, windows(since, instant))


def base_of(manifests: ManifestStore, name: str, instant: datetime) -> Manifest | None:
    """What the snapshot of an instant starts from: the newest of this engine that is old enough.

    One that cannot be read is none.
    """
    begin, end = (format_snapshot(instant - back) for back in (MAX_WINDOWS * MAX_WINDOW, MIN_WINDOW))
    after = format_snapshot(parse_snapshot(begin) - timedelta(seconds=1))
    labels = [label for label in manifests.labels(name, after=after) if label <= end]
    for label in reversed(labels):
        try:
            manifest = manifests.read(name, label)
        except ManifestError:
            continue
        if manifest.engine == ENGINE:
            return manifest
    return None


def windows(since: datetime, until: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """As few windows as a gap needs, about equally long, back to back, bounded by full seconds."""
    seconds = round((until - since).total_seconds())
    count = max(1, math.ceil(seconds / MAX_WINDOW.total_seconds()))
    bounds = [since + timedelta(seconds=seconds * number // count) for number in range(count + 1)]
    return tuple(pairwise(bounds))
