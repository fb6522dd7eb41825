"""What AWS refuses for good is one sentence with the reason, and leaves nothing."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import dynamodb_error, s3_error
from tests.faults.proxy import Exchange, pass_on
from tests.faults.trials import RunCommand, Trial

REFUSED = {
    "the scan": ("dynamodb.Scan", "", "ReadError: table SmallCorpus could not be read: "),
    "the claim": ("s3.PutObject", "_claims/", "AccessDenied: "),
    "a data file": ("s3.PutObject", "smallcorpus/snapshot", "ExportError: table SmallCorpus: Failed to upload "),
    "a unit's file": ("s3.PutObject", "_units/", "ExportError: table SmallCorpus: Failed to upload "),
    "the manifest": ("s3.PutObject", "_manifests/", "AccessDenied: "),
    "a unit's file again": ("s3.GetObject", "_units/", "AccessDenied: "),
    "the list of manifests": ("s3.ListObjectsV2", "", "AccessDenied: "),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_is_one_sentence_and_leaves_nothing(trial: Trial, run_command: RunCommand, what: str) -> None:
    operation, part, message = REFUSED[what]

    def behave(exchange: Exchange) -> None:
        request = exchange.request
        if request.operation != operation or part not in request.key:
            pass_on(exchange)
        elif operation.startswith("s3."):
            s3_error(403, "AccessDenied")(exchange)
        else:
            dynamodb_error(400, "AccessDeniedException")(exchange)

    made = trial.exports(format="json" if what != "a data file" else "parquet")
    code, said = run_command(behave, made)
    assert (code, "Traceback" in said) == (1, False), said
    assert said.splitlines()[-1].startswith(message), said
    assert "AccessDenied" in said.splitlines()[-1]
    assert made.keys() == []
