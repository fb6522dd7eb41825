"""What a Glue job may be: the checks and defaults of CreateJob, UpdateJob and StartJobRun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dynamo_assets.sandbox.glue_catalog.errors import invalid
from dynamo_assets.sandbox.glue_jobs.interpreters import PROVIDED
from dynamo_assets.sandbox.glue_jobs.module_installer import OPTION, OPTIONS, installer_options
from dynamo_assets.sandbox.glue_jobs.run import RunRequest

# Developer guide, "Worker types for Spark jobs": data processing units of each.
_DPUS = {
    **{f"G.{size}X": size for size in (1, 2, 4, 8, 12, 16)},
    **{f"R.{size}X": size for size in (1, 2, 4, 8)},
}
_DEFAULT_WORKERS = {"WorkerType": "G.1X", "NumberOfWorkers": 10}
_DEFAULT_TIMEOUT_MINUTES = 480  # Glue 5.0 and later
_DEFAULT_GLUE_VERSION = "6.0"  # CreateJob: jobs created without a version
_KEPT = (
    "Description", "LogUri", "Role", "ExecutionProperty", "Command", "DefaultArguments", "NonOverridableArguments",
    "Connections", "SecurityConfiguration", "NotificationProperty",
)  # fmt: skip
_KNOWN = {
    *_KEPT, "Name", "JobMode", "JobRunQueuingEnabled", "MaxRetries", "Timeout", "MaxCapacity", "WorkerType",
    "NumberOfWorkers", "GlueVersion", "ExecutionClass", "Tags",
}  # fmt: skip
_KNOWN_OF_RUN = {
    "JobName", "Arguments", "Timeout", "MaxCapacity", "WorkerType", "NumberOfWorkers", "ExecutionClass",
    "SecurityConfiguration", "NotificationProperty", "JobRunQueuingEnabled",
}  # fmt: skip
_UNSUPPORTED_ARGUMENTS = (
    "--class", "--extra-jars", "--datalake-formats", "--customer-driver-env-vars", "--customer-executor-env-vars",
)  # fmt: skip


def job_definition(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A job's definition, defaults filled in, from CreateJob's parameters or UpdateJob's `JobUpdate`.

    Raises:
        GlueError: Glue, or the sandbox, does not take it.
    """
    _check_known(parameters, _KNOWN, "a job's")
    _check_command(parameters.get("Command") or {})
    if not parameters.get("Role"):
        raise invalid("Role is required")
    version = parameters.get("GlueVersion") or _DEFAULT_GLUE_VERSION
    if version not in PROVIDED:
        raise invalid(f"The sandbox does not run Glue {version}: it runs {', '.join(PROVIDED)}")
    if parameters.get("JobMode", "SCRIPT") != "SCRIPT":
        raise invalid(f"The sandbox does not run jobs of mode {parameters['JobMode']}: only SCRIPT")
    retries = parameters.get("MaxRetries") or 0
    if not 0 <= retries <= 10:
        raise invalid("MaxRetries must be between 0 and 10")
    workers = _workers(parameters, {})
    return {
        **{name: parameters[name] for name in _KEPT if parameters.get(name) is not None},
        **workers,
        "AllocatedCapacity": int(workers["MaxCapacity"]),
        "ExecutionProperty": {"MaxConcurrentRuns": 1, **(parameters.get("ExecutionProperty") or {})},
        "GlueVersion": version,
        "JobMode": "SCRIPT",
        "JobRunQueuingEnabled": _queuing(parameters),
        "MaxRetries": retries,
        "Timeout": _timeout(parameters, _DEFAULT_TIMEOUT_MINUTES),
        "ExecutionClass": _execution_class(parameters, "STANDARD"),
    }


