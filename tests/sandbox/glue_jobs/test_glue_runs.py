from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dynamo_assets.sandbox.endpoint import Endpoint
from dynamo_assets.sandbox.server import spawn
from tests.sandbox.glue_client import Glue, until


@pytest.fixture
def glue(sandbox: Endpoint, bucket: str, unique: Callable[[str], str]) -> Glue:
    return Glue(sandbox, bucket, unique)


def is_alive(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


# ---- what a run does


def test_rdd_is_spread_over_processes_that_read_and_write_s3(glue: Glue) -> None:
    for number in range(6):
        glue.put(f"in/{number}", str(number))
    glue.succeed(
        """
        from pyspark import SparkContext
        def double(number):
            client = boto3.client("s3")
            value = int(client.get_object(Bucket=BUCKET, Key=f"in/{number}")["Body"].read())
            client.put_object(Bucket=BUCKET, Key=f"out/{number}", Body=json.dumps(2 * value).encode())
            time.sleep(0.2)  # so that one worker cannot take every partition
            return os.getpid()
        pids = SparkContext.getOrCreate().parallelize(range(6), 3).map(double).collect()
        say("pids", [os.getpid(), *pids])
        """
    )
    driver, *workers = glue.said("pids")
    assert [glue.said(f"out/{number}") for number in range(6)] == [0, 2, 4, 6, 8, 10]
    assert len(set(workers)) >= 2
    assert driver not in workers


def test_run_reports_what_it_was_and_took(glue: Glue) -> None:
    job = glue.job(glue.script("pass"), WorkerType="G.1X", NumberOfWorkers=2, Timeout=60)
    run = glue.outcome(job, WorkerType="G.2X", NumberOfWorkers=3, Timeout=5, ExecutionClass="FLEX")

    assert re.fullmatch(r"jr_[0-9a-f]{64}", run["Id"])
    shown = {
        "JobName": job,
        "Attempt": 0,
        "JobRunState": "SUCCEEDED",
        "GlueVersion": "5.1",
        "LogGroupName": "/aws-glue/jobs",
        "WorkerType": "G.2X",
        "NumberOfWorkers": 3,
        "MaxCapacity": 6.0,
        "AllocatedCapacity": 6,
        "Timeout": 5,
        "ExecutionClass": "FLEX",
        "JobMode": "SCRIPT",
        "JobRunQueuingEnabled": False,
        "PredecessorRuns": [],
    }
    assert {name: run[name] for name in shown} == shown
    assert run["StartedOn"] < run["CompletedOn"] == run["LastModifiedOn"]
    assert 0 <= run["ExecutionTime"] <= 60
    assert run["DPUSeconds"] > 0
    assert "DPUSeconds" not in glue.outcome(job), "Glue counts them with auto scaling or class FLEX only"
    assert "ErrorMessage" not in run


def test_output_and_errors_can_be_read_while_the_script_runs(glue: Glue) -> None:
    job = glue.job(
        glue.script(
            """
            print("half way")
            print("careful", file=sys.stderr)
            hear("go on")
            print("done")
            """
        )
    )
    run_id = glue.start(job)
    glue.in_state(job, run_id, "RUNNING")
    until(lambda: glue.lines(run_id) == ["half way"], "standard output in the logs")
    until(lambda: glue.lines(run_id, "error") == ["careful"], "standard error in the logs")
    assert glue.run(job, run_id)["JobRunState"] == "RUNNING"

    glue.put("go on")
    glue.in_state(job, run_id, "SUCCEEDED")
    assert glue.lines(run_id) == ["half way", "done"]


def test_what_workers_print_is_in_the_error_log(glue: Glue) -> None:
    run = glue.succeed(
        """
        from pyspark import SparkContext
        SparkContext.getOrCreate().parallelize(["from a worker"], 1).foreach(lambda text: print(text, flush=True))
        """
    )
    until(lambda: "from a worker" in glue.lines(run["Id"], "error"), "the worker's line")


# ---- failures


def test_failed_run_carries_the_scripts_exception_and_line(glue: Glue) -> None:
    script = glue.put("bad.py", "def read():\n    raise ValueError('table Orders is empty')\n\nread()\n")
    run = glue.outcome(glue.job(script))
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == (
        "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 2; ValueError: table Orders is empty"
    )
    trace = glue.lines(run["Id"], "error")
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[1].endswith('bad.py", line 4, in <module>')
    assert trace[-1] == "ValueError: table Orders is empty"


def test_failed_task_shows_the_workers_exception_and_harms_no_later_run(glue: Glue) -> None:
    message = glue.fail(
        """
        from pyspark import SparkContext
        def read(segment):
            raise KeyError(f"segment {segment}")
        SparkContext.getOrCreate().parallelize([3], 1).map(read).collect()
        """
    )
    assert "An error occurred while calling z:org.apache.spark.api.python.PythonRDD.collectAndServe." in message
    assert message.endswith("KeyError: 'segment 3'")
    glue.succeed(
        """
        from pyspark.sql import SparkSession
        assert SparkSession.getActiveSession() is None
        assert SparkSession.builder.getOrCreate().range(5).count() == 5
        """
    )


@pytest.mark.parametrize(
    ("source", "ending"),
    [
        ("sys.exit(3)", "SystemExit: 3"),
        ("sys.exit('no table')", "SystemExit: no table"),
        ("os._exit(9)", "Command failed with exit code 9 - Check the logs for more details"),
        ("def (:", "SyntaxError: invalid syntax (script.py, line 1)"),
    ],
)
def test_script_that_ends_otherwise_than_well_fails_the_run(glue: Glue, source: str, ending: str) -> None:
    script = glue.put("script.py", f"import os, sys; {source}" if "def" not in source else source)
    run = glue.outcome(glue.job(script))
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].endswith(ending)


