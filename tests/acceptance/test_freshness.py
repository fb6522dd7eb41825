"""The sensor tells what each view shows, when it changes or crosses a limit, from the catalog and S3 alone.

What it says of every other state of views and snapshots: `tests/freshness`.
"""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from dynamo_assets.definitions import build_definitions
from dynamo_assets.naming import parse_snapshot
from tests.acceptance.conftest import Pipeline
from tests.alerts.topics import Topic

LIMITS = {"warn": "2h", "fail": "6h"}


@pytest.fixture
def watched(make_pipeline, unique) -> tuple[Pipeline, str, str]:
    """Two tables, one of them exported once, the other not even there, and a topic that is told."""
    fresh, never = unique("Fresh"), unique("Never")
    topic = Topic.of(unique("told"))
    topic.create()
    pipeline = make_pipeline(
        {fresh: {"freshness": LIMITS}, never: {}}, defaults={"engine": "in_process"}, alerts={"sns_topic": topic.arn}
    )
    pipeline.create_table(fresh, [{"id": "1"}])
    assert pipeline.run(fresh).success
    return pipeline, fresh, never


def _tick(pipeline: Pipeline, cursor: str | None, name: str = "snapshot_freshness") -> tuple[list[Any], str | None]:
    """What a sensor says, and its cursor after that."""
    repository = build_definitions(pipeline.settings).get_repository_def()
    context = dg.build_sensor_context(
        instance=pipeline.instance, cursor=cursor, repository_def=repository, resources={"aws": pipeline.clients}
    )
    result = repository.get_sensor_def(name)(context)
    if isinstance(result, dg.SensorResult):
        return [*result.asset_events], result.cursor
    assert isinstance(result, dg.SkipReason)
    return [], context.cursor


def _metadata(events: list[Any], name: str) -> dict[str, Any]:
    [found] = [event for event in events if isinstance(event, dg.AssetObservation) and event.asset_key.path[-1] == name]
    return {key: value.value for key, value in found.metadata.items()}


def test_each_view_is_observed_once_until_something_changes(watched) -> None:
    pipeline, fresh, never = watched
    name = pipeline.table(fresh).name
    events, cursor = _tick(pipeline, None)
    label = parse_snapshot(pipeline.labels(fresh)[0]).timestamp()
    told = _metadata(events, name)
    assert (told["latest_snapshot_timestamp"], told["published_snapshot_timestamp"]) == (label, label)
    assert (told["lag_minutes"], told["rows"], told["pinned"]) == (0, 1, False)
    [check] = [event for event in events if isinstance(event, dg.AssetCheckEvaluation)]
    assert (check.check_name, check.passed) == ("freshness", True)
    assert _metadata(events, pipeline.table(never).name)["published_snapshot_timestamp"] == "none"
    assert _tick(pipeline, cursor)[0] == []

    assert pipeline.run(fresh, select=f"s3/{name}_export").success
    events, cursor = _tick(pipeline, cursor)
    told = _metadata(events, name)
    newer = parse_snapshot(pipeline.labels(fresh)[1]).timestamp()
    assert (told["latest_snapshot_timestamp"], told["published_snapshot_timestamp"]) == (newer, label)

    assert pipeline.run(fresh).success
    events, _ = _tick(pipeline, cursor)
    assert {event.asset_key.path[-1] for event in events} == {name}
    told = _metadata(events, name)
    assert told["latest_snapshot_timestamp"] == told["published_snapshot_timestamp"] > newer


def test_a_failed_run_is_told_of_with_its_reason_and_the_check_can_be_run_by_hand(watched) -> None:
    pipeline, fresh, never = watched
    _, cursor = _tick(pipeline, None, "run_failure_alerts")
    failed = pipeline.run(never)
    assert not failed.success
    _tick(pipeline, cursor, "run_failure_alerts")
    [message] = Topic.of(pipeline.settings.alerts.sns_topic.rpartition(":")[2]).heard()
    assert message["Subject"] == f"Failed: export_daily_at_1000 at slot {pipeline.slot(never)}: {never}"
    assert f"- {never}: " in message["Message"]
    assert "not exist" in message["Message"]
    assert "Traceback" not in message["Message"]

    repository = build_definitions(pipeline.settings).get_repository_def()
    key = dg.AssetCheckKey(dg.AssetKey([pipeline.database, pipeline.table(fresh).name]), "freshness")
    job = dg.define_asset_job("check", selection=dg.AssetSelection.checks(key)).resolve(
        asset_graph=repository.asset_graph
    )
    result = job.execute_in_process(instance=pipeline.instance, resources={"aws": pipeline.clients})
    assert [check.passed for check in result.get_asset_check_evaluations()] == [True]
