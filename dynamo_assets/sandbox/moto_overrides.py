"""Every override of moto's private names, in one place.

moto 5.2.5 answers Glue runs, crawlers and Athena queries without executing them. Each class or function named
below replaces one such answer; the code that does the work lives in the service modules beside this one. All of it
leans on names that moto may rename in any release, so `MOTO_VERSION` is pinned here and in `pyproject.toml`, and
`install` refuses another version.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.glue.models import glue_backends
from moto.glue.responses import GlueResponse

from dynamo_assets.errors import SandboxError
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION, Endpoint
from dynamo_assets.sandbox.glue_errors import invalid
from dynamo_assets.sandbox.glue_jobs import GlueJobs

MOTO_VERSION = "5.2.5"

_closers: list[Callable[[], None]] = []


def install(endpoint: Endpoint) -> None:
    """Replaces moto's answers in this process. Call once, before the server answers its first request.

    Raises:
        SandboxError: Another version of moto is installed.
    """
    installed = importlib.metadata.version("moto")
    if installed != MOTO_VERSION:
        raise SandboxError(
            f"the sandbox needs moto {MOTO_VERSION} exactly, and {installed} is installed: "
            "reinstall with the project's constraints file"
        )
    # --- DynamoDB and native exports
    # --- Glue jobs
    _install_glue_jobs(endpoint)
    # --- Crawlers
    # --- Athena
    # --- S3, CloudWatch Logs


def shut_down() -> None:
    """Ends every process and thread that the overrides started."""
    while _closers:
        _closers.pop()()


def _install_glue_jobs(endpoint: Endpoint) -> None:
    minute_seconds = float(os.environ.get("DYNAMO_ASSETS_SANDBOX_MINUTE_SECONDS", "60"))
    jobs = GlueJobs(endpoint, glue_backends[ACCOUNT_ID][REGION], minute_seconds)
    _closers.append(jobs.close)

    def answered_by(operation: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Callable[[GlueResponse], ActionResult]:
        def answer(response: GlueResponse) -> ActionResult:
            if response.region != REGION:
                raise invalid(f"The sandbox does not run Glue jobs in {response.region}: only in {REGION}")
            return ActionResult(operation(json.loads(response.body)))

        return answer

    responses: Any = GlueResponse  # UpdateJob and BatchStopJobRun are new to it
    responses.create_job = answered_by(jobs.create_job)
    responses.update_job = answered_by(jobs.update_job)
    responses.delete_job = answered_by(jobs.delete_job)
    responses.start_job_run = answered_by(jobs.start_job_run)
    responses.get_job_run = answered_by(jobs.get_job_run)
    responses.get_job_runs = answered_by(jobs.get_job_runs)
    responses.batch_stop_job_run = answered_by(jobs.batch_stop_job_run)