def test_script_that_exits_with_zero_succeeds(glue: Glue) -> None:
    glue.succeed("sys.exit(0)")


def test_missing_script_fails_the_run(glue: Glue) -> None:
    run = glue.outcome(glue.job(f"s3://{glue.bucket}/nowhere.py"))
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].startswith(
        f"LAUNCH ERROR | Error downloading from S3 for bucket: {glue.bucket}, key: nowhere.py."
    )


def test_failed_run_is_retried_as_often_as_the_job_says(glue: Glue) -> None:
    job = glue.job(glue.script("raise RuntimeError('again')"), MaxRetries=2)
    first = glue.start(job)
    last = f"{first}_attempt_2"
    until(lambda: last in [run["Id"] for run in glue.client.get_job_runs(JobName=job)["JobRuns"]], "second retry")
    glue.in_state(job, last, "FAILED")

    runs = glue.client.get_job_runs(JobName=job)["JobRuns"]
    assert [(run["Id"], run["Attempt"], run.get("PreviousRunId"), run["JobRunState"]) for run in runs] == [
        (last, 2, f"{first}_attempt_1", "FAILED"),
        (f"{first}_attempt_1", 1, first, "FAILED"),
        (first, 0, None, "FAILED"),
    ]


# ---- stopping


WAITING_IN_WORKERS = """
    import subprocess
    from pyspark import SparkContext
    context = SparkContext.getOrCreate()
    jvm = context._jvm.java.lang.ProcessHandle.current().pid()
    child = subprocess.Popen(["sleep", "600"]).pid
    say("driver", [os.getpid(), child, jvm])
    def wait(number):
        say(f"worker {number}", os.getpid())
        time.sleep(600)
    context.parallelize(range(2), 2).foreach(wait)
"""


def test_stopped_run_ends_with_every_process_it_had(glue: Glue) -> None:
    job = glue.job(glue.script(WAITING_IN_WORKERS))
    run_id = glue.start(job)
    driver, child, _ = glue.said("driver")
    pids = [driver, child, glue.said("worker 0"), glue.said("worker 1")]
    assert all(map(is_alive, pids))

    answer = glue.client.batch_stop_job_run(JobName=job, JobRunIds=[run_id, "jr_unknown"])
    assert answer["SuccessfulSubmissions"] == [{"JobName": job, "JobRunId": run_id}]
    assert [(error["JobRunId"], error["ErrorDetail"]["ErrorCode"]) for error in answer["Errors"]] == [
        ("jr_unknown", "EntityNotFoundException")
    ]
    assert glue.run(job, run_id)["JobRunState"] in {"STOPPING", "STOPPED"}
    run = glue.in_state(job, run_id, "STOPPED")
    assert run["CompletedOn"] > run["StartedOn"]
    until(lambda: not any(map(is_alive, pids)), "end of the run's processes", seconds=10)

    answer = glue.client.batch_stop_job_run(JobName=job, JobRunIds=[run_id])
    assert answer["SuccessfulSubmissions"] == []
    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "JobRunInTerminalStateException"


