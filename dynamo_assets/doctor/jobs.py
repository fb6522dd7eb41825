"""The Glue jobs: as the settings say, and with the code of this installation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dynamo_assets.configuration.settings import Settings
from dynamo_assets.doctor.case import Case
from dynamo_assets.doctor.finding import Finding, ok, problem
from dynamo_assets.doctor.usage import job_of
from dynamo_assets.infrastructure.glue_code import GlueCode, build_glue_code

JOB, CODE = "Glue job", "Glue code"
DEPLOY = "Run `dynamo-assets deploy`; a job that is not the stack's is changed by hand, and `deploy` prints the values"
MISSING = frozenset({"EntityNotFoundException"})


@dataclass(frozen=True)
class WantedJob:
    """What a job should be.

    Attributes:
        name: Its name.
        engine: Which one it is for.
        tables: How many tables run on it, or may.
    """

    name: str
    engine: str
    tables: int


def wanted_jobs(settings: Settings) -> list[WantedJob]:
    """The jobs that the configuration uses."""
    names = {settings.glue.job_name: "glue", settings.glue.connector_job_name: "glue_connector"}
    used = [job_of(table, settings) for table in settings.tables]
    return [WantedJob(name, engine, used.count(name)) for name, engine in names.items() if name in used]


def described(case: Case, name: str) -> Mapping[str, Any] | None:
    """A job as Glue describes it; None where there is none.

    Raises:
        UntoldError: The caller may not look.
    """
    answer = case.inquiry.ask("glue:GetJob", lambda: case.aws.glue.get_job(JobName=name), MISSING)
    return answer["Job"] if answer else None


def examine_job(case: Case, wanted: WantedJob) -> Iterator[Finding]:
    """One job, and its code."""
    job = described(case, wanted.name)
    if job is None:
        yield problem(JOB, f"there is no Glue job {wanted.name}", "`dynamo-assets deploy` makes it")
        return
    differences = list(definition_differences(job, case.settings))
    for level, text in differences:
        yield Finding(JOB, level, f"{wanted.name}: {text}", DEPLOY)  # pyright: ignore[reportArgumentType]
    if not differences:
        yield ok(JOB, f"{wanted.name} is there: Glue {job.get('GlueVersion')}, {concurrent_runs(job)} runs at once")
    code = build_glue_code()
    outdated = list(code_differences(job, wanted.engine, code, case.settings))
    for text in outdated:
        yield problem(CODE, f"{wanted.name}: {text}", DEPLOY)
    if not outdated:
        yield from _uploaded(case, wanted, code)


def definition_differences(job: Mapping[str, Any], settings: Settings) -> Iterator[tuple[str, str]]:
    """In what a job is not as the settings say, and whether that is a problem."""
    glue, command = settings.glue, job.get("Command", {})
    if command.get("Name") != "glueetl":
        yield "problem", f"its type is {command.get('Name')}, and must be glueetl (Spark)"
    if command.get("PythonVersion", "3") != "3":
        yield "problem", f"it is for Python {command['PythonVersion']}, and must be for Python 3"
    if job.get("GlueVersion") != glue.version:
        yield "warning", f"its Glue version is {job.get('GlueVersion')}, and glue.version is {glue.version}"
    if job.get("Role") not in {glue.role_arn, glue.role_arn.rsplit("/", 1)[-1]}:
        yield (
            "warning",
            f"it runs as {job.get('Role')}, and glue.role_arn is {glue.role_arn}, whose permissions are examined",
        )
    if job.get("WorkerType") not in {glue.worker_type, None}:
        yield (
            "warning",
            f"its workers are {job['WorkerType']}, and glue.worker_type is {glue.worker_type}, which each run asks for",
        )
    if job.get("MaxRetries"):
        yield "warning", f"it tries a run {job['MaxRetries']} more times, which Dagster does, too; it should not"
    if concurrent_runs(job) < glue.max_concurrent_runs:
        yield (
            "warning",
            f"it runs {concurrent_runs(job)} at once, and glue.max_concurrent_runs is {glue.max_concurrent_runs}",
        )


def concurrent_runs(job: Mapping[str, Any]) -> int:
    """How many runs of a job there may be at once."""
    return job.get("ExecutionProperty", {}).get("MaxConcurrentRuns", 1)


def code_differences(job: Mapping[str, Any], engine: str, code: GlueCode, settings: Settings) -> Iterator[str]:
    """In what a job's code is not this installation's. What else its arguments say is not looked at."""
    layout = settings.layout
    script = layout.uri(layout.glue_code_prefix() + code.scripts[engine][0])
    found = job.get("Command", {}).get("ScriptLocation", "")
    if found != script:
        yield f"its script is {found or 'none'}, and this installation's is {script}"
    arguments = job.get("DefaultArguments", {})
    for name, wanted in wanted_arguments(code, settings).items():
        if lacking := [each for each in _listed(wanted) if not has_module(arguments.get(name, ""), each)]:
            yield f"its {name} have not {', '.join(lacking)}, which this installation has"


def wanted_arguments(code: GlueCode, settings: Settings) -> Mapping[str, str]:
    """The job's arguments that its code comes by; each may have more in it."""
    layout = settings.layout
    return {
        "--extra-py-files": layout.uri(layout.glue_code_prefix() + code.package_name),
        "--additional-python-modules": code.additional_python_modules,
    }


def has_module(modules: str, wanted: str) -> bool:
    """Whether `pyarrow==17.0.0`, or a file, is among a job's modules; a module also as a wheel at any place."""
    listed = _listed(modules)
    if wanted in listed:
        return True
    name, _, version = wanted.partition("==")
    wheel = f"{re.sub(r'[-_.]+', '_', name)}-{version}-"
    names = {each.rsplit("/", 1)[-1] for each in listed}
    return bool(version) and any(each.lower().startswith(wheel.lower()) for each in names if each.endswith(".whl"))


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _uploaded(case: Case, wanted: WantedJob, code: GlueCode) -> Iterator[Finding]:
    """The names are hashes of the content, so what lies there is what it should be."""
    layout, s3 = case.settings.layout, case.aws.s3
    for name in (code.scripts[wanted.engine][0], code.package_name):
        key = layout.glue_code_prefix() + name
        there = case.inquiry.ask(
            "s3:GetObject",
            lambda key=key: s3.head_object(Bucket=layout.bucket, Key=key),
            {"404", "NoSuchKey", "NoSuchBucket"},
        )
        if there is None:
            yield problem(CODE, f"{wanted.name}: there is no {layout.uri(key)}", DEPLOY)
            return
    yield ok(CODE, f"{wanted.name} runs this installation's")
