"""What Dagster is told of a view: an observation, and the outcome of its freshness check."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from dynamo_assets.configuration.table_settings import FRESHNESS
from dynamo_assets.freshness.known import Known
from dynamo_assets.freshness.text import told
from dynamo_assets.freshness.watched import Watched
from dynamo_assets.naming import parse_snapshot


def events_of(
    watched: Watched, known: Known, before: Known | None, now: datetime
) -> Iterator[dg.AssetObservation | dg.AssetCheckEvaluation]:
    """What is reported of a view of which something has changed."""
    yield observation(watched, known, before, now)
    if watched.limits is not None:
        yield evaluation(watched, known, now)


def observation(watched: Watched, known: Known, before: Known | None, now: datetime) -> dg.AssetObservation:
    """What a view shows, and what there is. Its numbers are what the UI plots."""
    metadata: dict[str, Any] = {
        "latest_snapshot_timestamp": _timestamp(known.latest),
        "published_snapshot_timestamp": _timestamp(known.published),
        "pinned": known.pin is not None,
    }
    if known.published:
        shown = parse_snapshot(known.published)
        metadata["age_minutes"] = _minutes(now - shown)
        if known.latest:
            metadata["lag_minutes"] = max(0.0, _minutes(parse_snapshot(known.latest) - shown))
        # Events come on change only, and just after a publication the age is small: this is how far it had grown.
        reached = before.published if before and before.published else known.published
        metadata["age_reached_minutes"] = _minutes(now - parse_snapshot(reached))
    if known.rows is not None:
        metadata["rows"] = known.rows
    if watched.is_set:
        metadata["one_instant"] = not known.apart
    if known.pin:
        pin = known.pin
        metadata |= {"pinned_since": pin.pinned_at, "pinned_by": pin.by or "unknown", "pinned_because": pin.reason}
    if known.rejected:
        metadata["rejected_because"] = known.rejected
    return dg.AssetObservation(watched.asset, metadata=metadata, description=told(watched, known, now))


def evaluation(watched: Watched, known: Known, now: datetime) -> dg.AssetCheckEvaluation:
    """The freshness check's outcome, as an event."""
    metadata: dict[str, Any] = {
        "published_snapshot_timestamp": known.published or "none",
        "latest_snapshot_timestamp": known.latest or "none",
    }
    if known.published:
        metadata["age_minutes"] = _minutes(now - parse_snapshot(known.published))
    return dg.AssetCheckEvaluation(
        asset_key=watched.asset,
        check_name=FRESHNESS,
        passed=known.state == "fresh",
        severity=dg.AssetCheckSeverity.WARN if known.state == "warn" else dg.AssetCheckSeverity.ERROR,
        description=told(watched, known, now),
        metadata=metadata,
    )


def _timestamp(label: str | None) -> Any:
    return dg.MetadataValue.timestamp(parse_snapshot(label)) if label else "none"


def _minutes(delta: timedelta) -> float:
    return round(delta.total_seconds() / 60, 1)
