"""A Dagster process that dies leaves the Glue run going; whoever comes next attaches to it."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from dynamo_assets.aws.glue_jobs import IN_FLIGHT
from dynamo_assets.aws.waiting import wait_until
from tests.acceptance.conftest import Pipeline
from tests.faults.commands import Commands

PAGE = 1024 * 1024


@pytest.fixture
def slow(make_pipeline, unique) -> tuple[Pipeline, str]:
    """A table whose allowed read rate makes its Glue run last some twenty seconds."""
    table = unique("Slow")
    pipeline = make_pipeline({table: {"engine": "glue", "read_percentage": 0.1}})
    pipeline.endpoint.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 120, "WriteCapacityUnits": 1},
    )
    for n in range(9):
        pipeline.put(table, {"id": str(n), "text": "x" * (PAGE // 3)})
    return pipeline, table


def _wait_for_the_glue_run(pipeline: Pipeline) -> str:
    def poll() -> str | None:
        return next((run["Id"] for run in pipeline.glue_runs() if run["JobRunState"] == "RUNNING"), None)

    return wait_until(poll, what="the Glue run", timeout=timedelta(seconds=60), interval_seconds=0.5)


def test_a_retry_after_a_killed_process_attaches_to_the_glue_run_in_flight(
    slow, dagster: Commands, tmp_path: Path
) -> None:
    pipeline, table = slow
    home = tmp_path / "dagster"
    first = pipeline.start(dagster, table, home)
    run_id = _wait_for_the_glue_run(pipeline)

    os.killpg(first.pid, signal.SIGKILL)
    assert first.wait()[0] == -signal.SIGKILL
    assert pipeline.glue_runs()[0]["JobRunState"] in IN_FLIGHT, "nothing was left to attach to"
    second = pipeline.start(dagster, table, home)

    code, said = second.wait()
    assert code == 0, said[-4000:]
    assert [run["Id"] for run in pipeline.glue_runs()] == [run_id]
    assert f"Attaching to Glue run {run_id}" in said
    assert len(pipeline.labels(table)) == 1
    assert pipeline.query(f'SELECT count(*) FROM "{pipeline.table(table).name}"') == [(9,)]


def test_a_terminated_run_stops_its_glue_run(slow, dagster: Commands, tmp_path: Path) -> None:
    pipeline, table = slow
    home = tmp_path / "dagster"
    process = pipeline.start(dagster, table, home)
    run_id = _wait_for_the_glue_run(pipeline)

    os.kill(process.pid, signal.SIGTERM)

    process.wait()

    def stopped() -> bool | None:
        return pipeline.glue_runs()[0]["JobRunState"] == "STOPPED" or None

    wait_until(stopped, what=f"the end of {run_id}", timeout=timedelta(seconds=20), interval_seconds=0.5)
    assert pipeline.labels(table) == []
