"""Which snapshots go: a property of labels, limits, what is protected, and the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.configuration.table_settings import Retention
from dynamo_assets.naming import format_snapshot
from dynamo_assets.retention.decision import Decision, Protected, decide

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)


def label(days_ago: float) -> str:
    return format_snapshot(NOW - timedelta(days=days_ago))


def decision(days_ago: Sequence[float], protected: Protected | None = None, **limits: int) -> Decision:
    return decide([label(days) for days in days_ago], Retention(**limits), protected or Protected(), NOW)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[str], Retention, Protected]:
    hours = draw(st.lists(st.integers(0, 24 * 12), unique=True, max_size=30))
    labels = sorted(format_snapshot(NOW - timedelta(hours=each)) for each in hours)
    some = st.lists(st.sampled_from(labels), max_size=4) if labels else st.just([])
    protected = Protected(dict.fromkeys(draw(some), ("pinned",)), next(iter(draw(some)), None))
    limit = st.none() | st.integers(1, 15)
    return labels, Retention(keep_last=draw(limit), keep_days=draw(limit)), protected


@given(cases())
def test_exactly_those_go_that_are_beyond_every_limit_and_that_nothing_protects(
    case: tuple[list[str], Retention, Protected],
) -> None:
    labels, limits, protected = case
    found = decide(labels, limits, protected, NOW)

    def is_beyond(position: int) -> bool:
        if limits.keep_last is None and limits.keep_days is None:
            return False
        newer = len(labels) - position - 1
        by_number = newer >= (limits.keep_last or 1)
        by_age = limits.keep_days is None or labels[position] < label(limits.keep_days)
        return by_number and by_age

    beyond = [each for position, each in enumerate(labels) if is_beyond(position)]
    assert list(found.going) == [each for each in beyond if protected.why(each) is None]
    assert found.staying == {each: why for each in beyond if (why := protected.why(each))}
    assert found.oldest_within == (labels[len(beyond)] if labels else None)
    assert not labels or labels[-1] not in found.going, "what nothing newer replaces stays"


def test_a_snapshot_goes_only_beyond_both_limits() -> None:
    days = [9, 8, 7, 2, 1]
    assert decision(days, keep_last=2).going == (label(9), label(8), label(7))
    assert decision(days, keep_days=7).going == (label(9), label(8))
    assert decision(days, keep_last=2, keep_days=7).going == (label(9), label(8))
    assert decision(days, keep_last=4, keep_days=7).going == (label(9),)
    assert decision(days).going == ()


def test_the_newest_stays_however_old_it_is() -> None:
    assert decision([500, 400], keep_days=1) == Decision((label(500),), {}, label(400))


def test_what_is_newer_than_the_view_shows_stays_and_says_so() -> None:
    shown = label(8)
    found = decision([9, 8, 7, 6, 5], Protected({shown: ("the view shows it",)}, shown), keep_last=1)
    assert found.going == (label(9),)
    assert found.staying == {
        shown: "the view shows it",
        label(7): f"the view shows {shown}, and may move to this one yet",
        label(6): f"the view shows {shown}, and may move to this one yet",
    }


def test_of_a_long_listing_no_more_is_read_than_is_needed() -> None:
    read = []

    def listing() -> Iterator[str]:
        for days in range(2000, 0, -1):
            read.append(days)
            yield label(days)

    found = decide(listing(), Retention(keep_last=30, keep_days=1990), Protected(), NOW)
    assert len(found.going) == 10
    assert found.oldest_within == label(1990)
    assert len(read) == 10 + 30 + 1


def test_what_is_no_label_is_no_snapshot() -> None:
    labels = ["2026", label(3), "2026-11-25", "readme"]
    assert decide(labels, Retention(keep_last=1), Protected(), NOW) == Decision((), {}, label(3))
