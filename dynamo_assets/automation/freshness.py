"""How fresh a table's view is: told from the catalog and the manifests, not from Dagster's memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import dagster as dg

from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.views import published_snapshot
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.naming import parse_snapshot
from dynamo_assets.settings import Freshness

FRESHNESS = "freshness"
State = Literal["fresh", "warn", "fail", "none"]


@dataclass(frozen=True)
class Known:
    """What is known of one table; kept in the sensor's cursor.

    Attributes:
        latest: The newest complete snapshot's label.
        published: The label of the one the view shows.
        state: Whether the published one is within the table's limits; `none` where nothing is published.
    """

    latest: str | None = None
    published: str | None = None
    state: State = "none"

    def to_json(self) -> dict[str, Any]:
        """Its form in the cursor."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Known:
        """From its form in the cursor."""
        return cls(**document)


def look(name: str, before: Known, catalog: Catalog, manifests: ManifestStore) -> Known:
    """Reads what a table's view shows and which complete snapshot is newest.

    The listing starts after the newest one known before, so it costs one call however long the history is.

    Raises:
        CatalogError: Something else than a view has the view's name.
    """
    return Known(
        latest=manifests.latest(name, after=before.latest) or before.latest,
        published=published_snapshot(catalog, name),
    )


def judge(known: Known, limits: Freshness | None, now: datetime) -> Known:
    """The same with its state: the published snapshot's age against the limits."""
    if known.published is None:
        return Known(known.latest, None, "none")
    age = now - parse_snapshot(known.published)
    state: State = "fresh"
    if limits is not None and age > limits.warn:
        state = "fail" if age > limits.fail else "warn"
    return Known(known.latest, known.published, state)


def observation(asset: dg.AssetKey, known: Known, now: datetime) -> dg.AssetObservation:
    """What the sensor reports of a view."""
    metadata: dict[str, Any] = {
        "latest_snapshot_timestamp": _timestamp(known.latest),
        "published_snapshot_timestamp": _timestamp(known.published),
    }
    if known.published:
        metadata["age_minutes"] = _minutes(now - parse_snapshot(known.published))
    if known.published and known.latest:
        metadata["lag_minutes"] = _minutes(parse_snapshot(known.latest) - parse_snapshot(known.published))
    return dg.AssetObservation(asset, metadata=metadata, description=f"The view shows {known.published or 'nothing'}")


def evaluation(asset: dg.AssetKey, known: Known, limits: Freshness, now: datetime) -> dg.AssetCheckEvaluation:
    """The freshness check's outcome, as an event."""
    if known.published is None:
        text = "Nothing is published yet: materialize the table's assets"
    else:
        age = now - parse_snapshot(known.published)
        text = f"The published snapshot is {_spoken(age)} old (warn after {limits.warn}, fail after {limits.fail})"
        if known.state in {"warn", "fail"}:
            text += ". Look at the newest runs of this table's job, and whether its schedule is on"
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=FRESHNESS,
        passed=known.state == "fresh",
        severity=dg.AssetCheckSeverity.WARN if known.state == "warn" else dg.AssetCheckSeverity.ERROR,
        description=text,
        metadata={
            "published_snapshot_timestamp": known.published or "none",
            "latest_snapshot_timestamp": known.latest or "none",
        },
    )


def _timestamp(label: str | None) -> Any:
    return dg.MetadataValue.timestamp(parse_snapshot(label)) if label else "none"


def _minutes(delta: timedelta) -> float:
    return round(delta.total_seconds() / 60, 1)


def _spoken(age: timedelta) -> str:
    return str(timedelta(seconds=round(age.total_seconds())))
