"""What is known of a set, from what is known of its members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.freshness.known import Known
from dynamo_assets.naming import format_snapshot, parse_snapshot
from dynamo_assets.publishing.pins import Pin


def known_of_set(
    members: Sequence[tuple[Table, Known]], before: Known, pin: Pin | None, manifests: ManifestStore
) -> Known:
    """What the views of a set show as one.

    Args:
        members: Its tables, and what is known of their views now.
        before: What was known of the set.
        pin: Its pin.
        manifests: Says which instants all members have.
    """
    tables = {table.table: known for table, known in members}
    shown = [known.published for known in tables.values() if known.published]
    published = min(shown, default=None)
    rows = [known.rows for known in tables.values() if known.rows is not None]
    views = {known.view for known in tables.values()}
    latest = newest_of_all(
        {table.name: known.latest for table, known in members}, published or before.latest, manifests
    )
    rejected = {
        name: known.rejected
        for name, known in tables.items()
        if known.rejected and known.latest == latest and latest and latest > (published or "")
    }
    return Known(
        latest=latest,
        published=published,
        view=next(view for view in ("by_hand", "gone", "ours", "none") if view in views),
        rows=sum(rows) if len(rows) == len(members) else None,
        pin=pin,
        rejected=" ".join(f"{name}: {reasons}" for name, reasons in rejected.items()),
        apart="" if len(set(shown)) <= 1 and len(shown) in {0, len(members)} else _each(tables),
        error=" ".join(f"{name}: {known.error}" for name, known in tables.items() if known.error),
    )


def newest_of_all(latest: Mapping[str, str | None], since: str | None, manifests: ManifestStore) -> str | None:
    """The newest instant of which every member has a complete snapshot.

    Args:
        latest: Each member's newest complete one, by catalog name.
        since: An instant before which nobody needs to look; None where none is known.
        manifests: Says what there is.
    """
    newest = set(latest.values())
    if None in newest or len(newest) == 1:
        return newest.pop() if len(newest) == 1 else None
    after = since and format_snapshot(parse_snapshot(since) - timedelta(seconds=1))
    labels = [set(manifests.labels(name, after=after)) for name in latest]
    return max(set.intersection(*labels), default=None)


def _each(tables: Mapping[str, Known]) -> str:
    return ", ".join(f"{name} shows {known.published or 'nothing of ours'}" for name, known in tables.items())
