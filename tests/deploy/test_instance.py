"""deploy/dagster.yaml and deploy/workspace.yaml: valid, and of one mind with the package and with ecs.yaml."""

from __future__ import annotations

import re

import pytest
import sqlalchemy
import yaml
from dagster._config import validate_config
from dagster._core.instance.ref import InstanceRef
from dagster._core.workspace.config_schema import WORKSPACE_CONFIG_SCHEMA
from dagster_postgres.utils import pg_url_from_config

from dynamo_assets.assets.snapshot import POOLS
from dynamo_assets.configuration.settings import Glue
from tests.deploy.deployed import DEPLOY, INSTANCE, ROOT, asked_of_the_environment, containers, evaluated

CONCURRENCY = INSTANCE["concurrency"]


@pytest.fixture
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in asked_of_the_environment(INSTANCE):
        monkeypatch.setenv(name, "given")


@pytest.mark.usefixtures("_environment")
def test_the_instance_is_valid_for_the_installed_dagster() -> None:
    instance = InstanceRef.from_dir(str(DEPLOY))

    assert instance.run_launcher_data is not None
    assert (instance.run_launcher_data.module_name, instance.run_launcher_data.class_name) == (
        "dagster_aws.ecs",
        "EcsRunLauncher",
    )


def test_the_storage_takes_a_driver_that_is_installed() -> None:
    given = {"hostname": "database", "db_name": "dagster", "username": "dagster", "password": "p/w@:"}

    url = pg_url_from_config({"postgres_db": {**INSTANCE["storage"]["postgres"]["postgres_db"], **given}})

    assert sqlalchemy.create_engine(url).url.password == "p/w@:"


def test_the_code_location_is_where_its_container_listens() -> None:
    workspace = yaml.safe_load((DEPLOY / "workspace.yaml").read_text())
    command = containers(evaluated())["code"]["Command"]

    assert validate_config(WORKSPACE_CONFIG_SCHEMA, workspace).success
    server = workspace["load_from"][0]["grpc_server"]
    assert str(server["port"]) == command[command.index("--port") + 1]


def test_every_container_has_what_the_instance_and_the_tables_ask_of_the_environment() -> None:
    asked = set(asked_of_the_environment(INSTANCE))
    asked |= set(re.findall(r"\$\{(\w+)\}", (ROOT / "tables.yaml").read_text()))

    for name, container in containers(evaluated()).items():
        given = {each["Name"] for each in [*container["Environment"], *container["Secrets"]]}
        launches = name != "run"  # a run launches nothing, so its instance makes no launcher
        assert asked - given == (set() if launches else {"DAGSTER_RUN_TASK_DEFINITION"}), name


def test_a_pool_without_a_limit_of_its_own_lets_as_many_export_as_glue_runs_at_once() -> None:
    assert CONCURRENCY["pools"] == {"granularity": "op", "default_limit": Glue().max_concurrent_runs}


def test_the_pools_that_the_documentation_sets_are_those_of_the_assets() -> None:
    text = (ROOT / "docs" / "production.md").read_text()

    assert set(re.findall(r"concurrency set (\w+)", text)) == set(POOLS.values())


def test_a_backfill_leaves_places_to_the_schedules() -> None:
    runs = CONCURRENCY["runs"]

    [backfills] = runs["tag_concurrency_limits"]

    assert backfills["key"] == "dagster/backfill"
    assert 0 < backfills["limit"] < runs["max_concurrent_runs"]


def test_a_run_whose_worker_died_is_failed_and_tried_again_and_its_places_are_freed() -> None:
    monitoring, retries = INSTANCE["run_monitoring"], INSTANCE["run_retries"]

    assert monitoring["enabled"]
    assert retries["enabled"]
    assert retries["max_retries"] > 0
    # A resumed run begins with its first step again, a new one with the step that failed.
    assert monitoring["max_resume_run_attempts"] == 0
    assert monitoring["free_slots_after_run_end_seconds"] > 0


def test_a_cancelled_run_has_the_time_that_ecs_gives_it() -> None:
    run = containers(evaluated())["run"]

    assert run["StopTimeout"] < INSTANCE["run_monitoring"]["cancel_timeout_seconds"]
    assert run["Name"] == INSTANCE["run_launcher"]["config"]["container_name"]
