from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import boto3
import pytest
from dagster import DagsterExecutionInterruptedError
from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.aws.athena import Athena, quote_identifier, quote_literal
from dynamo_assets.aws.cancellation import Cancellation, under
from dynamo_assets.aws.waiting import wait_until
from dynamo_assets.errors import AwsTimeoutError, QueryError
from dynamo_assets.sandbox.endpoint import Endpoint

ENDLESS = "SELECT count(*) FROM {} CROSS JOIN {} CROSS JOIN {}".format(
    *(f"UNNEST(sequence(1, 10000)) AS t{n} (x{n})" for n in range(3))
)


@pytest.fixture
def workgroup(aws: Endpoint, bucket: str, unique) -> str:
    name = unique("workgroup")
    aws.client("athena").create_work_group(
        Name=name, Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{bucket}/results/"}}
    )
    return name


@pytest.fixture
def make_athena(workgroup: str) -> Callable[..., Athena]:
    def make(time_limit: timedelta = timedelta(minutes=1)) -> Athena:
        return Athena(boto3.Session(), workgroup=workgroup, database="default", time_limit=time_limit)

    return make


def _states(aws: Endpoint, workgroup: str) -> list[str]:
    athena = aws.client("athena")
    ids = athena.list_query_executions(WorkGroup=workgroup)["QueryExecutionIds"]
    return [athena.get_query_execution(QueryExecutionId=one)["QueryExecution"]["Status"]["State"] for one in ids]


def test_a_query_gives_its_rows_and_where_to_look_at_it(make_athena) -> None:
    result = make_athena().query("SELECT 1 AS a, 'x' AS b", subject="Orders")
    assert (result.columns, result.rows) == (("a", "b"), ((1, "x"),))
    assert result.query_id in result.url
    assert make_athena().query("SELECT 42", subject="Orders").scalar() == 42


def test_a_failed_query_gives_athenas_reason_and_whose_it_was(make_athena) -> None:
    with pytest.raises(
        QueryError, match=r"Orders: Athena query .* ended FAILED: .*Schema 'default' does not exist.*https://"
    ):
        make_athena().query('SELECT * FROM "nothing"', subject="Orders")


def test_a_query_that_athena_does_not_even_take_is_an_error_too(make_athena) -> None:
    with pytest.raises(QueryError, match="Orders: Athena would not run a query"):
        Athena(boto3.Session(), workgroup="nothing", database="default", time_limit=timedelta(minutes=1)).query(
            "SELECT 1", subject="Orders"
        )


def test_a_query_has_a_time_limit_and_is_cancelled_at_it(make_athena, aws: Endpoint, workgroup: str) -> None:
    """Defect 7 of the pipeline that this one replaces: nothing had a time limit."""
    with pytest.raises(AwsTimeoutError, match=r"Orders: Athena query .* time limit of 0:00:01"):
        make_athena(timedelta(seconds=1)).query(ENDLESS, subject="Orders")
    assert _states(aws, workgroup) == ["CANCELLED"]


def test_a_cancelled_run_cancels_its_query(make_athena, aws: Endpoint, workgroup: str) -> None:
    cancellation = Cancellation()

    def cancel_once_it_runs() -> None:
        wait_until(
            lambda: "RUNNING" in _states(aws, workgroup) or None, what="the query", timeout=timedelta(seconds=30)
        )
        cancellation.request()

    watcher = threading.Thread(target=cancel_once_it_runs)
    watcher.start()
    with under(cancellation), pytest.raises(DagsterExecutionInterruptedError):
        make_athena().query(ENDLESS, subject="Orders")
    watcher.join()
    assert _states(aws, workgroup) == ["CANCELLED"]


@given(st.text(min_size=1, max_size=20))
def test_quoted_names_and_literals_hold_what_they_were_given(text: str) -> None:
    for quoted, mark in ((quote_identifier(text), '"'), (quote_literal(text), "'")):
        assert quoted[0] == quoted[-1] == mark
        assert quoted[1:-1].replace(mark * 2, "\0").count(mark) == 0
        assert quoted[1:-1].replace(mark * 2, mark) == text


@pytest.mark.parametrize("text", ["it's", "'; DROP TABLE x; --", "''", "\\'"])
def test_a_hostile_literal_is_only_text(make_athena, text: str) -> None:
    assert make_athena().query(f"SELECT {quote_literal(text)}", subject="Orders").scalar() == text


@pytest.mark.parametrize("name", ["select", 'we"ird', 'a" FROM x --', "日本"])
def test_a_hostile_column_name_is_only_a_name(make_athena, name: str) -> None:
    result = make_athena().query(f"SELECT 7 AS {quote_identifier(name)}", subject="Orders")
    assert (result.columns, result.scalar()) == ((name.lower(),), 7)
