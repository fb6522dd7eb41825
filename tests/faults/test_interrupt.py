"""Ctrl-C at any moment leaves complete snapshots and nothing else: no claim, no file, no unit's file."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.moments import Act, Moment, interrupted_after, interrupted_before, interrupted_long_before
from tests.faults.proxy import Request
from tests.faults.trials import RunUntil, Trial

Interrupt = Callable[[str, Callable[[Request], bool], Act], bool]


def is_manifest(request: Request) -> bool:
    return request.method == "PUT" and "_manifests/" in request.key


@pytest.fixture
def interrupt(trial: Trial, run_until: RunUntil) -> Interrupt:
    """Interrupts an export at a moment, and looks at what it left; tells whether that is a snapshot."""

    def check(format: str, wanted: Callable[[Request], bool], act: Act) -> bool:
        made = trial.exports(format=format, segments=2)
        moment = Moment(wanted, act)
        code, said = run_until(moment, made)
        at = moment.request
        assert at is not None, said
        try:
            assert code == 130, said
            labels = made.labels()
            made.assert_nothing_but(labels)
            if labels:
                assert made.newest().rows == trial.quiet_snapshot(made.request).rows
            assert ("Interrupted: no snapshot was published" in said) == (not labels), said
            assert (f"Interrupted: Snapshot {labels and labels[0]} was complete" in said) == bool(labels), said
        except AssertionError as error:
            error.add_note(f"{act.__name__} request {at.number}: {at.operation} {at.key}")
            raise
        return bool(labels)

    return check


@pytest.mark.parametrize("format", ["parquet", "json"])
def test_interrupted_at_any_request(interrupt: Interrupt, steps: Callable[[str], range], format: str) -> None:
    for number in steps(format):
        act = (interrupted_before, interrupted_after)[number % 2]
        interrupt(format, lambda request, number=number: request.number == number, act)


@pytest.mark.parametrize("format", ["parquet", "json"])
@pytest.mark.parametrize(
    "act", [interrupted_before, interrupted_after, interrupted_long_before], ids=lambda act: act.__name__
)
def test_interrupted_while_the_manifest_is_on_its_way(interrupt: Interrupt, format: str, act: Act) -> None:
    """It may arrive when its sender has given up: then the files that it names must be there."""
    interrupt(format, is_manifest, act)


def test_interrupted_while_the_label_is_claimed(interrupt: Interrupt) -> None:
    for act in (interrupted_before, interrupted_after):
        assert not interrupt("parquet", lambda request: request.method == "PUT" and "_claims/" in request.key, act)
