"""Jobs whose Python modules are wheels in the bucket, put there by `dynamo-assets deploy`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.load import load_settings
from dynamo_assets.errors import ConfigError
from dynamo_assets.infrastructure import python_modules
from dynamo_assets.infrastructure.deployment import deploy
from dynamo_assets.infrastructure.glue_pythons import GLUE_PYTHONS
from dynamo_assets.infrastructure.pinned_modules import Pin, pinned_with_dependencies
from tests.acceptance.conftest import NO_WHEELS, Pipeline, failure_of
from tests.sandbox.glue_client import Glue
from tests.wheel_files import wheel

WHEELS = {"python_modules": "wheels"}
RUNNABLE = {python.version: version for version, python in GLUE_PYTHONS.items()}
"""The Glue version, by the Python that a sandbox must have to run its wheels."""
PROBE = """
import importlib
names = ["arro3.core", "arro3.io", "fastavro", "isal", "msgspec", "pyarrow"]
say("modules", {name: importlib.import_module(name).__file__ for name in names})
"""


@pytest.mark.skipif(sys.version_info[:2] not in RUNNABLE, reason="no version of Glue has this Python")
def test_a_job_runs_with_the_wheels_that_deploy_put_into_the_bucket_and_with_nothing_else(
    make_pipeline: Callable[..., Pipeline], unique
) -> None:
    version, table = RUNNABLE[sys.version_info[:2]], unique("Reviews")
    pipeline = make_pipeline(
        {table: {"engine": "glue"}}, catalog={"method": "direct"}, glue={"version": version}, deploy=WHEELS
    )
    pipeline.create_table(table, [{"id": "1", "stars": 5}, {"id": "2", "stars": 2}])

    result = pipeline.run(table)

    assert result.success, failure_of(result)
    [label] = pipeline.manifests.labels(pipeline.table(table).name)
    assert pipeline.manifests.read(pipeline.table(table).name, label).rows == 2
    job = pipeline.settings.glue.job_name
    arguments = pipeline.clients.glue.get_job(JobName=job)["Job"]["DefaultArguments"]
    addresses = arguments["--additional-python-modules"].split(",")
    assert len(addresses) == len(pinned_with_dependencies(GLUE_PYTHONS[version]))
    assert all(address.startswith("s3://") and address.endswith(".whl") for address in addresses)
    assert arguments["--python-modules-installer-option"] == "--no-index"
    # The same wheels, and no way to anything else: what the sandbox has installed is not what the job imports.
    glue = Glue(pipeline.endpoint, pipeline.settings.storage.bucket, unique)
    run = glue.outcome(job, Arguments={"--scriptLocation": glue.script(PROBE)})
    assert run["JobRunState"] == "SUCCEEDED", run
    modules = {name: Path(path) for name, path in glue.said("modules").items()}
    assert all("wheels" in path.parts and "site-packages" not in path.parts for path in modules.values()), modules


@pytest.fixture
def tiny_wheels(monkeypatch, tmp_path: Path) -> Path:
    """A directory of wheels of two modules, which are all that the export core needs in this test."""
    monkeypatch.setattr(python_modules, "pinned_with_dependencies", lambda _: [Pin("a", "1"), Pin("b", "1")])
    for name in ("a-1-py3-none-any.whl", "b-1-cp311-cp311-manylinux_2_28_x86_64.whl"):
        (tmp_path / name).write_bytes(wheel(name, {}))
    return tmp_path


def test_only_wheels_that_are_not_in_the_bucket_are_uploaded_and_jobs_of_others_are_told(
    make_pipeline: Callable[..., Pipeline], tiny_wheels: Path
) -> None:
    pipeline = make_pipeline({"Orders": {}}, deploy={"wheels": str(tiny_wheels), **WHEELS})
    bucket, job = pipeline.settings.storage.bucket, pipeline.settings.glue.job_name
    glue: Any = pipeline.clients.glue
    first = glue.get_job(JobName=job)["Job"]["DefaultArguments"]["--additional-python-modules"].split(",")
    said: list[str] = []
    deploy(pipeline.settings, AwsClients(), said.append)
    assert not [line for line in said if "uploaded" in line]

    name = "a-1-py3-none-any.whl"
    (tiny_wheels / name).write_bytes(wheel(name, {"a.py": ""}))
    elsewhere = pipeline.settings.model_copy(
        update={"glue": pipeline.settings.glue.model_copy(update={"job_name": f"{job}_theirs"})}
    )
    command = {"Name": "glueetl", "ScriptLocation": "s3://theirs/script.py"}
    glue.create_job(Name=f"{job}_theirs", Role="theirs", Command=command, GlueVersion="5.1")
    said.clear()
    deploy(elsewhere, AwsClients(), said.append)

    [uploaded] = [line for line in said if "uploaded" in line]
    assert uploaded.endswith(f"/{name}")
    assert uploaded.removeprefix("uploaded ") not in first
    [told] = [line for line in said if "set its script to" in line]
    assert f"--additional-python-modules to {uploaded.removeprefix('uploaded ')},{first[1]}, " in told
    assert told.endswith("--python-modules-installer-option to --no-index")
    kept = pipeline.clients.s3.list_objects_v2(Bucket=bucket, Prefix="_glue/")["Contents"]
    assert len([entry for entry in kept if entry["Key"].endswith(".whl")]) == 3

    index = pipeline.settings.model_copy(
        update={"deploy": pipeline.settings.deploy.model_copy(update={"python_modules": "index", "wheels": ""})}
    )
    deploy(index, AwsClients(), said.append)
    arguments = glue.get_job(JobName=job)["Job"]["DefaultArguments"]
    assert "msgspec==" in arguments["--additional-python-modules"]
    assert "--python-modules-installer-option" not in arguments


def test_a_dry_run_names_the_wheels_without_having_them(
    make_pipeline: Callable[..., Pipeline], monkeypatch, tmp_path: Path
) -> None:
    pipeline = make_pipeline({"Orders": {}}, deploy=NO_WHEELS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = pipeline.settings.model_copy(
        update={"deploy": pipeline.settings.deploy.model_copy(update={"python_modules": "wheels"})}
    )
    said: list[str] = []
    deploy(settings, AwsClients(), said.append, dry_run=True)

    assert "would change Job (AWS::Glue::Job): DefaultArguments" in said
    assert list(tmp_path.glob("dynamo-assets/**")) == []


def test_wheels_that_nobody_would_install_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "tables.yaml"
    path.write_text(
        "storage: {bucket: exports}\ntables: {Orders: {}}\ndeploy: {python_modules: index, wheels: wheelhouse}\n"
    )
    with pytest.raises(ConfigError, match=r"deploy: wheels: with `python_modules: index` jobs take none"):
        load_settings(path)
