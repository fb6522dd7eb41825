"""Snapshots of the past, through Dagster, on the sandbox: exact, in any order, each paid for once."""

from __future__ import annotations

import random
from datetime import timedelta

from dynamo_assets.naming import SLOT_FORMAT, format_snapshot, parse_slot
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance import hostile
from tests.acceptance.conftest import failure_of
from tests.acceptance.history import HOURLY
from tests.acceptance.tables import assert_rows, by_athena, fill, snapshot


def test_five_instants_filled_in_any_order_are_the_states_that_were(make_history) -> None:
    history = make_history(hours=5)
    history.write()
    slots = [history.slot(hours_ago) for hours_ago in range(5)]
    random.seed(5)
    filled: list[str] = []
    for slot in random.sample(slots, len(slots)):
        result = history.pipeline.run(history.table, slot=slot)
        assert result.success
        filled.append(slot)
        assert history.shown() == f"{max(filled)}:00", "the view never goes back"
    assert {slot: history.snapshot(slot) for slot in slots} == {slot: history.states[slot] for slot in slots}
    assert len({str(history.states[slot]) for slot in slots}) > 3, "a history that changes nothing proves nothing"
    assert history.native_files() == []


def test_a_complete_snapshot_is_not_exported_again(make_history) -> None:
    history = make_history()
    history.write()
    slot = history.slot(1)
    assert history.pipeline.run(history.table, slot=slot).success
    manifest = history.pipeline.latest(history.table)
    result = history.pipeline.run(history.table, slot=slot)
    assert result.success
    assert history.pipeline.latest(history.table) == manifest
    assert len(history.exports()) == 1


def test_native_files_stay_where_that_is_asked_for(make_history) -> None:
    history = make_history(point_in_time={"keep_native_export": True})
    history.write()
    assert history.pipeline.run(history.table, slot=history.slot(1)).success
    assert any(key.endswith(".json.gz") for key in history.native_files())


def test_a_large_export_is_converted_on_glue(make_history) -> None:
    history = make_history(point_in_time={"convert": "glue"})
    history.write()
    slot = history.slot(2)
    result = history.pipeline.run(history.table, slot=slot)
    assert result.success
    assert history.snapshot(slot) == history.states[slot]
    (run,) = history.pipeline.glue_runs()
    assert run["JobRunState"] == "SUCCEEDED"
    assert history.pipeline.latest(history.table).engine == "point_in_time"


def test_a_hostile_corpus_comes_back_equal(make_pipeline, unique, aws: Endpoint, dynamodb_clock) -> None:
    table = unique("Zoo")
    dynamodb_clock(-2 * 3600)
    items = fill(aws, table, hostile.items())
    aws.client("dynamodb").update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb_clock(0)
    pipeline = make_pipeline({table: {"engine": "point_in_time", "schedule": HOURLY}})
    manifest = snapshot(pipeline, table)
    assert_rows(by_athena(pipeline, manifest), items, manifest)


def test_a_slot_before_the_window_is_refused_with_the_reason_and_nothing_is_started(make_history) -> None:
    history = make_history()
    history.write()
    result = history.pipeline.run(history.table, slot=history.slot(history.hours + 1))
    message = failure_of(result)
    assert f"{history.table}: {history.slot(history.hours + 1)}:00 is before" in message
    assert "Nothing was started" in message
    assert history.exports() == []
    assert history.pipeline.labels(history.table) == []


def test_recovery_that_is_off_is_named_with_the_command_that_turns_it_on(make_history) -> None:
    history = make_history()
    history.recover(False)
    message = failure_of(history.pipeline.run(history.table, slot=history.slot(1)))
    assert "point-in-time recovery is off" in message
    assert f"aws dynamodb update-continuous-backups --table-name '{history.table}'" in message


def test_an_instant_that_dynamodb_is_not_ready_for_is_waited_for(make_history) -> None:
    history = make_history(schedule="* * * * *")
    history.write()
    slot = history.pipeline.slot(history.table)
    # DynamoDB is a little behind the clock of whoever asks.
    history.clock(parse_slot(slot) - timedelta(seconds=2))
    assert history.pipeline.run(history.table, slot=slot).success
    (export,) = history.exports()
    assert export["StartTime"] >= parse_slot(slot)


def test_the_label_is_the_slots_instant(make_history) -> None:
    history = make_history()
    history.write()
    slot = history.slot(1)
    assert history.pipeline.run(history.table, slot=slot).success
    (export,) = history.exports()
    assert export["ExportTime"] == parse_slot(slot)
    assert history.pipeline.labels(history.table) == [format_snapshot(parse_slot(slot))]
    assert parse_slot(slot).strftime(SLOT_FORMAT) == slot
