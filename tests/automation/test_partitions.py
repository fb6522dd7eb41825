from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dynamo_assets.automation.partitions import last_tick


@pytest.mark.parametrize(
    ("cron", "instant", "expected"),
    [
        ("0 0 * * 0", "2026-11-25T10:00", "2026-11-22T00:00"),
        ("0 0 * * 0", "2026-11-22T00:00", "2026-11-22T00:00"),
        ("0 0 * * 0", "2026-11-21T23:59", "2026-11-15T00:00"),
        ("*/5 * * * *", "2026-11-25T10:03", "2026-11-25T10:00"),
        ("0 0 29 2 *", "2028-02-28T00:00", "2024-02-29T00:00"),
    ],
)
def test_the_last_tick_is_at_or_before_the_instant(cron: str, instant: str, expected: str) -> None:
    assert last_tick(cron, _utc(instant)) == _utc(expected)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
