"""Glue job runs: start one, find one in flight, follow it to its end, stop it, and say why it failed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, HTTPClientError

from dynamo_assets.aws.console import glue_run_url
from dynamo_assets.aws.job_logs import RunLog
from dynamo_assets.aws.waiting import stopping, wait_until
from dynamo_assets.errors import AwsOperationError

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_logs import CloudWatchLogsClient

IN_FLIGHT = frozenset({"WAITING", "STARTING", "RUNNING", "STOPPING"})
_NOTHING_PRINTED = frozenset({"WAITING", "STARTING"})
STOPPING = "STOPPING"
SUCCEEDED = "SUCCEEDED"
_ENDED = frozenset({"JobRunInTerminalStateException", "EntityNotFoundException"})
WHAT_TO_DO = {
    "FAILED": "Mend what the message names and run it again; the run's log has the whole trace.",
    "ERROR": "Glue itself could not run it; try again, and look at the run's page if it recurs.",
    "TIMEOUT": "It met the time limit of the Glue run: `time_limit`, or four times what was expected and an hour, if "
    "that is less. Raise `time_limit`, or `read_percentage` if reading was slow; lower it if DynamoDB throttled.",
    "STOPPED": "Somebody stopped it; run it again if that was not meant.",
    "EXPIRED": "It waited for capacity until Glue gave up; run it again, or lower the number of concurrent runs.",
}
"""Every terminal state but success, as Glue's API reference lists them (JobRunState)."""


@dataclass(frozen=True)
class JobRun:
    """One run of a Glue job, as Glue describes it."""

    job_name: str
    run_id: str
    state: str
    arguments: Mapping[str, str]
    error_message: str
    execution_seconds: int
    dpu_seconds: float
    dpus: float
    worker_type: str
    workers: int
    flex: bool

    @classmethod
    def from_response(cls, run: Mapping[str, Any]) -> JobRun:
        """The run in an answer of GetJobRun or GetJobRuns."""
        seconds, dpus = run.get("ExecutionTime", 0), run.get("MaxCapacity", 0.0)
        return cls(
            job_name=run["JobName"],
            run_id=run["Id"],
            state=run["JobRunState"],
            arguments=run.get("Arguments", {}),
            error_message=run.get("ErrorMessage", ""),
            execution_seconds=seconds,
            # Glue counts them itself only with auto scaling or class FLEX (API reference, JobRun).
            dpu_seconds=run.get("DPUSeconds", seconds * dpus),
            dpus=dpus,
            worker_type=run.get("WorkerType", ""),
            workers=run.get("NumberOfWorkers", 0),
            flex=run.get("ExecutionClass") == "FLEX",
        )


@dataclass(frozen=True)
class Capacity:
    """What one run gets.

    Attributes:
        worker_type: The size of a worker.
        workers: How many, the driver included.
        timeout: After how long Glue ends the run; it takes whole minutes.
        flex: Whether it runs on spare capacity, whatever the job's definition says.
    """

    worker_type: str
    workers: int
    timeout: timedelta
    flex: bool = False

    def as_request(self) -> dict[str, Any]:
        """The members of StartJobRun's request that say so."""
        return {
            "WorkerType": self.worker_type,
            "NumberOfWorkers": self.workers,
            "ExecutionClass": "FLEX" if self.flex else "STANDARD",
        }


class GlueRunError(AwsOperationError):
    """A Glue run ended in another state than SUCCEEDED.

    Attributes:
        run: The run in its final state.
        url: Its page in the console.
    """

    def __init__(self, subject: str, run: JobRun, url: str):
        reason = run.error_message or "Glue gave no reason"
        super().__init__(
            f"{subject}: run {run.run_id} of Glue job {run.job_name} ended {run.state} after "
            f"{run.execution_seconds} s: {reason}. {WHAT_TO_DO.get(run.state, '')} {url}"
        )
        self.run = run
        self.url = url


