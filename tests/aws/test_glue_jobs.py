from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.stub import Stubber

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.glue_jobs import WHAT_TO_DO, GlueJobs, GlueRunError, JobRun
from dynamo_assets.errors import AwsOperationError, AwsTimeoutError
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, Endpoint

ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/glue"
MINUTE = timedelta(minutes=1)
WAITS_FOR_A_FILE = """
import boto3, sys, time
bucket = sys.argv[sys.argv.index("--bucket") + 1]
print("waiting", flush=True)
while not boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix="go").get("KeyCount"):
    time.sleep(0.1)
print("gone on", flush=True)
"""


@pytest.fixture
def job(aws: Endpoint, bucket: str, unique) -> tuple[GlueJobs, str]:
    """A Glue job of one run at a time, whose script ends when its bucket holds `go`."""
    name = unique("job")
    aws.client("s3").put_object(Bucket=bucket, Key="script.py", Body=WAITS_FOR_A_FILE.encode())
    aws.client("glue").create_job(
        Name=name,
        Role=ROLE,
        Command={"Name": "glueetl", "ScriptLocation": f"s3://{bucket}/script.py", "PythonVersion": "3"},
        DefaultArguments={"--bucket": bucket},
        GlueVersion="5.1",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        ExecutionProperty={"MaxConcurrentRuns": 1},
    )
    clients = AwsClients()
    return GlueJobs(clients.glue, clients.logs), name


def _let_go(aws: Endpoint, bucket: str) -> None:
    aws.client("s3").put_object(Bucket=bucket, Key="go", Body=b"")


def test_a_run_is_followed_to_its_end_with_what_it_prints(job, aws: Endpoint, bucket: str) -> None:
    jobs, name = job
    lines: list[str] = []

    def on_log(line: str) -> None:
        lines.append(line)
        if line == "waiting":
            _let_go(aws, bucket)

    run_id = jobs.start(name, {"--table": "Orders"}, timeout=MINUTE, subject="Orders")
    run = jobs.follow(name, run_id, timeout=MINUTE, subject="Orders", on_log=on_log)

    assert run.state == "SUCCEEDED"
    assert run.arguments["--table"] == "Orders"
    assert lines.index("waiting") < lines.index(f"Glue run {run_id} is SUCCEEDED")


def test_a_run_in_flight_is_found_by_its_arguments_only(job, aws: Endpoint, bucket: str) -> None:
    jobs, name = job
    day = timedelta(days=1)
    wanted = {"--table": "Orders", "--slot": "2026-11-23T10:00"}
    run_id = jobs.start(name, {**wanted, "--attempt": "a/1"}, timeout=MINUTE, subject="Orders")

    found = jobs.in_flight(name, wanted, not_older_than=day)
    assert found is not None
    assert (found.run_id, found.arguments["--attempt"]) == (run_id, "a/1")
    assert jobs.in_flight(name, {**wanted, "--slot": "2026-11-23T11:00"}, not_older_than=day) is None
    assert jobs.in_flight(name, wanted, not_older_than=timedelta(0)) is None

    _let_go(aws, bucket)
    jobs.follow(name, run_id, timeout=MINUTE, subject="Orders", on_log=lambda _: None)
    assert jobs.in_flight(name, wanted, not_older_than=day) is None


def test_a_job_without_runs_or_that_does_not_exist_has_nothing_in_flight(job) -> None:
    jobs, name = job
    assert jobs.in_flight(name, {}, not_older_than=timedelta(days=1)) is None
    assert jobs.in_flight("nothing", {}, not_older_than=timedelta(days=1)) is None


def test_a_run_waits_for_its_turn(job, aws: Endpoint, bucket: str) -> None:
    jobs, name = job
    first = jobs.start(name, {}, timeout=MINUTE, subject="First")
    with pytest.raises(AwsTimeoutError, match="Second: waiting for a free run of Glue job"):
        jobs.start(name, {}, timeout=timedelta(seconds=1), subject="Second")
    _let_go(aws, bucket)
    second = jobs.start(name, {}, timeout=MINUTE, subject="Second")
    assert second != first
    jobs.follow(name, second, timeout=MINUTE, subject="Second", on_log=lambda _: None)


