"""S3 that takes no writes, and a table that somebody deletes."""

from __future__ import annotations

import pytest

from tests.acceptance.faults.answers import When, before
from tests.acceptance.faults.watched import Watched
from tests.faults.catalogue import s3_error
from tests.faults.proxy import Request


@pytest.fixture
def watched(watch) -> Watched:
    return watch()


def _writes(part: str):
    def wanted(request: Request) -> bool:
        return request.method in {"PUT", "POST"} and request.operation.startswith("s3.") and part in request.key

    return wanted


@pytest.mark.usefixtures("no_waiting")
def test_where_s3_takes_no_writes_nothing_is_published_and_the_next_run_is_as_any_other(watched: Watched) -> None:
    denied = s3_error(403, "AccessDenied")
    for part in ("_claims/", "/snapshot_timestamp=", "_manifests/"):
        refusing = When(_writes(part), denied)
        watched.meets(refusing, ["AccessDenied"])
        assert refusing.met
    # Whether a manifest that S3 keeps failing to answer is there, nobody knows: its files stay, and are not shown.
    failing = When(_writes("/snapshot_timestamp="), s3_error(503, "SlowDown"))
    watched.meets(failing, ["SlowDown"])


def test_a_table_that_is_deleted_keeps_its_view_and_is_exported_again_when_it_is_back(watched: Watched) -> None:
    dynamodb = watched.aws("dynamodb")

    def delete() -> None:
        dynamodb.delete_table(TableName=watched.table)

    start = watched.before_fault()
    while_it_is_read = When(lambda request: request.operation == "dynamodb.Scan", before(delete), times=1)
    result = watched.run(while_it_is_read)
    assert while_it_is_read.met
    gone = watched.run()
    assert not gone.success
    watched.pipeline.create_table(watched.table)
    watched.items = 0
    watched.grow()
    watched.after_fault(start, result, [watched.table, "could not be read", "not found"])
    before_the_run = watched.before_fault()
    delete()
    result = watched.run()
    watched.pipeline.create_table(watched.table)
    watched.items = 0
    watched.grow()
    watched.after_fault(before_the_run, result, ["does not exist", "check its name"])
