"""Around the manifest: what must be gone before it is written, and what must stay where nobody knows if it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ConnectionClosedError

from dynamo_assets.errors import ExportError
from dynamo_assets.export import InProcess, run_export
from tests.faults.catalogue import refuse_to_delete, reset_before_the_request_arrives
from tests.faults.plans import in_turn
from tests.faults.proxy import Exchange, pass_on
from tests.faults.trials import Trial

pytestmark = pytest.mark.usefixtures("no_waiting")


def test_files_that_s3_would_not_delete_at_once_are_deleted_after_all(trial: Trial) -> None:
    trial.proxy.behaviour = faults = in_turn([refuse_to_delete("InternalError")], ["s3.DeleteObjects"], each=1)
    made, _ = trial.export()
    assert faults.met.total() >= 1
    trial.assert_as_quiet(made)


def test_rows_are_not_doubled_where_s3_lets_nothing_be_deleted(trial: Trial) -> None:
    """The narrow files beside the final ones would be read, too: such a snapshot is not complete."""
    trial.proxy.behaviour = in_turn([refuse_to_delete("AccessDenied")], ["s3.DeleteObjects"], each=100)
    made = trial.exports()
    with pytest.raises(
        ExportError, match=f"table {trial.small_corpus}: .* could not be deleted: AccessDenied"
    ) as raised:
        run_export(made.request, InProcess(2))
    assert made.labels() == []
    assert "could not be removed" in "".join(raised.value.__notes__)


def test_a_snapshot_is_complete_and_no_failure_where_only_its_units_could_not_be_removed(trial: Trial) -> None:
    trial.proxy.behaviour = in_turn([refuse_to_delete("AccessDenied")], ["s3.DeleteObjects"], each=100)
    made, manifest = trial.export(format="json")
    assert made.labels() == [manifest.snapshot_timestamp]
    assert len(made.keys("_units/")) == 3


def test_where_it_is_not_known_whether_the_manifest_was_written_no_file_of_the_snapshot_is_removed(
    trial: Trial,
) -> None:
    """A request that is on its way when its sender gives up can arrive later: then its files must be there."""
    held: list[Exchange] = []

    def behave(exchange: Exchange) -> None:
        if exchange.request.operation == "s3.PutObject" and "_manifests/" in exchange.request.key:
            held.append(replace(exchange))
            reset_before_the_request_arrives(exchange)
        else:
            pass_on(exchange)

    trial.proxy.behaviour = behave
    made = trial.exports()
    with pytest.raises(ConnectionClosedError) as raised:
        run_export(made.request, InProcess(2))
    assert "may yet" in "".join(raised.value.__notes__)
    held[0].forward()
    made.newest()
