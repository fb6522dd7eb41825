"""A Glue job, against the settings and against this installation's code."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_assets.doctor.jobs import code_differences, definition_differences, has_module, wanted_jobs
from dynamo_assets.infrastructure.glue_code import build_glue_code
from tests.doctor.cases import ROLE, settings, table

CODE = build_glue_code()
SETTINGS = settings()


def _job(**changes: Any) -> dict[str, Any]:
    folder = SETTINGS.layout.uri(SETTINGS.layout.glue_code_prefix())
    return {
        "Role": ROLE,
        "Command": {"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": folder + CODE.scripts["glue"][0]},
        "DefaultArguments": {
            "--extra-py-files": folder + CODE.package_name,
            "--additional-python-modules": CODE.additional_python_modules,
        },
        "GlueVersion": "5.1",
        "WorkerType": "G.1X",
        "MaxRetries": 0,
        "ExecutionProperty": {"MaxConcurrentRuns": 10},
        **changes,
    }


def test_a_job_as_it_is_deployed_differs_in_nothing() -> None:
    assert list(definition_differences(_job(), SETTINGS)) == []
    assert list(code_differences(_job(), "glue", CODE, SETTINGS)) == []
    assert list(definition_differences(_job(Role="exports"), SETTINGS)) == [], "Glue may give a role's name alone"


@pytest.mark.parametrize(
    ("changes", "level", "text"),
    [
        ({"Command": {"Name": "pythonshell"}}, "problem", "must be glueetl"),
        ({"GlueVersion": "4.0"}, "warning", "its Glue version is 4.0"),
        ({"Role": "arn:aws:iam::123456789012:role/other"}, "warning", "it runs as"),
        ({"WorkerType": "G.8X"}, "warning", "its workers are G.8X"),
        ({"MaxRetries": 2}, "warning", "2 more times"),
        ({"ExecutionProperty": {}}, "warning", "it runs 1 at once"),
    ],
)
def test_each_difference_is_named(changes: dict[str, Any], level: str, text: str) -> None:
    [(found, told)] = definition_differences(_job(**changes), SETTINGS)
    assert found == level
    assert text in told


def test_other_code_than_this_installations_is_told_and_further_arguments_are_not() -> None:
    arguments = _job()["DefaultArguments"]
    further = {**arguments, "--enable-metrics": "true"}
    further["--extra-py-files"] = f"s3://exports/other.zip, {arguments['--extra-py-files']}"
    assert list(code_differences(_job(DefaultArguments=further), "glue", CODE, SETTINGS)) == []
    assert [text.split(" ")[1] for text in code_differences(_job(), "glue_connector", CODE, SETTINGS)] == ["script"]
    told = list(code_differences(_job(DefaultArguments={}), "glue", CODE, SETTINGS))
    assert [text.split(" ")[1] for text in told] == ["--extra-py-files", "--additional-python-modules"]


def test_a_module_is_there_by_its_version_or_as_a_wheel_of_it() -> None:
    wheels = "s3://b/_glue/x/arro3_core-0.6.5-cp311-abi3-manylinux_2_17_x86_64.whl,msgspec==0.19.0"
    assert has_module(wheels, "arro3-core==0.6.5")
    assert has_module(wheels, "msgspec==0.19.0")
    assert not has_module(wheels, "arro3-core==0.6.6")
    assert not has_module(wheels, "arro3==0.6.5")


def test_only_jobs_that_are_used_are_wanted() -> None:
    assert wanted_jobs(settings(table(engine="in_process"))) == []
    both = wanted_jobs(settings(table(engine="auto"), table("Reviews", engine="glue_connector")))
    assert [(job.engine, job.tables) for job in both] == [("glue", 1), ("glue_connector", 1)]
