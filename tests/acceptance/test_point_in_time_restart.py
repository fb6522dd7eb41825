"""A Dagster process that dies while DynamoDB exports: whoever comes next attaches, and nothing is paid for twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dynamo_assets.aws.waiting import wait_until
from dynamo_assets.sandbox.endpoint import Endpoint
from dynamo_assets.sandbox.native_export.exports import SECONDS_VARIABLE
from dynamo_assets.sandbox.server import spawn
from tests.acceptance.history import History
from tests.faults.commands import Commands


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A sandbox in which exports take a while, as they do on AWS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SECONDS_VARIABLE, "12")
        with spawn(log_path=tmp_path_factory.mktemp("sandbox") / "sandbox.log") as endpoint:
            yield endpoint


def _wait_for_the_export(history: History) -> str:
    def poll() -> str | None:
        return next((e["ExportArn"] for e in history.exports() if e["ExportStatus"] == "IN_PROGRESS"), None)

    return wait_until(poll, what="the export", timeout=timedelta(seconds=60), interval_seconds=0.2)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_ends_while_the_export_is_in_flight_is_attached_to_by_the_next(
    make_history, dagster: Commands, tmp_path: Path, sign: signal.Signals
) -> None:
    history: History = make_history(hours=2)
    history.write()
    slot, home = history.slot(1), tmp_path / "dagster"
    first = history.pipeline.start(dagster, history.table, home, slot=slot)
    arn = _wait_for_the_export(history)

    os.killpg(first.pid, sign)
    first.wait()
    assert history.pipeline.labels(history.table) == []
    second = history.pipeline.start(dagster, history.table, home, slot=slot)

    code, said = second.wait()
    assert code == 0, said[-4000:]
    assert [export["ExportArn"] for export in history.exports()] == [arn]
    assert f"Attaching to DynamoDB's export {arn}" in said
    assert history.snapshot(slot) == history.states[slot]
    assert history.native_files() == []


def test_two_runs_of_one_slot_share_one_export_and_leave_one_snapshot(
    make_history, dagster: Commands, tmp_path: Path
) -> None:
    history: History = make_history(hours=2)
    history.write()
    slot = history.slot(1)
    runs = [history.pipeline.start(dagster, history.table, tmp_path / name, slot=slot) for name in ("one", "two")]
    for run in runs:
        code, said = run.wait()
        assert code == 0, said[-4000:]
    assert len(history.exports()) == 1
    assert history.pipeline.labels(history.table) == [f"{slot}:00"]
    assert history.snapshot(slot) == history.states[slot]
