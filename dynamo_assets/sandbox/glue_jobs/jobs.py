"""Glue jobs: their definitions and runs as Glue's API has them; the runs really execute.

Spark jobs in Python only (`glueetl`, Glue 5.0 to 6.0, whatever Spark the sandbox's Python has). Worker type and
number, role, connections, security configuration and notifications are kept and shown but change nothing: a run has
two cores of this machine, and a third run at a time waits in STARTING. Spark has no file system for `s3://` here:
scripts reach S3 through boto3. Of `awsglue` there is what `provided/awsglue` has.

`DYNAMO_ASSETS_SANDBOX_MINUTE_SECONDS`, in the environment that the sandbox starts in, shortens the minutes of
`Timeout` (for tests; 60 where it is not set).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION, Endpoint
from dynamo_assets.sandbox.glue_catalog.errors import GlueError, invalid
from dynamo_assets.sandbox.glue_jobs.definition import job_definition, run_request
from dynamo_assets.sandbox.glue_jobs.execution import GlueExecutor
from dynamo_assets.sandbox.glue_jobs.run import JobRun

if TYPE_CHECKING:
    from moto.glue.models import GlueBackend

Parameters = Mapping[str, Any]
_PAGE = 200


class Job:
    """A job: its definition, and its runs, oldest first. Has the members that moto's own jobs have."""

    def __init__(self, name: str, definition: dict[str, Any]) -> None:
        self.name = name
        self.arn = f"arn:aws:glue:{REGION}:{ACCOUNT_ID}:job/{name}"
        self.definition = definition
        self.created_on = self.last_modified_on = datetime.now(UTC)
        self.runs: dict[str, JobRun] = {}

    def get_name(self) -> str:
        """The job's name."""
        return self.name

    def as_dict(self) -> dict[str, Any]:
        """The job as GetJob answers it."""
        dates = {"CreatedOn": self.created_on, "LastModifiedOn": self.last_modified_on}
        return {"Name": self.name, **dates, **self.definition}


class GlueJobs:
    """The operations on jobs and their runs.

    Args:
        endpoint: The sandbox.
        backend: moto's Glue, whose `jobs` these are.
        minute_seconds: How long a minute of a run's timeout takes.
    """

    def __init__(self, endpoint: Endpoint, backend: GlueBackend, minute_seconds: float) -> None:
        self._backend = backend
        self._executor = GlueExecutor(endpoint, minute_seconds, self._retry)
        self._lock = threading.RLock()

    def close(self) -> None:
        """Ends every run."""
        self._executor.close()

    def create_job(self, parameters: Parameters) -> dict[str, Any]:
        """CreateJob. The same call again answers as the first did; a different one of that name is refused."""
        name = parameters["Name"]
        definition = job_definition(parameters)
        with self._lock:
            existing = self._jobs.get(name)
            if existing and existing.definition != definition:
                raise GlueError(
                    "IdempotentParameterMismatchException",
                    f"Job with name {name} already submitted with different configuration.",
                )
            if not existing:
                job = self._jobs[name] = Job(name, definition)
                self._backend.tag_resource(job.arn, parameters.get("Tags") or {})
        self._executor.warm_up()
        return {"Name": name}

    def update_job(self, parameters: Parameters) -> dict[str, Any]:
        """UpdateJob: what the update does not name falls back to its default, but for the Glue version."""
        with self._lock:
            job = self._job(parameters["JobName"])
            kept = {"GlueVersion": job.definition["GlueVersion"]}
            job.definition = job_definition({**kept, **parameters["JobUpdate"]})
            job.last_modified_on = datetime.now(UTC)
        return {"JobName": job.name}

    def delete_job(self, parameters: Parameters) -> dict[str, Any]:
        """DeleteJob: no error where there is none; a run in flight goes on."""
        with self._lock:
            self._jobs.pop(parameters["JobName"], None)
        return {"JobName": parameters["JobName"]}

    def start_job_run(self, parameters: Parameters) -> dict[str, Any]:
        """StartJobRun."""
        with self._lock:
            job = self._jobs.get(parameters["JobName"])
            if job is None:
                raise GlueError("EntityNotFoundException", "Failed to start job run due to missing metadata")
            request = run_request(job.name, job.definition, parameters)
            limit = job.definition["ExecutionProperty"]["MaxConcurrentRuns"]
            if sum(not run.is_over for run in job.runs.values()) >= limit:
                raise GlueError("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {job.name}")
            run = JobRun(request)
            job.runs[run.id] = run
        self._executor.start(run)
        return {"JobRunId": run.id}

    def get_job_run(self, parameters: Parameters) -> dict[str, Any]:
        """GetJobRun."""
        run = self._job(parameters["JobName"]).runs.get(parameters["RunId"])
        if run is None:
            raise GlueError("EntityNotFoundException", f"Job Run {parameters['RunId']} not found")
        return {"JobRun": run.as_dict()}

    def get_job_runs(self, parameters: Parameters) -> dict[str, Any]:
        """GetJobRuns: the newest first. A page begins at the run that its token names."""
        with self._lock:
            runs = list(reversed(self._job(parameters["JobName"]).runs.values()))
        start = 0
        if token := parameters.get("NextToken"):
            start = next((index for index, run in enumerate(runs) if run.id == token), -1)
            if start < 0:
                raise invalid(f"Invalid NextToken: {token}")
        end = start + int(parameters.get("MaxResults") or _PAGE)
        page = {"JobRuns": [run.as_dict() for run in runs[start:end]]}
        return {**page, "NextToken": runs[end].id} if end < len(runs) else page

    def batch_stop_job_run(self, parameters: Parameters) -> dict[str, Any]:
        """BatchStopJobRun: what cannot be stopped is an entry of `Errors`, never an exception."""
        name = parameters["JobName"]
        job = self._jobs.get(name)
        stopped, errors = [], []
        for run_id in parameters["JobRunIds"]:
            run = job.runs.get(run_id) if job else None
            entry = {"JobName": name, "JobRunId": run_id}
            if run and run.request_stop():
                stopped.append(entry)
                continue
            code = "JobRunInTerminalStateException" if run else "EntityNotFoundException"
            message = f"Job run {run_id} is {run.state}" if run else f"Job run {run_id} not found"
            errors.append({**entry, "ErrorDetail": {"ErrorCode": code, "ErrorMessage": message}})
        return {"SuccessfulSubmissions": stopped, "Errors": errors}

    @property
    def _jobs(self) -> dict[str, Any]:
        return self._backend.jobs

    def _job(self, name: str) -> Job:
        job = self._jobs.get(name)
        if job is None:
            raise GlueError("EntityNotFoundException", f"Job {name} not found.")
        return job

    def _retry(self, run: JobRun) -> None:
        retry = run.next_attempt()
        job = self._jobs.get(run.request.job_name)
        if retry and job:
            with self._lock:
                job.runs[retry.id] = retry
            self._executor.start(retry)
