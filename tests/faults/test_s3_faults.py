"""Whatever happens on the way to S3, an export leaves the same snapshot as a quiet run, and nothing else."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import S3_READ_FAULTS, S3_WRITE_FAULTS
from tests.faults.plans import at_random, in_turn
from tests.faults.trials import Trial

pytestmark = pytest.mark.usefixtures("no_waiting")

WRITES = ["s3.PutObject", "s3.DeleteObjects"]
READS = ["s3.ListObjectsV2", "s3.GetObject", "s3.HEAD"]


def test_every_write_meets_all_faults_one_after_another_and_leaves_the_same_snapshot(trial: Trial) -> None:
    """Which is more often than boto3 would try: hours of reading must not be lost to a minute of S3's."""
    trial.proxy.behaviour = faults = in_turn(S3_WRITE_FAULTS, WRITES, each=len(S3_WRITE_FAULTS))
    made, _ = trial.export(format="json")
    assert faults.requests >= 6  # claim, three units' files, the snapshot's, manifest, removal
    assert faults.met == dict.fromkeys(S3_WRITE_FAULTS, faults.requests)
    trial.assert_as_quiet(made)


def test_every_read_meets_all_faults_one_after_another_and_leaves_the_same_snapshot(trial: Trial) -> None:
    trial.proxy.behaviour = faults = in_turn(S3_READ_FAULTS, READS, each=len(S3_READ_FAULTS))
    made, _ = trial.export(format="json")
    assert faults.requests >= 8  # lists of manifests and of strays, units' files
    assert set(faults.met) == set(S3_READ_FAULTS)
    assert faults.met.total() > (len(S3_READ_FAULTS) - 1) * faults.requests  # a HEAD has no body to be cut
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
