"""Age against limits, and how a person is told of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dynamo_assets.configuration.table_settings import Freshness
from dynamo_assets.freshness.known import Known, judge
from dynamo_assets.freshness.text import spoken
from dynamo_assets.naming import parse_snapshot

LABEL = "2026-11-23T10:00:00"


@pytest.mark.parametrize(
    ("age", "state"),
    [
        (timedelta(0), "fresh"),
        (timedelta(hours=2), "fresh"),
        (timedelta(hours=3), "warn"),
        (timedelta(hours=6), "warn"),
        (timedelta(hours=7), "fail"),
    ],
)
def test_age_is_judged_against_the_limits(age: timedelta, state: str) -> None:
    limits = Freshness(warn=timedelta(hours=2), fail=timedelta(hours=6))
    known = Known(latest=LABEL, published=LABEL, view="ours")
    assert judge(known, limits, parse_snapshot(LABEL) + age).state == state
    assert judge(known, None, parse_snapshot(LABEL) + age).state == "fresh"


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "0 min"), (-5, "0 min"), (40, "40 min"), (125, "2 h 5 min"), (1440, "1 day"), (3 * 1440 + 125, "3 days 2 h")],
)
def test_ages_are_told_in_a_persons_units(minutes: int, text: str) -> None:
    assert spoken(timedelta(minutes=minutes)) == text