def test_a_stopped_run_is_a_failure(job) -> None:
    jobs, name = job
    run_id = jobs.start(name, {}, timeout=MINUTE, subject="Orders")

    def on_log(line: str) -> None:
        if line == "waiting":
            jobs.stop(name, run_id)

    with pytest.raises(GlueRunError, match=f"Orders: run {run_id} of Glue job {name} ended STOPPED"):
        jobs.follow(name, run_id, timeout=MINUTE, subject="Orders", on_log=on_log)


def test_whatever_ends_the_following_stops_the_run(job) -> None:
    jobs, name = job
    run_id = jobs.start(name, {}, timeout=MINUTE, subject="Orders")

    def on_log(line: str) -> None:
        if line == "waiting":
            raise RuntimeError("Dagster's storage is gone")

    with pytest.raises(RuntimeError, match="storage"):
        jobs.follow(name, run_id, timeout=MINUTE, subject="Orders", on_log=on_log)
    with pytest.raises(GlueRunError, match="STOPPED"):
        jobs.follow(name, run_id, timeout=MINUTE, subject="Orders", on_log=lambda _: None)


def test_a_missing_job_says_what_makes_it(job) -> None:
    jobs, _ = job
    with pytest.raises(AwsOperationError, match=r"no Glue job 'nothing' in us-east-1; `dynamo-assets deploy` makes it"):
        jobs.start("nothing", {}, timeout=MINUTE, subject="Orders")


def _described(state: str) -> dict[str, Any]:
    return {
        "JobRun": {
            "Id": "jr_1",
            "JobName": "job",
            "JobRunState": state,
            "ErrorMessage": "the reason",
            "ExecutionTime": 12,
            "StartedOn": datetime(2026, 11, 23, tzinfo=UTC),
        }
    }


@pytest.mark.parametrize("state", ["FAILED", "ERROR", "TIMEOUT", "STOPPED", "EXPIRED"])
def test_every_terminal_state_but_success_is_the_failure_it_is(aws: Endpoint, state: str) -> None:
    """The sandbox never ends a run in ERROR or EXPIRED, so here AWS's answers are played."""
    clients = AwsClients()
    with Stubber(clients.glue) as glue, Stubber(clients.logs) as logs:
        glue.add_response("get_job_run", _described(state))
        logs.add_client_error("get_log_events", "ResourceNotFoundException")
        with pytest.raises(GlueRunError) as caught:
            GlueJobs(clients.glue, clients.logs).follow(
                "job", "jr_1", timeout=MINUTE, subject="Orders", on_log=lambda _: None
            )
    assert str(caught.value) == (
        f"Orders: run jr_1 of Glue job job ended {state} after 12 s: the reason. {WHAT_TO_DO[state]} "
        "https://us-east-1.console.aws.amazon.com/gluestudio/home?region=us-east-1#/job/job/run/jr_1"
    )
    assert caught.value.run == JobRun.from_response(_described(state)["JobRun"])


def test_every_state_that_glue_can_end_in_is_known() -> None:
    import boto3

    from dynamo_assets.aws.glue_jobs import IN_FLIGHT, SUCCEEDED

    model = boto3.client("glue", region_name="us-east-1").meta.service_model
    states = set(model.shape_for("JobRunState").enum)  # pyright: ignore[reportAttributeAccessIssue]
    assert states == set(WHAT_TO_DO) | set(IN_FLIGHT) | {SUCCEEDED}


def test_a_run_that_has_been_told_to_stop_is_nothing_to_attach_to(job, aws: Endpoint, bucket: str) -> None:
    """It may take minutes to end; whoever attached to it would fail with it."""
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAITS_FOR_A_FILE
    aws.client("s3").put_object(Bucket=bucket, Key="script.py", Body=deaf.encode())
    jobs, name = job
    run_id = jobs.start(name, {"--table": "Orders"}, timeout=MINUTE, subject="Orders")
    states: list[str] = []

    def on_log(line: str) -> None:
        if line == "waiting":
            jobs.stop(name, run_id)
            assert jobs.in_flight(name, {"--table": "Orders"}, not_older_than=timedelta(days=1)) is None
            states.append(aws.client("glue").get_job_run(JobName=name, RunId=run_id)["JobRun"]["JobRunState"])

    with pytest.raises(GlueRunError, match="ended STOPPED"):
        jobs.follow(name, run_id, timeout=MINUTE, subject="Orders", on_log=on_log)
    assert states == ["STOPPING"]
