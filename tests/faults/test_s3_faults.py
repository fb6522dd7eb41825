"""Whatever happens on the way to S3, an export leaves the same snapshot as a quiet run, and nothing else."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import S3_READ_FAULTS, S3_REFUSALS, S3_WRITE_FAULTS
from tests.faults.plans import at_random, in_turn
from tests.faults.proxy import Behaviour, name_of
from tests.faults.trials import Trial

pytestmark = pytest.mark.usefixtures("no_waiting")

WRITES = ["s3.PutObject", "s3.DeleteObjects"]
READS = ["s3.ListObjectsV2", "s3.GetObject", "s3.HEAD"]


@pytest.mark.parametrize("fault", S3_WRITE_FAULTS, ids=name_of)
def test_every_write_meets_a_fault_and_leaves_the_same_snapshot(trial: Trial, fault: Behaviour) -> None:
    trial.proxy.behaviour = faults = in_turn([fault], WRITES, each=1)
    made, _ = trial.export(format="json")
    assert faults.met[fault] == faults.requests >= 6  # claim, three units' files, the snapshot's, manifest, removal
    trial.assert_as_quiet(made)


@pytest.mark.parametrize("fault", S3_READ_FAULTS, ids=name_of)
def test_every_read_meets_a_fault_and_leaves_the_same_snapshot(trial: Trial, fault: Behaviour) -> None:
    trial.proxy.behaviour = faults = in_turn([fault], READS, each=1)
    made, _ = trial.export(format="json")
    assert faults.met[fault] == faults.requests >= 8  # lists of manifests and of strays, units' files
    trial.assert_as_quiet(made)


@pytest.mark.parametrize("format", ["parquet", "json"])
@pytest.mark.parametrize("seed", range(2))
def test_faults_at_random_leave_the_same_snapshot(trial: Trial, seed: int, format: str) -> None:
    writes, reads = at_random(seed, S3_WRITE_FAULTS, WRITES, most=3), at_random(seed, S3_READ_FAULTS, READS, most=3)
    trial.proxy.behaviour = lambda exchange: (reads if exchange.request.operation in READS else writes)(exchange)
    made, _ = trial.export(format=format)
    assert writes.met.total() > 3
    assert reads.met.total() > 3
    trial.assert_as_quiet(made)


def test_a_storm_that_lasts_longer_than_boto3_tries_leaves_the_same_snapshot(trial: Trial) -> None:
    """Hours of reading must not be lost to half a minute in which S3 says SlowDown."""
    trial.proxy.behaviour = storm = in_turn(S3_REFUSALS, [*WRITES, *READS], each=8)
    made, _ = trial.export()
    assert storm.met.total() == 8 * storm.requests
    trial.assert_as_quiet(made)
