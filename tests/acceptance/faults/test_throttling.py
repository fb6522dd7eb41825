"""Control APIs that are asked too often: Glue's and Athena's allow few calls a second."""

from __future__ import annotations

import itertools

import pytest

from tests.acceptance.conftest import failure_of
from tests.acceptance.faults.answers import THROTTLED, When, to
from tests.acceptance.faults.watched import Watched
from tests.faults.proxy import Request

pytestmark = pytest.mark.usefixtures("no_waiting")


@pytest.fixture
def watched(watch) -> Watched:
    return watch(method="crawler")


def test_a_run_of_which_two_of_three_calls_are_throttled_is_as_any_other(watched: Watched) -> None:
    calls = itertools.count()

    def wanted(request: Request) -> bool:
        return request.operation.startswith(("glue.", "athena.")) and next(calls) % 3 != 0

    throttled = When(wanted, THROTTLED)
    watched.grow()
    result = watched.run(throttled)
    assert result.success, failure_of(result)
    assert {"glue.StartCrawler", "glue.UpdateTable", "athena.StartQueryExecution"} & {
        r.operation for r in throttled.met
    }
    assert watched.shown().rows == watched.items
    watched.assert_nothing_runs()

    # Throttled for good, it publishes nothing, and says so.
    watched.meets(
        When(to("glue.GetTables"), THROTTLED),
        [watched.table, "GetTables", "ThrottlingException", "Rate exceeded", "run it again"],
    )
