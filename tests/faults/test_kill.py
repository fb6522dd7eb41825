"""A process killed at any moment leaves no snapshot, or a complete one; and the next run makes a clean one."""

from __future__ import annotations

from collections.abc import Callable
from signal import SIGKILL

import pytest

from tests.faults.moments import Act, Moment, killed_after, killed_before
from tests.faults.proxy import Request
from tests.faults.trials import RunUntil, Trial

Kill = Callable[[str, Callable[[Request], bool], Act], None]


def is_manifest(request: Request) -> bool:
    return request.method == "PUT" and "_manifests/" in request.key


@pytest.fixture
def kill(trial: Trial, run_until: RunUntil) -> Kill:
    """Kills an export at a moment, and looks at what it left and at what comes after it."""

    def check(format: str, wanted: Callable[[Request], bool], act: Act) -> None:
        made = trial.exports(format=format, segments=2)
        moment = Moment(wanted, act)
        code, said = run_until(moment, made)
        killed_at = moment.request
        assert killed_at is not None, said
        try:
            assert code == -SIGKILL
            arrived = [r for r in trial.proxy.requests if is_manifest(r) and (r != killed_at or act is killed_after)]
            assert len(made.labels()) == len(arrived)
            if arrived:
                made.read(made.manifest(), removed=False)
            before = made.labels()
            manifest = trial.next_export(made)
            assert made.labels() == [*before, manifest.snapshot_timestamp]
            assert made.read(manifest).rows == trial.quiet_snapshot(made.request).rows
        except AssertionError as error:
            error.add_note(f"{act.__name__} request {killed_at.number}: {killed_at.operation} {killed_at.key}")
            raise

    return check


@pytest.mark.parametrize("format", ["parquet", "json"])
def test_killed_at_any_request(kill: Kill, steps: Callable[[str], range], format: str) -> None:
    for number in steps(format):
        kill(format, lambda request, number=number: request.number == number, (killed_before, killed_after)[number % 2])


@pytest.mark.parametrize("format", ["parquet", "json"])
@pytest.mark.parametrize("act", [killed_before, killed_after], ids=lambda act: act.__name__)
def test_killed_just_before_and_just_after_the_manifest_is_there(kill: Kill, format: str, act: Act) -> None:
    kill(format, is_manifest, act)
