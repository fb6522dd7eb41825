"""The sensor tells what each view shows, when it changes or crosses a limit, from the catalog and S3 alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from dynamo_assets.automation.freshness import Known, judge
from dynamo_assets.automation.sensors import look_at_all
from dynamo_assets.definitions import build_definitions
from dynamo_assets.naming import parse_snapshot
from dynamo_assets.settings import Freshness
from tests.acceptance.conftest import Pipeline

LIMITS = {"warn": "2h", "fail": "6h"}


@pytest.fixture
def watched(make_pipeline, unique) -> tuple[Pipeline, str, str]:
    """Two tables, one of them exported once."""
    fresh, never = unique("Fresh"), unique("Never")
    pipeline = make_pipeline({fresh: {"freshness": LIMITS}, never: {}}, defaults={"engine": "in_process"})
    pipeline.create_table(fresh, [{"id": "1"}])
    assert pipeline.run(fresh).success
    return pipeline, fresh, never


def _tick(pipeline: Pipeline, cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    repository = build_definitions(pipeline.settings).get_repository_def()
    context = dg.build_sensor_context(
        instance=pipeline.instance, cursor=cursor, repository_def=repository, resources={"aws": pipeline.clients}
    )
    result = repository.get_sensor_def("snapshot_freshness")(context)
    assert isinstance(result, (dg.SensorResult, dg.SkipReason))
    return result


def test_each_view_is_observed_once_until_something_changes(watched) -> None:
    pipeline, fresh, _ = watched
    first = _tick(pipeline, None)
    assert isinstance(first, dg.SensorResult)
    observed = {
        event.asset_key.path[-1]: event for event in first.asset_events if isinstance(event, dg.AssetObservation)
    }
    label = pipeline.labels(fresh)[0]
    metadata = observed[pipeline.table(fresh).name].metadata
    assert metadata["latest_snapshot_timestamp"].value == parse_snapshot(label).timestamp()
    assert metadata["published_snapshot_timestamp"].value == parse_snapshot(label).timestamp()
    assert metadata["lag_minutes"].value == 0
    [check] = [event for event in first.asset_events if isinstance(event, dg.AssetCheckEvaluation)]
    assert (check.check_name, check.passed) == ("freshness", True)

    assert isinstance(_tick(pipeline, first.cursor), dg.SkipReason)

    assert pipeline.run(fresh).success
    second = _tick(pipeline, first.cursor)
    assert isinstance(second, dg.SensorResult)
    assert {event.asset_key.path[-1] for event in second.asset_events} == {pipeline.table(fresh).name}


def test_a_snapshot_that_is_complete_and_not_published_shows_as_lag(watched) -> None:
    pipeline, fresh, _ = watched
    published = pipeline.labels(fresh)[0]
    assert pipeline.run(fresh, select=f"s3/{pipeline.table(fresh).name}_export").success
    known, errors = look_at_all([pipeline.table(fresh)], {}, pipeline.settings, pipeline.clients, datetime.now(UTC))
    assert not errors
    assert known[pipeline.table(fresh).name].published == published
    assert known[pipeline.table(fresh).name].latest == pipeline.labels(fresh)[1] > published


def test_a_table_that_cannot_be_read_hides_no_other(watched) -> None:
    pipeline, fresh, never = watched
    name = pipeline.table(never).name
    in_the_way = {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {"Columns": []}}
    pipeline.clients.glue.create_table(DatabaseName=pipeline.database, TableInput=in_the_way)  # pyright: ignore[reportArgumentType]

    result = _tick(pipeline, None)

    assert isinstance(result, dg.SensorResult)
    assert {event.asset_key.path[-1] for event in result.asset_events} == {pipeline.table(fresh).name}


def test_the_freshness_check_can_be_run_by_hand(watched) -> None:
    pipeline, fresh, _ = watched
    repository = build_definitions(pipeline.settings).get_repository_def()
    key = dg.AssetCheckKey(dg.AssetKey([pipeline.database, pipeline.table(fresh).name]), "freshness")
    job = dg.define_asset_job("check", selection=dg.AssetSelection.checks(key)).resolve(
        asset_graph=repository.asset_graph
    )
    result = job.execute_in_process(instance=pipeline.instance, resources={"aws": pipeline.clients})
    assert [check.passed for check in result.get_asset_check_evaluations()] == [True]


@pytest.mark.parametrize(
    ("age", "state"),
    [
        (timedelta(0), "fresh"),
        (timedelta(hours=2), "fresh"),
        (timedelta(hours=3), "warn"),
        (timedelta(hours=7), "fail"),
    ],
)
def test_age_is_judged_against_the_limits(age: timedelta, state: str) -> None:
    limits = Freshness(warn=timedelta(hours=2), fail=timedelta(hours=6))
    label = "2026-11-23T10:00:00"
    known = Known(latest=label, published=label)
    assert judge(known, limits, parse_snapshot(label) + age).state == state
    assert judge(known, None, parse_snapshot(label) + age).state == "fresh"
