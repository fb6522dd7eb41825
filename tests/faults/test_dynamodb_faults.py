"""Whatever happens on the way to DynamoDB, an export leaves the same snapshot as a quiet run, and nothing else."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from dynamo_assets.export.hint import expected
from dynamo_assets.sandbox.glue_catalog.hive_types import parse
from tests.faults.catalogue import SCAN_FAULTS, THROTTLING
from tests.faults.corpus import ITEMS
from tests.faults.plans import at_random, in_turn
from tests.faults.trials import Trial
from tests.same_values import assert_same

SCAN = ["dynamodb.Scan"]


def test_what_all_others_are_compared_with_is_what_boto3_reads(trial: Trial) -> None:
    """For else a fault of every run would be none."""
    made, manifest = trial.export(trial.corpus)
    trial.assert_as_quiet(made)
    rows = made.newest().rows
    scanned = boto3.resource("dynamodb").Table(trial.corpus)
    for row in rows:
        key: Any = {"OrderId": row["orderid"], "line": row["line"]}
        item: Any = scanned.get_item(Key=key).get("Item", {})
        assert set(item) <= {column.attribute for column in manifest.columns}
        for column in manifest.columns:
            kind, observed = parse(column.type), expected(column.observed)
            assert_same(row[column.name], item.get(column.attribute), kind, observed, made.request)
    assert len({row["orderid"] for row in rows}) == len(rows) == ITEMS


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
