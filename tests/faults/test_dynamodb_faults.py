"""Whatever happens on the way to DynamoDB, an export leaves the same snapshot as a quiet run, and nothing else."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import SCAN_FAULTS, THROTTLING
from tests.faults.plans import at_random, in_turn
from tests.faults.trials import Trial

SCAN = ["dynamodb.Scan"]


def test_every_fault_is_met_and_leaves_the_same_snapshot(trial: Trial) -> None:
    trial.proxy.behaviour = faults = in_turn(SCAN_FAULTS, SCAN, each=3)
    made, _ = trial.export(trial.corpus)
    assert set(faults.met) == set(SCAN_FAULTS), "the table has too few pages for all faults"
    trial.assert_as_quiet(made)


@pytest.mark.parametrize("seed", range(3))
def test_faults_at_random_leave_the_same_snapshot(trial: Trial, seed: int) -> None:
    trial.proxy.behaviour = faults = at_random(seed, SCAN_FAULTS, SCAN, most=4)
    made, _ = trial.export(trial.corpus)
    assert faults.met.total() > 3
    trial.assert_as_quiet(made)


def test_a_storm_of_throttling_leaves_the_same_snapshot(trial: Trial) -> None:
    trial.proxy.behaviour = storm = in_turn(THROTTLING, SCAN, each=5)
    made, _ = trial.export(trial.corpus)
    assert set(storm.met) == set(THROTTLING)
    assert trial.proxy.operations().count("dynamodb.Scan") == 6 * storm.requests
    trial.assert_as_quiet(made)
