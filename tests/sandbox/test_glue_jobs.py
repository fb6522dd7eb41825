from __future__ import annotations

import io
import json
import os
import re
import textwrap
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamo_assets.sandbox.endpoint import Endpoint
from dynamo_assets.sandbox.server import spawn

OVER = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR"}
# What a script needs to talk to its test: objects below its bucket, put and awaited.
TALK = """
import json, os, sys, time
import boto3
def say(key, value):
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(value).encode())
def hear(key):
    s3, deadline = boto3.client("s3"), time.monotonic() + 60
    while "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix=key):
        assert time.monotonic() < deadline, key
        time.sleep(0.05)
"""


def until(ask: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return answer


class Glue:
    """Jobs of one test: their scripts lie in its bucket."""

    def __init__(self, sandbox: Endpoint, bucket: str, unique: Callable[[str], str]) -> None:
        self.bucket = bucket
        self.client = sandbox.client("glue")
        self._s3 = sandbox.client("s3")
        self._logs = sandbox.client("logs")
        self._unique = unique

    def put(self, key: str, body: bytes | str = b"") -> str:
        self._s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode() if isinstance(body, str) else body)
        return f"s3://{self.bucket}/{key}"

    def said(self, key: str) -> Any:
        """What a script said, once it has."""
        until(lambda: "Contents" in self._s3.list_objects_v2(Bucket=self.bucket, Prefix=key), f"{key} in the bucket")
        return json.loads(self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def script(self, source: str) -> str:
        return self.put(f"{self._unique('script')}.py", f"BUCKET = {self.bucket!r}\n{TALK}\n{textwrap.dedent(source)}")

    def job(self, script: str, **definition: Any) -> str:
        name = self._unique("job")
        command = {"Name": "glueetl", "ScriptLocation": script, "PythonVersion": "3"}
        self.client.create_job(Name=name, **{"Role": "glue", "Command": command, "GlueVersion": "5.1", **definition})
        return name

    def start(self, job: str, **overrides: Any) -> str:
        return self.client.start_job_run(JobName=job, **overrides)["JobRunId"]

    def run(self, job: str, run_id: str) -> dict[str, Any]:
        return self.client.get_job_run(JobName=job, RunId=run_id)["JobRun"]  # pyright: ignore[reportReturnType]

    def in_state(self, job: str, run_id: str, *states: str) -> dict[str, Any]:
        """The run, once it is in one of the states."""

        def ask() -> dict[str, Any] | None:
            run = self.run(job, run_id)
            assert run["JobRunState"] in {*states, "STARTING", "RUNNING", "STOPPING"}, run
            return run if run["JobRunState"] in states else None

        return until(ask, f"run in state {states}")

    def outcome(self, job: str, **overrides: Any) -> dict[str, Any]:
        """A run of the job, once it is over."""
        return self.in_state(job, self.start(job, **overrides), *OVER)

    def succeed(self, source: str, **definition: Any) -> dict[str, Any]:
        run = self.outcome(self.job(self.script(source), **definition))
        assert run["JobRunState"] == "SUCCEEDED", run
        return run

    def fail(self, source: str, **definition: Any) -> str:
        run = self.outcome(self.job(self.script(source), **definition))
        assert run["JobRunState"] == "FAILED", run
        return run["ErrorMessage"]

    def lines(self, run_id: str, kind: str = "output") -> list[str]:
        events = self._logs.filter_log_events(logGroupName=f"/aws-glue/jobs/{kind}", logStreamNames=[run_id])["events"]
        return [event["message"] for event in events]


@pytest.fixture
def glue(sandbox: Endpoint, bucket: str, unique: Callable[[str], str]) -> Glue:
    return Glue(sandbox, bucket, unique)


def error_of(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def is_alive(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return buffer.getvalue()


# ---- arguments and environment


def test_script_is_given_the_jobs_arguments_under_those_of_the_run(glue: Glue) -> None:
    job = glue.job(
        glue.script("say('argv', sys.argv)"),
        DefaultArguments={"--table": "Orders", "--format": "orc", "--enable-metrics": "true"},
        NonOverridableArguments={"--owner": "team"},
    )
    run = glue.outcome(job, Arguments={"--format": "parquet", "--owner": "me"})

    script, *rest = glue.said("argv")
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    assert given == {
        "--table": "Orders",
        "--format": "parquet",
        "--enable-metrics": "true",
        "--owner": "team",
        "--JOB_NAME": job,
        "--JOB_RUN_ID": run["Id"],
        "--JOB_ID": "j_" + run["Id"].removeprefix("jr_"),
    }
    assert script.endswith(".py")
    assert run["Arguments"] == {"--format": "parquet", "--owner": "me"}


def test_script_finds_only_the_sandbox_in_its_environment(glue: Glue, sandbox: Endpoint) -> None:
    glue.succeed("say('environment', dict(os.environ))")
    environment = glue.said("environment")
    assert {name: value for name, value in environment.items() if name.startswith("AWS_")} == sandbox.environment()
    assert not Path(environment["HOME"], ".aws").exists()


def test_files_and_spark_settings_of_the_arguments_reach_the_script(glue: Glue) -> None:
    glue.succeed(
        """
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        conf = spark.sparkContext.getConf()
        say("found", [open("limits.json").read(), conf.get("spark.one"), conf.get("spark.sql.shuffle.partitions"),
                      spark.sparkContext.appName, spark.range(10).repartition("id").count()])
        """,
        DefaultArguments={
            "--extra-files": glue.put("settings/limits.json", "[7]"),
            "--conf": "spark.one=1 --conf spark.sql.shuffle.partitions=3",
        },
    )
    limits, one, partitions, name, count = glue.said("found")
    assert (limits, one, partitions, count) == ("[7]", "1", "3", 10)
    assert name.startswith("job")


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


# ---- packages


def test_checkout_and_what_glue_lacks_cannot_be_imported(glue: Glue) -> None:
    message = glue.fail("import dynamo_assets")
    assert message.endswith("ModuleNotFoundError: No module named 'dynamo_assets'")
    assert message.startswith("Error Category: IMPORT_ERROR; Failed Line Number: ")
    glue.succeed(
        """
        import importlib.util
        from pyspark import SparkContext
        def seen(name):
            return importlib.util.find_spec(name) is not None
        names = ["dynamo_assets", "glue_scripts", "dagster", "msgspec", "boto3", "pyarrow"]
        in_workers = SparkContext.getOrCreate().parallelize(names, 2).map(seen).collect()
        say("seen", [[seen(name) for name in names], in_workers])
        """
    )
    assert glue.said("seen") == [[False, False, False, False, True, True]] * 2


def test_extra_py_files_are_importable_in_driver_and_workers(glue: Glue) -> None:
    files = [
        glue.put("lib/package.zip", archive({"dynamo_assets/__init__.py": "NAME = 'zip'"})),
        glue.put("lib/single_module.py", "NAME = 'py'"),
        glue.put("lib/some_wheel-1.0-py3-none-any.whl", archive({"some_wheel/__init__.py": "NAME = 'whl'"})),
    ]
    glue.succeed(
        """
        import importlib
        from pyspark import SparkContext
        def name_of(module):
            return importlib.import_module(module).NAME
        modules = ["dynamo_assets", "single_module", "some_wheel"]
        say("names", [[name_of(module) for module in modules],
                      SparkContext.getOrCreate().parallelize(modules, 3).map(name_of).collect()])
        """,
        DefaultArguments={"--extra-py-files": ",".join(files)},
    )
    assert glue.said("names") == [["zip", "py", "whl"]] * 2


def test_changed_extra_py_file_is_seen_by_the_next_runs_workers(glue: Glue) -> None:
    source = """
        from pyspark import SparkContext
        def version(_):
            import single_module
            return single_module.VERSION
        say(sys.argv[sys.argv.index("--key") + 1], SparkContext.getOrCreate().parallelize([0], 1).map(version).first())
    """
    job = glue.job(glue.script(source), DefaultArguments={"--extra-py-files": f"s3://{glue.bucket}/single_module.py"})
    for version in ("1", "2"):
        glue.put("single_module.py", f"VERSION = {version}")
        assert glue.outcome(job, Arguments={"--key": f"version {version}"})["JobRunState"] == "SUCCEEDED"
    assert [glue.said("version 1"), glue.said("version 2")] == [1, 2]


def test_additional_module_that_the_sandbox_has_is_importable(glue: Glue) -> None:
    wheel = archive(
        {
            "in_house/__init__.py": "NAME = 'wheel'",
            "in_house-2.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: in-house\nVersion: 2.0\n",
        }
    )
    glue.succeed(
        """
        from pyspark import SparkContext
        def modules(_):
            import in_house, msgspec
            return [msgspec.json.decode(b"[1]"), in_house.NAME]
        say("found", [modules(0), SparkContext.getOrCreate().parallelize([0], 1).map(modules).first()])
        """,
        DefaultArguments={
            "--additional-python-modules": f"msgspec>=0.18,{glue.put('in_house-2.0-py3-none-any.whl', wheel)}"
        },
    )
    assert glue.said("found") == [[[1], "wheel"]] * 2


@pytest.mark.parametrize("requirement", ["msgspec==0.0.1", "no-such-package-anywhere"])
def test_additional_module_that_the_sandbox_lacks_fails_the_run(glue: Glue, requirement: str) -> None:
    message = glue.fail("pass", DefaultArguments={"--additional-python-modules": requirement})
    assert message.startswith(
        f"LAUNCH ERROR | Python Module Installer: --additional-python-modules asks for '{requirement}'"
    )
    assert "The sandbox does not install packages" in message


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
    states = lambda: [glue.run(job, run_id)["JobRunState"] for run_id in runs]  # noqa: E731
    until(lambda: states().count("RUNNING") == min(2, os.cpu_count() or 1), "as many runs as there are JVMs")
    waiting = [run_id for run_id, state in zip(runs, states(), strict=True) if state == "STARTING"]
    assert len(waiting) >= 2
    glue.client.batch_stop_job_run(JobName=job, JobRunIds=waiting[:1])
    glue.in_state(job, waiting[0], "STOPPED")
    glue.put("go on")
    until(lambda: sorted(states()) == ["STOPPED", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED"], "end of the others")


# ---- the API


def test_runs_are_listed_newest_first_in_pages(glue: Glue) -> None:
    job = glue.job(glue.script("pass"), ExecutionProperty={"MaxConcurrentRuns": 5})
    started = [glue.start(job) for _ in range(5)]
    first = glue.client.get_job_runs(JobName=job, MaxResults=2)
    assert [run["Id"] for run in first["JobRuns"]] == [started[4], started[3]]
    pages = glue.client.get_paginator("get_job_runs").paginate(JobName=job, PaginationConfig={"PageSize": 2})
    assert [run["Id"] for page in pages for run in page["JobRuns"]] == started[::-1]
    for run_id in started:
        glue.in_state(job, run_id, "SUCCEEDED")


def test_updated_job_is_what_the_next_run_uses(glue: Glue) -> None:
    job = glue.job(
        glue.script("say('one', 1)"), GlueVersion="5.0", Timeout=30, DefaultArguments={"--a": "1"}, Description="old"
    )
    created = glue.client.get_job(JobName=job)["Job"]
    second = {"Name": "glueetl", "ScriptLocation": glue.script("say('two', sys.argv[1:3])")}
    update: Any = {"Role": "other", "Command": second, "DefaultArguments": {"--b": "2"}, "NumberOfWorkers": 4}
    assert glue.client.update_job(JobName=job, JobUpdate=update)["JobName"] == job

    updated = glue.client.get_job(JobName=job)["Job"]
    assert updated["CreatedOn"] == created["CreatedOn"] < updated["LastModifiedOn"]
    assert {name: updated[name] for name in ("Role", "Command", "DefaultArguments", "Timeout", "GlueVersion")} == {
        "Role": "other",
        "Command": second,
        "DefaultArguments": {"--b": "2"},
        "Timeout": 480,
        "GlueVersion": "5.0",
    }
    assert "Description" not in updated
    assert glue.outcome(job)["MaxCapacity"] == 4.0
    assert glue.said("two") == ["--b", "2"]


def test_same_job_can_be_created_twice_but_not_another_of_its_name(glue: Glue) -> None:
    script = glue.script("pass")
    job = glue.job(script)
    same: Any = {"Name": job, "Role": "glue", "GlueVersion": "5.1"}
    same["Command"] = {"Name": "glueetl", "ScriptLocation": script, "PythonVersion": "3"}
    glue.client.create_job(**same)
    code, message = error_of(glue.client.create_job, **{**same, "Timeout": 7})
    assert code == "IdempotentParameterMismatchException"
    assert job in message
    assert job in glue.client.list_jobs()["JobNames"]
    glue.client.delete_job(JobName=job)
    assert job not in glue.client.list_jobs()["JobNames"]


def test_unknown_jobs_and_runs_are_not_found(glue: Glue) -> None:
    job = glue.job(glue.script("pass"))
    update: Any = {"Role": "r", "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/k"}}
    client = glue.client
    answers = [
        error_of(client.start_job_run, JobName="none"),
        error_of(client.get_job, JobName="none"),
        error_of(client.update_job, JobName="none", JobUpdate=update),
        error_of(client.get_job_runs, JobName="none"),
        error_of(client.get_job_run, JobName="none", RunId="jr_1"),
        error_of(client.get_job_run, JobName=job, RunId="jr_1"),
    ]
    assert {code for code, _ in answers} == {"EntityNotFoundException"}
    assert answers[0][1] == "Failed to start job run due to missing metadata"
    client.delete_job(JobName="none")


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        (
            {"Command": {"Name": "pythonshell", "ScriptLocation": "s3://b/k"}},
            "The sandbox does not run 'pythonshell' jobs",
        ),
        ({"Command": {"Name": "gluestreaming", "ScriptLocation": "s3://b/k"}}, "The sandbox does not run 'gluestr"),
        ({"Command": {"Name": "glueray", "ScriptLocation": "s3://b/k"}}, "The sandbox does not run 'glueray' jobs"),
        ({"GlueVersion": "4.0"}, "The sandbox does not run Glue 4.0"),
        ({"WorkerType": "Z.2X", "NumberOfWorkers": 2}, "The sandbox does not have worker type Z.2X"),
        ({"JobRunQueuingEnabled": True}, "The sandbox does not queue job runs"),
        ({"MaintenanceWindow": "Sun:3"}, "The sandbox does not support a job's MaintenanceWindow"),
        ({"MaxCapacity": 2.0, "WorkerType": "G.1X"}, "Please do not set Max Capacity"),
    ],
)
def test_job_that_the_sandbox_cannot_run_is_refused(glue: Glue, definition: dict[str, Any], reason: str) -> None:
    usual: Any = {"Role": "glue", "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/k"}}
    code, message = error_of(glue.client.create_job, Name="refused", **{**usual, **definition})
    assert code == "InvalidInputException"
    assert message.startswith(reason)
    assert "refused" not in glue.client.list_jobs()["JobNames"]


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"Arguments": {"--extra-jars": "s3://b/x.jar"}}, "The sandbox does not support the job argument --extra-jars"),
        ({"Arguments": {"--job-bookmark-option": "job-bookmark-enable"}}, "The sandbox does not support the job argu"),
        ({"JobRunId": "jr_1"}, "The sandbox does not support StartJobRun's JobRunId"),
        ({"Timeout": 20_000}, "Timeout must be between 1 and 10080 minutes"),
    ],
)
def test_run_that_the_sandbox_cannot_do_is_refused(glue: Glue, overrides: dict[str, Any], reason: str) -> None:
    job = glue.job(glue.script("pass"))
    code, message = error_of(glue.client.start_job_run, JobName=job, **overrides)
    assert code == "InvalidInputException"
    assert message.startswith(reason)
    assert glue.client.get_job_runs(JobName=job)["JobRuns"] == []