def run_request(job_name: str, definition: Mapping[str, Any], parameters: Mapping[str, Any]) -> RunRequest:
    """What a run is asked to do, from the job's definition and StartJobRun's parameters.

    Raises:
        GlueError: Glue, or the sandbox, does not take it.
    """
    _check_known(parameters, _KNOWN_OF_RUN, "StartJobRun's")
    _queuing(parameters)
    own = parameters.get("Arguments") or {}
    # Developer guide, "Using job parameters": non-overridable over the run's over the job's.
    arguments = {
        **definition.get("DefaultArguments", {}),
        **own,
        **definition.get("NonOverridableArguments", {}),
    }
    _check_arguments(arguments)
    workers = _workers(parameters, definition)
    kept = {name: parameters.get(name) or definition.get(name) for name in _KEPT[-2:]}
    return RunRequest(
        job_name=job_name,
        script_location=definition["Command"]["ScriptLocation"],
        glue_version=definition["GlueVersion"],
        arguments=arguments,
        own_arguments=dict(own),
        capacity=workers.pop("MaxCapacity"),
        timeout_minutes=_timeout(parameters, definition["Timeout"]),
        max_retries=definition["MaxRetries"],
        shown={
            **workers,
            **kept,
            "JobMode": "SCRIPT",
            "JobRunQueuingEnabled": False,
            "ExecutionClass": _execution_class(parameters, definition["ExecutionClass"]),
        },
    )


def _check_known(parameters: Mapping[str, Any], known: set[str], whose: str) -> None:
    unknown = [name for name, value in parameters.items() if name not in known and value]
    if unknown:
        raise invalid(f"The sandbox does not support {whose} {', '.join(sorted(unknown))}")


def _check_command(command: Mapping[str, Any]) -> None:
    if command.get("Name") != "glueetl":
        raise invalid(f"The sandbox does not run {command.get('Name')!r} jobs: only Command.Name 'glueetl'")
    if command.get("PythonVersion", "3") != "3":
        raise invalid(f"The sandbox does not run Python {command['PythonVersion']}: only Command.PythonVersion '3'")
    if not str(command.get("ScriptLocation", "")).startswith("s3://"):
        raise invalid(f"Command.ScriptLocation {command.get('ScriptLocation')!r} is not an s3:// address")


def _check_arguments(arguments: Mapping[str, str]) -> None:
    refused = [name for name in _UNSUPPORTED_ARGUMENTS if name in arguments]
    if arguments.get("--job-language", "python") != "python":
        refused.append("--job-language " + arguments["--job-language"])
    if arguments.get("--job-bookmark-option", "job-bookmark-disable") != "job-bookmark-disable":
        refused.append("--job-bookmark-option " + arguments["--job-bookmark-option"])
    refused += [f"{OPTION} {option}" for option in installer_options(arguments) if option not in OPTIONS]
    if refused:
        raise invalid(f"The sandbox does not support the job argument {', '.join(refused)}")


def _workers(parameters: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Worker type, number of workers and the capacity they have."""
    asked = {name: parameters[name] for name in _DEFAULT_WORKERS if parameters.get(name) is not None}
    capacity = parameters.get("MaxCapacity")
    if capacity is not None:
        if asked:
            raise invalid("Please do not set Max Capacity if using Worker Type and Number of Workers.")
        # API reference, Job: "For Glue version 2.0+ jobs, you cannot specify a Maximum capacity."
        raise invalid("Glue 2.0 and later take no Max Capacity: set Worker Type and Number of Workers")
    found = {name: asked.get(name) or defaults.get(name) or value for name, value in _DEFAULT_WORKERS.items()}
    if found["WorkerType"] not in _DPUS:
        raise invalid(f"The sandbox does not have worker type {found['WorkerType']}: it has {', '.join(_DPUS)}")
    if found["NumberOfWorkers"] < 2:
        raise invalid("Number of Workers must be 2 or more")
    return {**found, "MaxCapacity": float(found["NumberOfWorkers"] * _DPUS[found["WorkerType"]])}


def _timeout(parameters: Mapping[str, Any], default: int) -> int:
    minutes = parameters.get("Timeout")
    if minutes is None:
        return default
    if not 1 <= minutes <= 10_080:
        raise invalid("Timeout must be between 1 and 10080 minutes")
    return minutes


def _execution_class(parameters: Mapping[str, Any], default: str) -> str:
    name = parameters.get("ExecutionClass") or default
    if name not in {"STANDARD", "FLEX"}:
        raise invalid(f"ExecutionClass {name!r} is neither STANDARD nor FLEX")
    return name


def _queuing(parameters: Mapping[str, Any]) -> bool:
    if parameters.get("JobRunQueuingEnabled"):
        raise invalid("The sandbox does not queue job runs: leave JobRunQueuingEnabled out")
    return False
