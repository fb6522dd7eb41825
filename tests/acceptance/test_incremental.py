"""Snapshots that are the one before and the changes since, through Dagster, on the sandbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dagster as dg

from dynamo_assets.engines.increments import windows
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.naming import parse_slot
from tests.acceptance.history import History

NEVER = "0 0 29 2 *"
"""No full export is due within these tests: 2028 is the next leap year."""


def take(history: History, hours_ago: int, *, query: bool = True) -> tuple[Manifest, dict[str, Any], list[str]]:
    """A slot's snapshot, what its materialization tells, and what the run warned of."""
    slot = history.slot(hours_ago)
    result = history.pipeline.run(history.table, slot=slot, select=None if query else f"s3/{history.name}_export")
    assert result.success
    assert not query or history.snapshot(slot) == history.states[slot]
    (event,) = [e for e in result.get_asset_materialization_events() if e.asset_key and e.asset_key.path[0] == "s3"]
    facts = {name: value.value for name, value in event.materialization.metadata.items()}
    records = history.pipeline.instance.all_logs(result.run_id)
    warnings = [record.user_message for record in records if record.level == 30]
    return history.pipeline.manifests.read(history.name, f"{slot}:00"), facts, warnings


def kinds(history: History) -> list[str]:
    return [export["ExportType"].removesuffix("_EXPORT") for export in reversed(history.exports())]


def test_between_full_exports_snapshots_are_made_of_changes(make_history) -> None:
    history = make_history(hours=4, point_in_time={"full_every": NEVER})
    history.write()
    first, facts, warnings = take(history, 3)
    assert facts["native_export"] == "full"
    assert facts["full_because"].startswith("there is no snapshot to start from")
    assert not [line for line in warnings if "full export" in line]
    for hours_ago in (2, 0):
        manifest, facts, _ = take(history, hours_ago)
        assert manifest.read["full"] == first.snapshot_timestamp
        assert facts["native_export"] == "incremental"
        assert facts["windows"] == 1
        assert facts["changed_items"] == manifest.read["changed_items"] > 0
        assert facts["billed_bytes"] == 10 * 1024 * 1024, "what DynamoDB bills at least"
        assert facts["base_snapshot"] == manifest.read["base"]
    assert manifest.read["base"] == f"{history.slot(2)}:00"
    assert kinds(history) == ["FULL", "INCREMENTAL", "INCREMENTAL"]
    assert history.native_files() == []
    assert history.shown() == manifest.snapshot_timestamp


def test_a_full_export_is_taken_when_one_is_due(make_history) -> None:
    history = make_history(hours=4, point_in_time={"full_every": "0 * * * *"})
    history.write()
    take(history, 2)
    _, facts, warnings = take(history, 1)
    assert facts["native_export"] == "full"
    assert facts["full_because"].startswith(f"one was due at {history.slot(1)}:00")
    assert not [line for line in warnings if "full export" in line]
    assert kinds(history) == ["FULL", "FULL"]


def test_a_past_slot_starts_from_the_snapshot_before_it_not_from_a_later_one(make_history) -> None:
    history = make_history(hours=4, point_in_time={"full_every": NEVER})
    history.write()
    take(history, 3)
    take(history, 0)
    manifest, _, _ = take(history, 1)
    assert manifest.read["base"] == f"{history.slot(3)}:00"


def test_a_gap_of_more_than_a_day_takes_several_exports_back_to_back(make_history) -> None:
    history = make_history(hours=60, point_in_time={"full_every": NEVER})
    history.write()
    take(history, 55)
    _, facts, _ = take(history, 1)
    assert (facts["native_export"], facts["windows"]) == ("incremental", 3)
    periods = [export.get("IncrementalExportSpecification") for export in reversed(history.exports())][1:]
    expected = windows(parse_slot(history.slot(55)), parse_slot(history.slot(1)))
    found = sorted((period["ExportFromTime"], period["ExportToTime"]) for period in periods)
    assert found == list(expected)
    assert [until - since for since, until in expected] == [timedelta(hours=18)] * 3


def test_recovery_that_was_off_in_between_means_a_full_export_that_says_why(make_history) -> None:
    history = make_history(hours=4, point_in_time={"full_every": NEVER})
    history.write()
    take(history, 2)
    history.clock(parse_slot(history.slot(0)) - timedelta(minutes=20))
    history.recover(False)
    history.recover(True)
    history.clock(history.now)
    _, facts, warnings = take(history, 0)
    assert facts["native_export"] == "full"
    assert "recovery was off in between" in facts["full_because"]
    assert [line for line in warnings if "A full export is taken: point-in-time recovery reaches back to" in line]


def test_a_base_whose_files_are_damaged_means_a_full_export_that_says_why(make_history) -> None:
    history = make_history(hours=4, point_in_time={"full_every": NEVER})
    history.write()
    base, _, _ = take(history, 2)
    # Nobody can query that one any more, so nothing but the snapshot is made of it here.
    bucket = history.pipeline.settings.storage.bucket
    history.pipeline.clients.s3.put_object(Bucket=bucket, Key=base.files[0].key, Body=b"PAR1")
    manifest, facts, warnings = take(history, 1, query=False)
    assert manifest.rows == len(history.states[history.slot(1)])
    assert facts["native_export"] == "full"
    assert f"{base.files[0].key}, a file of the base snapshot, is not what its manifest says" in facts["full_because"]
    assert [line for line in warnings if "is not what its manifest says" in line]
    assert facts["billed_bytes"] > 10 * 1024 * 1024, "the changes are billed, too"
    assert kinds(history) == ["FULL", "INCREMENTAL", "FULL"]
    assert history.native_files() == []


def test_changes_are_merged_on_glue_as_well(make_history) -> None:
    history = make_history(hours=4, point_in_time={"full_every": NEVER, "convert": "glue"})
    history.write()
    take(history, 2)
    manifest, facts, _ = take(history, 1)
    assert (facts["native_export"], facts["converted"], manifest.engine) == ("incremental", "on Glue", "point_in_time")
    assert [run["JobRunState"] for run in history.pipeline.glue_runs()] == ["SUCCEEDED", "SUCCEEDED"]


def test_the_ui_shows_of_which_export_a_snapshot_was_made(make_history) -> None:
    history = make_history(point_in_time={"full_every": NEVER})
    history.write()
    take(history, 1)
    key = dg.AssetKey(["s3", f"{history.name}_export"])
    event = history.pipeline.instance.get_latest_materialization_event(key)
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["native_export"].value == "full"
