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

    # Throttled for good, it publishes nothing, and the next one does.
    start = watched.before_fault()
    result = watched.run(When(to("glue.GetTables"), THROTTLED))
    watched.after_fault(start, result, ["Rate exceeded"], named=False)


@pytest.mark.xfail(
    strict=True, reason="assets/failures.py passes AWS's errors on, all but denials, without the table and what to do"
)
def test_a_run_that_is_throttled_for_good_says_which_table_and_what_to_do(watched: Watched) -> None:
    watched.meets(When(to("glue.GetTables"), THROTTLED), ["Rate exceeded", "again"])
