"""Files so large that they travel in parts meet faults of their own, and are the same for it."""

from __future__ import annotations

import pytest

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.faults.catalogue import (
    S3_REFUSALS,
    a_byte_changed_and_no_checksum,
    answer_lost,
    body_cut_short,
    error_within_a_success,
    reset_within_the_body,
)
from tests.faults.corpus import make_large_table
from tests.faults.plans import in_turn
from tests.faults.proxy import Exchange
from tests.faults.trials import Trial

PLANS = {
    "s3.CreateMultipartUpload": S3_REFUSALS,
    "s3.UploadPart": [*S3_REFUSALS, answer_lost],
    # AWS answers a repeated completion as it did the first; the sandbox does not, so none of its answers are lost here.
    "s3.CompleteMultipartUpload": [*S3_REFUSALS, error_within_a_success],
    "s3.GetObject": [reset_within_the_body, body_cut_short, a_byte_changed_and_no_checksum],
}


@pytest.mark.usefixtures("no_waiting")
def test_every_request_of_a_file_in_parts_meets_faults_and_leaves_the_same_snapshot(
    trial: Trial, sandbox: Endpoint
) -> None:
    table = make_large_table(sandbox, "Large")
    plans = {operation: in_turn(faults, [operation], each=len(faults)) for operation, faults in PLANS.items()}

    def behave(exchange: Exchange) -> None:
        plans.get(exchange.request.operation, in_turn([], [], each=0))(exchange)

    trial.proxy.behaviour = behave
    made, _ = trial.export(table, segments=1, format="json")
    for operation, plan in plans.items():
        assert plan.met.total() == plan.requests * len(PLANS[operation]) > 0, operation
    trial.assert_as_quiet(made)
