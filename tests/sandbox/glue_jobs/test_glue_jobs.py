from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dynamo_assets.sandbox.endpoint import GLUE_ACCESS_KEY, Endpoint
from tests.sandbox.glue_client import Glue, error_of
from tests.wheel_files import wheel


@pytest.fixture
def glue(sandbox: Endpoint, bucket: str, unique: Callable[[str], str]) -> Glue:
    return Glue(sandbox, bucket, unique)


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
    expected = {**sandbox.environment(), "AWS_ACCESS_KEY_ID": GLUE_ACCESS_KEY}
    assert {name: value for name, value in environment.items() if name.startswith("AWS_")} == expected
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
    name = "in_house-2.0-py3-none-any.whl"
    address = glue.put(name, wheel(name, {"in_house/__init__.py": "NAME = 'wheel'"}))
    glue.succeed(
        """
        from pyspark import SparkContext
        def modules(_):
            import in_house, msgspec
            return [msgspec.json.decode(b"[1]"), in_house.NAME]
        say("found", [modules(0), SparkContext.getOrCreate().parallelize([0], 1).map(modules).first()])
        """,
        DefaultArguments={"--additional-python-modules": f"msgspec>=0.18,{address}"},
    )
    assert glue.said("found") == [[[1], "wheel"]] * 2


@pytest.mark.parametrize("requirement", ["msgspec==0.0.1", "no-such-package-anywhere"])
def test_additional_module_that_the_sandbox_lacks_fails_the_run(glue: Glue, requirement: str) -> None:
    message = glue.fail("pass", DefaultArguments={"--additional-python-modules": requirement})
    assert message.startswith(
        f"LAUNCH ERROR | Python Module Installer: --additional-python-modules asks for '{requirement}'"
    )
    assert "The sandbox does not install packages" in message


def test_with_no_index_there_is_nothing_but_the_wheels_and_what_glue_provides(glue: Glue) -> None:
    wheels = {
        "top-1.0-py3-none-any.whl": wheel("top-1.0-py3-none-any.whl", {"top.py": ""}, ["below>=2", "boto3", "numpy"]),
        "below-2.0-py3-none-any.whl": wheel("below-2.0-py3-none-any.whl", {"below.py": "VERSION = 2"}),
    }
    top, below = (glue.put(name, body) for name, body in wheels.items())
    source = """
        import importlib.util, below, top
        say("seen", [below.VERSION, below.__file__, importlib.util.find_spec("msgspec") is None])
        """
    arguments = {"--additional-python-modules": f"{top},{below}", "--python-modules-installer-option": "--no-index"}
    job = glue.job(glue.script(source), DefaultArguments=arguments)
    assert glue.outcome(job)["JobRunState"] == "SUCCEEDED"
    version, path, lacks_msgspec = glue.said("seen")
    assert (version, lacks_msgspec) == (2, True)
    glue.put("below-2.0-py3-none-any.whl", wheel("below-2.0-py3-none-any.whl", {"below.py": "VERSION = 3"}))
    assert glue.outcome(job)["JobRunState"] == "SUCCEEDED"
    assert glue.said("seen")[0] == 3, "wheels are known by their content"
    assert glue.said("seen")[1] != path

    run_id = ""
    for modules, lacks in {top: "below>=2 (from top)", f"{top},{below},msgspec": "msgspec (from --additional"}.items():
        run_id = glue.start(job, Arguments={"--additional-python-modules": modules})
        message = glue.in_state(job, run_id, "FAILED")["ErrorMessage"]
        assert message.startswith("LAUNCH ERROR | Python Module Installer: ERROR: Could not find a version that satis")
        assert lacks in message
    assert any("No matching distribution found for msgspec" in line for line in glue.lines(run_id, "error"))
    without = {"--python-modules-installer-option": "--no-index --no-deps", "--additional-python-modules": top}
    message = glue.fail("import below", DefaultArguments=without)
    assert message.endswith("ModuleNotFoundError: No module named 'below'"), "what nobody looked for is missed at last"


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        (
            "x-1-cp310-cp310-manylinux2014_x86_64.whl",
            b"",
            "ERROR: x-1-cp310-cp310-manylinux2014_x86_64.whl is not a sup",
        ),
        ("x-1-py3-none-win_amd64.whl", b"", "ERROR: x-1-py3-none-win_amd64.whl is not a supported wheel on this platf"),
        (
            "x-1-cp311-cp311-manylinux_2_40_x86_64.whl",
            b"",
            "is not a supported wheel on this platform. (Python 3.11 on ",
        ),
        ("x.whl", b"", "ERROR: x.whl is not a valid wheel filename."),
        ("x-1-py3-none-any.whl", b"no archive", "ERROR: Wheel 'x' located at "),
        ("x-1-py3-none-any.whl", None, "LAUNCH ERROR | Error downloading from S3 for bucket: "),
        ("modules.gluewheels.zip", b"", "The sandbox does not install 'modules.gluewheels.zip' of --additional-python"),
    ],
)
def test_a_wheel_that_glue_could_not_install_fails_the_run(
    glue: Glue, name: str, body: bytes | None, reason: str
) -> None:
    address = f"s3://{glue.bucket}/{name}" if body is None else glue.put(name, body)
    message = glue.fail("pass", DefaultArguments={"--additional-python-modules": address})
    assert message.startswith("LAUNCH ERROR | ")
    assert reason in message


