"""Jobs and runs of one test, driven through boto3."""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamo_assets.sandbox.endpoint import Endpoint

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


def error_of(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]