def test_run_that_exceeds_its_timeout_ends_and_is_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMO_ASSETS_SANDBOX_MINUTE_SECONDS", "0.5")
    with spawn() as sandbox:
        sandbox.client("s3").create_bucket(Bucket="scripts")
        glue = Glue(sandbox, "scripts", lambda stem: stem)
        job = glue.job(glue.script("time.sleep(600)"), Timeout=480, MaxRetries=1)
        run = glue.outcome(job, Timeout=1)
        assert run["JobRunState"] == "TIMEOUT"
        assert run["Timeout"] == 1
        assert len(glue.client.get_job_runs(JobName=job)["JobRuns"]) == 1


def test_sandbox_that_ends_leaves_no_process(unique: Callable[[str], str]) -> None:
    with spawn() as sandbox:
        sandbox.client("s3").create_bucket(Bucket="scripts")
        glue = Glue(sandbox, "scripts", unique)
        glue.start(glue.job(glue.script(WAITING_IN_WORKERS)))
        pids = [*glue.said("driver"), glue.said("worker 0"), glue.said("worker 1")]
        assert all(map(is_alive, pids))
    until(lambda: not any(map(is_alive, pids)), "end of the sandbox's processes", seconds=5)


# ---- concurrency


def test_run_beyond_the_jobs_limit_is_refused(glue: Glue) -> None:
    job = glue.job(glue.script("hear('go on')"))
    first = glue.start(job)
    with pytest.raises(glue.client.exceptions.ConcurrentRunsExceededException) as caught:
        glue.start(job)
    assert caught.value.response["Message"] == f"Concurrent runs exceeded for {job}"  # pyright: ignore[reportTypedDictNotRequiredAccess]
    glue.put("go on")
    glue.in_state(job, first, "SUCCEEDED")
    assert glue.outcome(job)["JobRunState"] == "SUCCEEDED"


def test_runs_that_a_job_allows_run_at_the_same_time(glue: Glue) -> None:
    source = """
        from pyspark import SparkContext
        me, other = sys.argv[sys.argv.index("--me") + 1], sys.argv[sys.argv.index("--other") + 1]
        say(f"here {me}", SparkContext.getOrCreate().parallelize(range(4), 2).sum())
        hear(f"here {other}")
    """
    job = glue.job(glue.script(source), ExecutionProperty={"MaxConcurrentRuns": 2})
    runs = [glue.start(job, Arguments={"--me": me, "--other": other}) for me, other in (("1", "2"), ("2", "1"))]
    for run_id in runs:
        glue.in_state(job, run_id, "SUCCEEDED")
    assert [glue.said("here 1"), glue.said("here 2")] == [6, 6]


def test_runs_beyond_what_the_machine_takes_wait_and_can_be_stopped_while_they_wait(glue: Glue) -> None:
    job = glue.job(glue.script("hear('go on')"), ExecutionProperty={"MaxConcurrentRuns": 5})
    runs = [glue.start(job) for _ in range(4)]

    def states() -> list[str]:
        return [glue.run(job, run_id)["JobRunState"] for run_id in runs]

    until(lambda: sorted(states()) == ["RUNNING", "RUNNING", "STARTING", "STARTING"], "two runs, two that wait")
    waiting = [run_id for run_id in runs if glue.run(job, run_id)["JobRunState"] == "STARTING"]
    glue.client.batch_stop_job_run(JobName=job, JobRunIds=waiting[:1])
    glue.in_state(job, waiting[0], "STOPPED")
    glue.put("go on")
    until(lambda: sorted(states()) == ["STOPPED", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED"], "end of the others")