def test_a_wheel_for_glues_python_does_not_run_where_the_sandbox_has_another(glue: Glue) -> None:
    version, python = ("5.1", "cp311") if sys.version_info[:2] == (3, 13) else ("6.0", "cp313")
    name = f"x-1-{python}-{python}-manylinux2014_x86_64.whl"
    arguments = {"--additional-python-modules": glue.put(name)}
    message = glue.fail("pass", DefaultArguments=arguments, GlueVersion=version)
    assert message.startswith(f"LAUNCH ERROR | The sandbox does not run {name}: it is for Python 3.")
    assert "python_modules: index" in message


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
    assert job in _job_names(glue)
    glue.client.delete_job(JobName=job)
    assert job not in _job_names(glue)


def _job_names(glue: Glue) -> set[str]:
    pages = glue.client.get_paginator("list_jobs").paginate()
    return {name for page in pages for name in page["JobNames"]}


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
        ({"MaxCapacity": 2.0}, "Glue 2.0 and later take no Max Capacity"),
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
        ({"Arguments": {"--python-modules-installer-option": "--no-index -r"}}, "The sandbox does not support the job"),
        ({"Arguments": {"--extra-jars": "s3://b/x.jar"}}, "The sandbox does not support the job argument --extra-jars"),
        ({"Arguments": {"--job-bookmark-option": "job-bookmark-enable"}}, "The sandbox does not support the job argu"),
        ({"JobRunId": "jr_1"}, "The sandbox does not support StartJobRun's JobRunId"),
        ({"Timeout": 20_000}, "Timeout must be between 1 and 10080 minutes"),
        ({"NumberOfWorkers": 4, "MaxCapacity": 4.0}, "Please do not set Max Capacity"),
        ({"MaxCapacity": 4.0}, "Glue 2.0 and later take no Max Capacity"),
        ({"WorkerType": "G.1X", "NumberOfWorkers": 1}, "Number of Workers must be 2 or more"),
    ],
)
def test_run_that_the_sandbox_cannot_do_is_refused(glue: Glue, overrides: dict[str, Any], reason: str) -> None:
    job = glue.job(glue.script("pass"))
    code, message = error_of(glue.client.start_job_run, JobName=job, **overrides)
    assert code == "InvalidInputException"
    assert message.startswith(reason)
    assert glue.client.get_job_runs(JobName=job)["JobRuns"] == []
