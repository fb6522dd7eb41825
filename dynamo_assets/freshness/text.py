"""What a person is told of a view: what it shows, why nothing newer, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dynamo_assets.freshness.known import Known
from dynamo_assets.freshness.watched import Watched
from dynamo_assets.naming import parse_snapshot
from dynamo_assets.publishing.pins import Pin


def told(watched: Watched, known: Known, now: datetime) -> str:
    """All there is to say, in one paragraph."""
    return " ".join(_sentences(watched, known, now))


def _sentences(watched: Watched, known: Known, now: datetime) -> Iterator[str]:
    yield _shows(watched, known, now)
    if known.apart:
        yield f"Its views do not show one instant: {known.apart}."
    if known.published and known.rows is None and not watched.is_set:
        yield f"The manifest of {known.published} cannot be read, so nobody can tell whether it is complete."
    if known.pin:
        yield pinned(watched, known.pin)
    if known.state not in {"by_hand", "unreadable"}:
        yield from _newer(watched, known)
    if known.state in {"warn", "fail"} and not known.waits:
        yield (
            f"No newer snapshot is complete: look whether the schedule {watched.job}_schedule is on, and at the newest "
            f"runs of {watched.job}."
        )


def _shows(watched: Watched, known: Known, now: datetime) -> str:
    where = ".".join(watched.asset.path)
    match known.state:
        case "unreadable":
            return f"What is shown cannot be told: {known.error.rstrip('.')}."
        case "gone":
            return f"The view {where} is gone: materialize {watched.materializes} to have it again."
        case "by_hand":
            return (
                f"The view {where} was made by hand, so which snapshot it shows, and how old that is, cannot be told. "
                f"Materialize {watched.materializes}, which replaces it; for a query of your own make a view of "
                "another name."
            )
        case "none":
            return (
                f"Nothing is published yet: turn the schedule {watched.job}_schedule on, or launch the job "
                f"{watched.job} for the current slot."
            )
    if known.published is None:
        return "Nothing is shown."
    age = f"The published snapshot {known.published} is {spoken(now - parse_snapshot(known.published))} old"
    limits = watched.limits
    return f"{age} (warn after {spoken(limits.warn)}, fail after {spoken(limits.fail)})." if limits else f"{age}."


def _newer(watched: Watched, known: Known) -> Iterator[str]:
    """The newest complete snapshot, where it is not the one that is shown, and why it is not."""
    if not known.waits:
        return
    if known.rejected:
        yield f"Snapshot {known.latest} is complete and was rejected by its checks: {known.rejected.rstrip('.')}."
        command = f"`dynamo-assets publish {watched.moves} --snapshot {known.latest} --accept`"
        if command not in known.rejected:  # some checks give that advice themselves
            yield f"Mend that and take another, or {command}."
    elif known.pin:
        yield f"The newest complete one is {known.latest}."
    else:
        yield (
            f"Snapshot {known.latest} is complete and not published: look at the newest runs of {watched.job}, or "
            f"materialize {watched.materializes}."
        )


def pinned(watched: Watched, pin: Pin) -> str:
    """That a view is held, by whom, why, and how to let it go."""
    by = f" by {pin.by}" if pin.by else ""
    why = f" ({pin.reason})" if pin.reason else ""
    return (
        f"It is pinned at {pin.snapshot_timestamp} since {pin.pinned_at}{by}{why}: nothing newer is published until "
        f"`dynamo-assets publish {watched.moves} --unpin`."
    )


def spoken(age: timedelta) -> str:
    """A duration in a person's units: `3 days 2 h`, `2 h 5 min`, `40 min`."""
    minutes = max(0, round(age.total_seconds() / 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{days} days" if days > 1 else f"{days} day" if days else ""]
    parts += [f"{hours} h" if hours else "", f"{minutes} min" if minutes and not days else ""]
    return " ".join(part for part in parts if part) or "0 min"
