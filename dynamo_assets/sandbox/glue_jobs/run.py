"""One run of a Glue job: what is known of it, and which state it is in."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

TERMINAL_STATES = frozenset({"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT"})
LOG_GROUP = "/aws-glue/jobs"


def new_run_id() -> str:
    """A run's id, of the form that Glue gives."""
    return f"jr_{secrets.token_hex(32)}"


@dataclass(frozen=True)
class RunRequest:
    """What a run was asked to do: the job's definition as it was then, under what StartJobRun said.

    Attributes:
        job_name: The job's name.
        script_location: `s3://` address of the script.
        glue_version: Such as `5.1`.
        arguments: All arguments, the job's defaults included: what the script is given.
        own_arguments: Those that StartJobRun gave: what GetJobRun shows.
        capacity: DPUs.
        timeout_minutes: After how long the run is ended.
        max_retries: How often a failed run is started again.
        shown: Further fields of the run as GetJobRun answers them.
    """

    job_name: str
    script_location: str
    glue_version: str
    arguments: dict[str, str]
    own_arguments: dict[str, str]
    capacity: float
    timeout_minutes: int
    max_retries: int
    shown: dict[str, Any]


@dataclass
class JobRun:
    """A run's state; every thread may ask and change it.

    Attributes:
        request: What it was asked to do.
        id: `jr_` and 64 hexadecimal digits; a retry's id has `_attempt_1`, `_attempt_2` after that.
        attempt: 0, or the number of the retry.
        previous_id: The run that this one retries.
        stop_requested: Set once the run is to end.
    """

    request: RunRequest
    id: str = field(default_factory=new_run_id)
    attempt: int = 0
    previous_id: str | None = None
    state: str = "STARTING"
    error_message: str | None = None
    stop_requested: threading.Event = field(default_factory=threading.Event, repr=False)
    started_on: datetime = field(default_factory=lambda: datetime.now(UTC))
    _running_since: datetime | None = None
    _modified_on: datetime = field(default_factory=lambda: datetime.now(UTC))
    _completed_on: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether its state is final."""
        return self.state in TERMINAL_STATES

    def next_attempt(self) -> JobRun | None:
        """The run that retries this one; None where it did not fail, or failed for the last time.

        A run that was stopped or timed out is not retried.
        """
        if self.state != "FAILED" or self.attempt >= self.request.max_retries:
            return None
        first_id = self.id.split("_attempt_", maxsplit=1)[0]
        number = self.attempt + 1
        return JobRun(self.request, id=f"{first_id}_attempt_{number}", attempt=number, previous_id=self.id)

    def mark_running(self) -> None:
        """The script starts now; says nothing where the run is being stopped."""
        with self._lock:
            self._running_since = self._modified_on = datetime.now(UTC)
            if self.state == "STARTING":
                self.state = "RUNNING"

    def request_stop(self) -> bool:
        """Asks the run to end; False where it is over already."""
        with self._lock:
            if self.is_over:
                return False
            self.state = "STOPPING"
            self._modified_on = datetime.now(UTC)
            self.stop_requested.set()
            return True

    def finish(self, state: str, error_message: str | None = None) -> None:
        """Gives the run its final state; one that was asked to stop is STOPPED, whatever came of it."""
        with self._lock:
            self.state = "STOPPED" if self.state == "STOPPING" else state
            self.error_message = error_message if self.state == "FAILED" else None
            self._completed_on = self._modified_on = datetime.now(UTC)

    def _counts_dpu_seconds(self) -> bool:
        scales = self.request.arguments.get("--enable-auto-scaling") == "true"
        return self._completed_on is not None and (scales or self.request.shown["ExecutionClass"] == "FLEX")

    def as_dict(self) -> dict[str, Any]:
        """The run as GetJobRun answers it.

        `DPUSeconds` is given as Glue gives it, with auto scaling or class FLEX only; of others it follows from
        `ExecutionTime` and `MaxCapacity`.
        """
        with self._lock:
            seconds = 0.0
            if self._running_since is not None:
                seconds = ((self._completed_on or datetime.now(UTC)) - self._running_since).total_seconds()
            known = {
                "Id": self.id,
                "Attempt": self.attempt,
                "PreviousRunId": self.previous_id,
                "JobName": self.request.job_name,
                "StartedOn": self.started_on,
                "LastModifiedOn": self._modified_on,
                "CompletedOn": self._completed_on,
                "JobRunState": self.state,
                "Arguments": self.request.own_arguments or None,
                "ErrorMessage": self.error_message,
                "PredecessorRuns": [],
                "AllocatedCapacity": int(self.request.capacity),
                "MaxCapacity": self.request.capacity,
                "ExecutionTime": round(seconds),
                "DPUSeconds": round(seconds * self.request.capacity, 1) if self._counts_dpu_seconds() else None,
                "Timeout": self.request.timeout_minutes,
                "LogGroupName": LOG_GROUP,
                "GlueVersion": self.request.glue_version,
                **self.request.shown,
            }
        return {name: value for name, value in known.items() if value is not None}
