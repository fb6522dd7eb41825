"""Athena queries that fail, are cancelled, wait in the queue for ever, or are not taken at all."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from tests.acceptance.conftest import failure_of
from tests.acceptance.faults.answers import THROTTLED, When, before, changed, to
from tests.acceptance.faults.watched import Watched
from tests.faults.catalogue import answer_lost
from tests.faults.proxy import Behaviour, Exchange, pass_on

VIEW = to("athena.StartQueryExecution", containing="CREATE OR REPLACE VIEW")
COUNT = to("athena.StartQueryExecution", containing="SELECT count(*) FROM (")


@pytest.fixture
def watched(watch) -> Watched:
    return watch()


def in_its_place(sql: str) -> Behaviour:
    """Athena is given another statement than the one that was sent."""

    def fault(exchange: Exchange) -> None:
        # Another statement is another request: Athena would refuse the token of the one that was sent.
        asked = {**exchange.request.parameters, "QueryString": sql, "ClientRequestToken": str(uuid.uuid4())}
        exchange.request = replace(exchange.request, body=json.dumps(asked).encode())
        pass_on(exchange)

    return fault


ENDLESS = "SELECT count(*) FROM {} CROSS JOIN {} CROSS JOIN {}".format(
    *(f"UNNEST(sequence(1, 10000)) AS t{n} (x{n})" for n in range(3))
)


@dataclass
class Cancelled:
    """An endless query in the place of the one that is wanted, which somebody cancels by its id."""

    watched: Watched
    endless: When = field(default_factory=lambda: When(COUNT, in_its_place(ENDLESS)))
    ids: list[str] = field(default_factory=list)

    def __call__(self, exchange: Exchange) -> None:
        if exchange.request.operation == "athena.GetQueryExecution" and self.endless.met and not self.ids:
            self.ids.append(exchange.request.parameters["QueryExecutionId"])
            self.watched.aws("athena").stop_query_execution(QueryExecutionId=self.ids[0])
        self.endless(exchange)


@dataclass
class QueuedForEver:
    """A view's query that does not leave the queue until it is stopped."""

    endless: When = field(default_factory=lambda: When(VIEW, in_its_place(ENDLESS)))
    stopped: bool = False

    def __call__(self, exchange: Exchange) -> None:
        operation = exchange.request.operation
        self.stopped |= operation == "athena.StopQueryExecution"
        if operation == "athena.GetQueryExecution" and self.endless.met and not self.stopped:
            changed(lambda answer: answer["QueryExecution"]["Status"].update(State="QUEUED"))(exchange)
        else:
            self.endless(exchange)


def test_a_query_that_fails_is_cancelled_or_never_begins_leaves_the_view_as_it_was(watched: Watched) -> None:
    fails = in_its_place("SELECT 1 / 0")
    watched.meets(When(VIEW, fails), ["ended FAILED", "Division by zero", "materialize", "query-editor"])
    watched.meets(When(COUNT, fails), ["ended FAILED", "Division by zero", "materialize"])
    watched.meets(Cancelled(watched), ["ended CANCELLED", "materialize"])

    workgroup = watched.pipeline.settings.athena.workgroup

    def disable() -> None:
        watched.aws("athena").update_work_group(WorkGroup=workgroup, State="DISABLED")

    start = watched.before_fault()
    result = watched.run(When(VIEW, before(disable)))
    watched.aws("athena").update_work_group(WorkGroup=workgroup, State="ENABLED")
    watched.after_fault(start, result, ["would not run a query", "is disabled", workgroup])

    start = watched.before_fault()
    result = watched.with_limits(athena={"time_limit": timedelta(seconds=1)}).run(QueuedForEver())
    watched.after_fault(start, result, ["time limit of 0:00:01", "raise `time_limit`"])


@pytest.mark.usefixtures("no_waiting")
def test_a_query_that_cannot_be_cancelled_at_its_limit_is_told(watched: Watched) -> None:
    endless, deaf = When(VIEW, in_its_place(ENDLESS)), When(to("athena.StopQueryExecution"), THROTTLED)
    start = watched.before_fault()
    short = watched.with_limits(athena={"time_limit": timedelta(seconds=1)})
    result = short.run(lambda exchange: (deaf if deaf.wanted(exchange.request) else endless)(exchange))
    athena, workgroup = watched.aws("athena"), watched.pipeline.settings.athena.workgroup
    for query in athena.list_query_executions(WorkGroup=workgroup)["QueryExecutionIds"]:
        athena.stop_query_execution(QueryExecutionId=query)
    watched.after_fault(start, result, ["time limit of 0:00:01", "could not be stopped", "Rate exceeded"])


@pytest.mark.usefixtures("no_waiting")
def test_a_query_is_lost_neither_to_throttling_nor_to_a_lost_answer(watched: Watched) -> None:
    throttled = When(to("athena.StartQueryExecution", "athena.GetQueryExecution"), THROTTLED, times=12)
    watched.grow()
    result = watched.run(throttled)
    assert result.success, failure_of(result)
    assert len(throttled.met) == 12
    assert watched.shown().rows == watched.items

    # Each start has a token, so that one whose answer was lost is the same query when it is repeated.
    watched.grow()
    result = watched.run(When(VIEW, answer_lost, times=1))
    assert result.success, failure_of(result)
    assert watched.shown().rows == watched.items
