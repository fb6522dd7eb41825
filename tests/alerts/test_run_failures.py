"""The topic is told of runs that failed: once, all in one message, with the failures' own words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from botocore.exceptions import ClientError

from dynamo_assets.alerts.run_failures import is_ours, run_failure_sensor
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.alerts.topics import Topic

GLUE = "https://us-east-1.console.aws.amazon.com/gluestudio/home?region=us-east-1#/job/export/run/jr_1"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def topic(aws: Endpoint, unique: Callable[[str], str]) -> Topic:
    return Topic.of(unique("told"))


def _settings(topic: str | None) -> Settings:
    return Settings.model_validate(
        {
            "storage": {"bucket": "exports"},
            "tables": [],
            "alerts": {"sns_topic": topic, "dagster_url": "https://dagster.example.com"},
        }
    )


def _fail(instance: dg.DagsterInstance, name: str, error: Exception | None) -> str:
    """A run of a job whose one step raises an error; its id."""

    @dg.op(name=f"{name}_step", out=dg.Out(dg.Nothing))
    def _step() -> None:
        if error:
            raise error

    @dg.job(name=name, tags={"dagster/partition": "2026-11-23T10:00"})
    def _job() -> None:
        _step()

    return _job.execute_in_process(instance=instance, raise_on_error=False).run_id


def _tick(instance: dg.DagsterInstance, topic: Topic, cursor: str | None) -> str | None:
    sensor = run_failure_sensor(_settings(topic.arn))
    assert sensor is not None
    context = dg.build_sensor_context(instance=instance, cursor=cursor, resources={"aws": AwsClients()})
    assert isinstance(sensor(context), dg.SkipReason)
    return context.cursor


def test_without_a_topic_there_is_no_sensor() -> None:
    assert run_failure_sensor(_settings(None)) is None


def test_runs_that_failed_are_told_of_once_and_in_one_message(instance: dg.DagsterInstance, topic: Topic) -> None:
    topic.create()
    _fail(instance, "before_it_was_on", ValueError("long ago"))
    cursor = _tick(instance, topic, None)
    assert topic.heard() == [], "what failed before the sensor was on is not news"

    failure = dg.Failure(
        "Orders: the Glue run FAILED: out of memory\nRaise `workers`",
        metadata={"table": "Orders", "glue_run": dg.MetadataValue.url(GLUE), "glue_state": "FAILED"},
        allow_retries=False,
    )
    run_id = _fail(instance, "export_hourly", failure)
    _fail(instance, "export_daily", None)
    cursor = _tick(instance, topic, cursor)
    [message] = topic.heard()
    assert message["Subject"] == "Failed: export_hourly at slot 2026-11-23T10:00: Orders"
    assert message["Message"].splitlines() == [
        f"Run {run_id} of export_hourly at slot 2026-11-23T10:00 failed.",
        "- Orders: the Glue run FAILED: out of memory Raise `workers`",
        f"  glue_run: {GLUE}",
        f"https://dagster.example.com/runs/{run_id}",
    ]
    assert message["MessageAttributes"]["event"]["Value"] == "run_failure"

    for number in range(4):
        _fail(instance, f"backfill_{number}", KeyError("no such thing"))
    cursor = _tick(instance, topic, cursor)
    [message] = topic.heard()
    assert message["Subject"].startswith("4 runs failed: backfill_0 at slot 2026-11-23T10:00, ")
    assert message["Message"].count("- backfill_0_step: KeyError: 'no such thing'") == 1
    assert "Traceback" not in message["Message"]
    _tick(instance, topic, cursor)
    assert topic.heard() == []


def test_what_sns_does_not_take_is_said_again_at_the_next_tick(instance: dg.DagsterInstance, topic: Topic) -> None:
    cursor = _tick(instance, topic, None)
    _fail(instance, "export_hourly", ValueError("no reason of ours"))
    with pytest.raises(ClientError, match="NotFound"):
        _tick(instance, topic, cursor)
    topic.create()
    _tick(instance, topic, cursor)
    [message] = topic.heard()
    assert "export_hourly_step: ValueError: no reason of ours" in message["Message"]


def test_runs_of_other_code_locations_are_not_ours() -> None:
    def location(name: str) -> Any:
        return SimpleNamespace(location_name=name)

    def run(name: str, repository: str) -> Any:
        origin = SimpleNamespace(code_location_origin=location(name), repository_name=repository)
        return SimpleNamespace(remote_job_origin=SimpleNamespace(repository_origin=origin))

    context: Any = SimpleNamespace(code_location_origin=location("dynamo_assets"), repository_name="__repository__")
    assert is_ours(run("dynamo_assets", "__repository__"), context)
    assert not is_ours(run("theirs", "__repository__"), context)
    assert not is_ours(run("dynamo_assets", "theirs"), context)
    by_hand: Any = SimpleNamespace(remote_job_origin=None)
    assert not is_ours(by_hand, context)