class GlueJobs:
    """The runs of Glue jobs."""

    def __init__(self, glue: GlueClient, logs: CloudWatchLogsClient):
        self._glue = glue
        self._logs = logs

    def url(self, job_name: str, run_id: str) -> str:
        """A run's page in the console."""
        return glue_run_url(self._glue.meta.region_name, job_name, run_id)

    def in_flight(self, job_name: str, arguments: Mapping[str, str], *, not_older_than: timedelta) -> JobRun | None:
        """The newest run that has not ended, nor been told to, and was started with at least these arguments.

        Args:
            job_name: The Glue job; a job that does not exist has no runs.
            arguments: What the run's arguments must contain.
            not_older_than: Glue keeps a job's runs for months and lists the newest first; older ones are not looked at.
        """
        return next(self._all_in_flight(job_name, arguments, not_older_than), None)

    def _all_in_flight(
        self, job_name: str, arguments: Mapping[str, str], not_older_than: timedelta
    ) -> Iterator[JobRun]:
        oldest = datetime.now(UTC) - not_older_than
        for page in self._runs(job_name):
            for entry in page["JobRuns"]:
                if entry["StartedOn"] < oldest:
                    return
                run = JobRun.from_response(entry)
                # One that is STOPPING will end without a result: nothing is to be had of waiting for it.
                if run.state in IN_FLIGHT - {STOPPING} and arguments.items() <= run.arguments.items():
                    yield run

    def _runs(self, job_name: str) -> Iterator[Mapping[str, Any]]:
        try:
            yield from self._glue.get_paginator("get_job_runs").paginate(JobName=job_name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise

    def start(
        self,
        job_name: str,
        arguments: Mapping[str, str],
        *,
        timeout: timedelta,
        subject: str,
        capacity: Capacity | None = None,
    ) -> str:
        """Starts a run; where the job's limit of concurrent runs is reached, waits for its turn.

        Args:
            job_name: The Glue job.
            arguments: `{"--name": "value"}`, such as no other run is started with.
            timeout: The run's own limit, where `capacity` does not say, and how long to wait for a turn.
            subject: Whose run it is, for messages.
            capacity: What this run gets, instead of what the job's definition says.

        Returns:
            The run's id.

        Raises:
            AwsTimeoutError: Its turn did not come within the time limit.
            AwsOperationError: The job does not exist.
        """
        limit = capacity.timeout if capacity else timeout
        own: Any = capacity.as_request() if capacity else {}

        def start() -> str | None:
            try:
                answer = self._glue.start_job_run(
                    JobName=job_name,
                    Arguments=dict(arguments),
                    Timeout=math.ceil(limit.total_seconds() / 60),
                    **own,
                )
                if answer["ResponseMetadata"].get("RetryAttempts"):
                    self._stop_twins(job_name, arguments, answer["JobRunId"])
                return answer["JobRunId"]
            except HTTPClientError:
                self._stop_twins(job_name, arguments)
                raise
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "ConcurrentRunsExceededException":
                    if error.response["ResponseMetadata"].get("RetryAttempts"):
                        self._stop_twins(job_name, arguments)
                    return None
                if code == "EntityNotFoundException":
                    raise AwsOperationError(
                        f"{subject}: there is no Glue job {job_name!r} in {self._glue.meta.region_name}; "
                        "`dynamo-assets deploy` makes it"
                    ) from error
                raise

        what = f"{subject}: waiting for a free run of Glue job {job_name}"
        return wait_until(start, what=what, timeout=timeout, interval_seconds=15.0)

    def _stop_twins(self, job_name: str, arguments: Mapping[str, str], kept: str = "") -> None:
        """Stops what a request has started whose answer was lost: StartJobRun cannot be repeated without harm."""
        if arguments:
            for run in self._all_in_flight(job_name, arguments, timedelta(hours=1)):
                if run.run_id != kept:
                    self.stop(job_name, run.run_id)

    def follow(
        self, job_name: str, run_id: str, *, timeout: timedelta, subject: str, on_log: Callable[[str], None]
    ) -> JobRun:
        """Waits for a run's end and passes on what it prints. However this returns, the run has ended or is stopped.

        Args:
            job_name: The Glue job.
            run_id: The run.
            timeout: How long to wait.
            subject: Whose run it is, for messages.
            on_log: Called with each line of the run's output, and with each change of its state.

        Raises:
            GlueRunError: It ended in another state than SUCCEEDED.
            AwsTimeoutError: It did not end within the time limit; it has been stopped.
        """
        log = RunLog(self._logs, run_id, on_log)
        last_state = ""

        def poll() -> JobRun | None:
            nonlocal last_state
            run = JobRun.from_response(self._glue.get_job_run(JobName=job_name, RunId=run_id)["JobRun"])
            if run.state not in IN_FLIGHT:
                log.finish()
            elif run.state not in _NOTHING_PRINTED:
                log.look()
            if run.state != last_state:
                on_log(f"Glue run {run_id} is {run.state}")
                last_state = run.state
            return None if run.state in IN_FLIGHT else run

        what = f"{subject}: run {run_id} of Glue job {job_name}"
        with stopping(lambda: self.stop(job_name, run_id), what=f"The run ({self.url(job_name, run_id)})"):
            run = wait_until(poll, what=what, timeout=timeout, interval_seconds=15.0)
        if run.state != SUCCEEDED:
            raise GlueRunError(subject, run, self.url(job_name, run_id))
        return run

    def stop(self, job_name: str, run_id: str) -> None:
        """Asks Glue to stop a run; one that has ended already is left as it is.

        Raises:
            AwsOperationError: Glue would not.
        """
        for error in self._glue.batch_stop_job_run(JobName=job_name, JobRunIds=[run_id]).get("Errors", []):
            detail = error.get("ErrorDetail", {})
            if detail.get("ErrorCode") not in _ENDED:
                raise AwsOperationError(f"run {run_id}: {detail.get('ErrorCode')}: {detail.get('ErrorMessage')}")
