"""Engine `auto`, through Dagster: it says what it chose, and no slot of the past is ever filled by a scan."""

from __future__ import annotations

from typing import Any

from tests.acceptance.conftest import failure_of
from tests.acceptance.history import History


def _facts(history: History, result: Any) -> dict[str, Any]:
    [snapshot] = result.asset_materializations_for_node(f"s3__{history.name}_export")
    return {name: entry.value for name, entry in snapshot.metadata.items()}


def test_the_present_is_scanned_and_the_past_exported_where_that_can_be(make_history) -> None:
    history: History = make_history(engine="auto")
    history.write()
    pipeline, table = history.pipeline, history.table

    now = pipeline.run(table)
    assert now.success, failure_of(now)
    facts = _facts(history, now)
    assert facts["engine"] == "in_process"
    assert facts["engine_chosen_because"].startswith("the cheapest that ends in time (1 s, $0.0000). glue: 90 s, ")
    assert (facts["expected_seconds"] < 1, facts["expected_cost_usd"], facts["cost_usd"]) == (True, 0.0, 0.0)
    assert history.exports() == []

    past = history.slot(2)
    result = pipeline.run(table, slot=past)
    assert result.success, failure_of(result)
    facts = _facts(history, result)
    assert (facts["engine"], facts["snapshot_timestamp"]) == ("point_in_time", f"{past}:00")
    assert "the slot is over" in facts["engine_chosen_because"]
    assert history.snapshot(past) == history.states[past]
    assert len(history.exports()) == 1
    assert facts["expected_seconds"] >= 300

    history.recover(False)
    labels = pipeline.labels(table)
    message = failure_of(pipeline.run(table, slot=history.slot(1)))
    assert f"slot {history.slot(1)} is over" in message
    assert "recovery, which could show the past, is off" in message
    assert (pipeline.labels(table), pipeline.glue_runs(), len(history.exports())) == (labels, [], 1)


def test_an_export_that_was_begun_for_a_slot_is_used_whatever_else_would_be_cheaper(make_history) -> None:
    history: History = make_history(engine="point_in_time", point_in_time={"keep_native_export": True})
    history.write()
    assert history.pipeline.run(history.table).success
    labels = history.pipeline.labels(history.table)
    auto = history.pipeline.with_table_settings(history.table, engine="auto")
    result = auto.run(history.table)
    assert result.success, failure_of(result)
    assert "export of this slot has begun" in _facts(history, result)["engine_chosen_because"]
    assert (auto.labels(history.table), len(history.exports())) == (labels, 1)
