"""How long exports are expected to take, against what they must not be longer than."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dynamo_assets.doctor.duration import examine_duration, expected_size
from dynamo_assets.export.table_description import TableDescription
from tests.doctor.cases import settings, table

GB = 1e9
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def _described(size: float, read_units: float = 4000) -> TableDescription:
    return TableDescription({"id": "S"}, round(size / 500), round(size), "PROVISIONED", read_units)


def _found(size: float, interval: timedelta, **entry: Any) -> dict[str, tuple[str, str]]:
    one = table(**entry)
    engine, expected = expected_size(settings(one), one, _described(size), datetime(2026, 11, 1, tzinfo=UTC))
    findings = examine_duration(one, engine, expected, interval)
    return {finding.subject: (finding.level, finding.found) for finding in findings}


def test_an_export_in_time_is_fine() -> None:
    # 1,000 of 4,000 read units a second are 8 MB a second.
    found = _found(8 * GB, DAY, freshness={"warn": "26h", "fail": "30h"})
    assert {subject: level for subject, (level, _) in found.items()} == {
        "duration": "ok",
        "schedule": "ok",
        "freshness": "ok",
    }
    assert found["duration"][1].startswith("glue: about 18 min")


def test_an_export_that_is_stopped_before_its_end_is_a_problem() -> None:
    assert _found(80 * GB, DAY, time_limit="2h")["duration"][0] == "problem"
    assert _found(80 * GB, DAY, time_limit="3h")["duration"][0] == "warning"
    assert _found(80 * GB, DAY, time_limit="5h")["duration"][0] == "ok"


def test_a_schedule_that_overlaps_itself_is_a_problem() -> None:
    level, found = _found(80 * GB, HOUR)["schedule"]
    assert level == "problem"
    assert "2.7 h; '0 10 * * *' ticks every 60 min: it overlaps itself, and both read the table" in found
    chained = _found(2000 * GB, HOUR, engine="point_in_time", point_in_time={"full_every": "0 3 * * *"})
    assert chained["schedule"][0] == "warning", "only full exports take so long"


def test_freshness_counts_the_time_until_the_next_snapshot_is_published() -> None:
    assert _found(8 * GB, DAY, freshness={"warn": "24h", "fail": "30h"})["freshness"][0] == "warning"
    level, found = _found(8 * GB, DAY, freshness={"warn": "20h", "fail": "24h"})["freshness"]
    assert (level, found) == ("problem", "when all goes well its view is up to 24.3 h old, and fails after 24.0 h")


def test_a_table_that_was_not_counted_is_unknown_and_its_freshness_is_not() -> None:
    found = _found(0, DAY, freshness={"warn": "1h", "fail": "2h"})
    assert (found["duration"][0], found["freshness"][0]) == ("unknown", "problem")


def test_auto_is_judged_by_the_engine_that_it_would_choose() -> None:
    one = table(engine="auto")
    recovery = datetime(2026, 11, 1, tzinfo=UTC)
    assert expected_size(settings(one), one, _described(1e6), None)[0] == "in_process"
    assert expected_size(settings(one), one, _described(3000 * GB), None)[0] == "glue"
    assert expected_size(settings(one), one, _described(3000 * GB), recovery)[0] == "point_in_time"
