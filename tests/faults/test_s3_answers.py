"""Answers of S3 after which boto3 by itself does not ask again, or does not notice that something is wrong."""

from __future__ import annotations

import pytest

from dynamo_assets.export import InProcess, run_export
from tests.faults.catalogue import (
    a_byte_changed,
    a_byte_changed_and_no_checksum,
    answer_lost,
    body_cut_short,
    reset_within_the_body,
    s3_error,
)
from tests.faults.plans import in_turn
from tests.faults.proxy import Exchange, pass_on
from tests.faults.trials import Trial

pytestmark = pytest.mark.usefixtures("no_waiting")

TORN = [reset_within_the_body, body_cut_short]


def test_the_last_manifest_is_read_again_where_its_body_ends_early(trial: Trial) -> None:
    made, first = trial.export()
    trial.proxy.behaviour = faults = in_turn(TORN, ["s3.GetObject"], each=2)
    second = run_export(made.request, InProcess(1))
    assert faults.met[reset_within_the_body] == faults.met[body_cut_short] >= 1
    assert second.schema_changes.since == first.snapshot_timestamp
    assert made.read(second).rows == made.read(first).rows


@pytest.mark.parametrize("kind", ["_claims/", "_manifests/"])
def test_a_conditional_write_whose_answer_is_lost_is_known_for_its_own(trial: Trial, kind: str) -> None:
    """S3 then says that the object exists; whose it is can only be read."""
    lost, torn = in_turn([answer_lost], ["s3.PutObject"], each=1), in_turn(TORN, ["s3.GetObject"], each=2)

    def behave(exchange: Exchange) -> None:
        plan = torn if exchange.request.operation == "s3.GetObject" else lost
        (plan if kind in exchange.request.key else pass_on)(exchange)

    trial.proxy.behaviour = behave
    made, _ = trial.export()
    assert (lost.met.total(), torn.met.total()) == (1, 2)
    trial.assert_as_quiet(made)


def test_a_write_that_s3_asks_to_be_repeated_is_repeated(trial: Trial) -> None:
    """409 where two writes met; 400 where the body was damaged on the way, or credentials were renewed meanwhile."""
    codes = ["BadDigest", "XAmzContentSHA256Mismatch", "ExpiredToken"]
    refusals = [s3_error(409, "ConditionalRequestConflict"), *(s3_error(400, code) for code in codes)]
    trial.proxy.behaviour = faults = in_turn(refusals, ["s3.PutObject"], each=len(refusals))
    made, _ = trial.export()
    assert faults.met.total() == len(refusals) * faults.requests
    assert faults.requests >= 5
    trial.assert_as_quiet(made)


def test_a_unit_s_file_that_was_damaged_on_the_way_is_not_made_into_another(trial: Trial) -> None:
    damages = [a_byte_changed, a_byte_changed_and_no_checksum]
    trial.proxy.behaviour = faults = in_turn(damages, ["s3.GetObject"], each=2)
    made, _ = trial.export(format="json")
    assert faults.met == dict.fromkeys(damages, 3)
    trial.assert_as_quiet(made)
