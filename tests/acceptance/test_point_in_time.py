"""Snapshots of the past, through Dagster, on the sandbox: exact, in any order, each paid for once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dynamo_assets.naming import SLOT_FORMAT, format_snapshot, parse_slot
from tests.acceptance.conftest import Pipeline, failure_of

HOUR = 3600
HOURLY = "0 * * * *"


@dataclass
class History:
    """A table that was written to at full hours of the past, and what it held when."""

    pipeline: Pipeline
    table: str
    move: Callable[[float], datetime]
    hours: int
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    states: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.pipeline.table(self.table).name

    def slot(self, hours_ago: int) -> str:
        return (self.now - timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:00")

    def clock(self, instant: datetime) -> None:
        self.move(instant.timestamp() - time.time())

    def begin(self) -> None:
        """The table, with recovery on, a minute before the oldest slot."""
        self.clock(parse_slot(self.slot(self.hours)) - timedelta(minutes=1))
        self.pipeline.create_table(self.table)
        self.recover(True)

    def recover(self, on: bool) -> None:
        self.pipeline.endpoint.client("dynamodb").update_continuous_backups(
            TableName=self.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on}
        )

    def write(self) -> None:
        """Some writes half an hour before each slot; what is there at the slot is remembered."""
        random.seed(self.table)
        state: dict[str, int] = {}
        client = self.pipeline.endpoint.client("dynamodb")
        for hours_ago in range(self.hours, -1, -1):
            slot = self.slot(hours_ago)
            if hours_ago < self.hours:
                self.clock(parse_slot(slot) - timedelta(minutes=30))
            for _ in range(5):
                key = random.choice("abcdefg")
                if random.random() < 0.3:
                    client.delete_item(TableName=self.table, Key={"id": {"S": key}})
                    state.pop(key, None)
                else:
                    state[key] = random.randrange(1000)
                    self.pipeline.put(self.table, {"id": key, "n": state[key]})
            self.states[slot] = dict(state)
        self.clock(datetime.now(UTC))

    def snapshot(self, slot: str) -> dict[str, int]:
        """What Athena finds in the raw table's partition of a slot."""
        rows = self.pipeline.query(
            f"SELECT id, n FROM \"snapshots_{self.name}\" WHERE snapshot_timestamp = '{slot}:00'"
        )
        found = {str(key): int(n) for key, n in rows}
        assert len(found) == len(rows)
        return found

    def shown(self) -> str:
        ((label,),) = self.pipeline.query(f'SELECT DISTINCT snapshot_timestamp FROM "{self.name}"')
        return str(label)

    def exports(self) -> list[dict[str, Any]]:
        client = self.pipeline.endpoint.client("dynamodb")
        arn = client.describe_table(TableName=self.table)["Table"]["TableArn"]
        summaries = client.list_exports(TableArn=arn)["ExportSummaries"]
        return [client.describe_export(ExportArn=entry["ExportArn"])["ExportDescription"] for entry in summaries]

    def native_files(self) -> list[str]:
        listing = self.pipeline.clients.s3.list_objects_v2(
            Bucket=self.pipeline.settings.storage.bucket, Prefix="_native_exports/"
        )
        return [entry.get("Key", "") for entry in listing.get("Contents", [])]


@pytest.fixture
def make_history(make_pipeline, unique, dynamodb_clock) -> Callable[..., History]:
    def make(hours: int = 3, **entry: Any) -> History:
        table = unique("Shop")
        start = {"partitions": {"start": "2026-01-01"}}
        pipeline = make_pipeline({table: {"engine": "point_in_time", "schedule": HOURLY, **entry}}, **start)
        history = History(pipeline, table, dynamodb_clock, hours)
        history.begin()
        return history

    return make


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


def test_a_slot_that_dynamodb_is_not_ready_for_is_waited_for(make_history) -> None:
    history = make_history()
    history.write()
    slot = history.slot(0)
    # DynamoDB is behind the clock of whoever asks.
    history.clock(parse_slot(slot) - timedelta(seconds=2))
    if datetime.now(UTC) - parse_slot(slot) > timedelta(minutes=14):
        pytest.skip("the current hour began too long ago for DynamoDB not to be ready")
    assert history.pipeline.run(history.table, slot=slot).success


def test_the_label_is_the_slots_instant(make_history) -> None:
    history = make_history()
    history.write()
    slot = history.slot(1)
    assert history.pipeline.run(history.table, slot=slot).success
    (export,) = history.exports()
    assert export["ExportTime"] == parse_slot(slot)
    assert history.pipeline.labels(history.table) == [format_snapshot(parse_slot(slot))]
    assert parse_slot(slot).strftime(SLOT_FORMAT) == slot
