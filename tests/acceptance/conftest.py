"""For each test a pipeline of its own: bucket, database, workgroup, Glue job, and Dagster on top, on the sandbox."""

from __future__ import annotations

import functools
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import pyathena
import pytest
import yaml
from boto3.dynamodb.types import TypeSerializer
from dagster._core.storage.event_log.in_memory import InMemoryEventLogStorage
from dagster._core.storage.runs.in_memory import InMemoryRunStorage

from dynamo_assets.automation.jobs import cadences
from dynamo_assets.automation.partitions import current_slot
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.load import load_settings
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.definitions import build_definitions
from dynamo_assets.export import clients
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.infrastructure.deployment import deploy
from dynamo_assets.naming import job_name
from dynamo_assets.publishing.by_hand import Order, Published, Publisher
from dynamo_assets.publishing.pins import Pins
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, Endpoint
from dynamo_assets.verification.records import Records
from tests.faults.commands import Commands, Running, serve_commands

ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/dynamodb-exports"
FAST = {"retries": 0, "retry_delay": "1s"}
NO_WHEELS = {"python_modules": "index"}
"""The sandbox has the modules, and no index: 70 MB less for each of hundreds of deployments."""


@pytest.fixture(scope="session", autouse=True)
def _one_session() -> Iterator[None]:
    """Lets the runs of all tests share clients, where they ask for the same: each run makes its own otherwise."""
    make_session, make_client = AwsClients._session_unlocked, AwsClients._client
    known: dict[tuple[Any, ...], Any] = {}

    def shared(make: Callable[..., Any]) -> Callable[..., Any]:
        def find(aws: AwsClients, *what: Any) -> Any:
            key = (make.__name__, aws.profile, aws.region, _where_aws_is(), *what)
            if key not in known:
                known[key] = make(aws, *what)
            return known[key]

        return find

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AwsClients, "_session_unlocked", shared(make_session))
        patch.setattr(AwsClients, "_client", shared(make_client))
        # Those of an export, each made of such a session.
        for make in (clients.patient_client, clients.reading_client):
            patch.setattr(clients, make.__name__, _shared_in_one_aws(make))
        yield


def _shared_in_one_aws(make: Callable[..., Any]) -> Callable[..., Any]:
    @functools.cache
    def made(environment: object, *arguments: Any) -> Any:
        return make(*arguments)

    return lambda *arguments: made(_where_aws_is(), *arguments)


def _where_aws_is() -> tuple[tuple[str, str], ...]:
    """What says where AWS is: tests of other folders, in the same process, put a proxy before the sandbox."""
    return tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))


@functools.cache
def _connection(endpoint_url: str, workgroup: str, database: str) -> Any:
    return pyathena.connect(
        session=AwsClients().session(),
        endpoint_url=endpoint_url,
        work_group=workgroup,
        schema_name=database,
        poll_interval=0.05,
    )


@dataclass(frozen=True)
class Pipeline:
    """Drives the pipeline as users do: DynamoDB through boto3, runs through Dagster, queries through PyAthena."""

    endpoint: Endpoint
    settings: Settings
    config_path: Path
    instance: dg.DagsterInstance
    clients: AwsClients = field(default_factory=AwsClients)

    @property
    def database(self) -> str:
        return self.settings.catalog.database

    @property
    def manifests(self) -> ManifestStore:
        return ManifestStore(self.clients.s3, self.settings.layout)

    @property
    def records(self) -> Records:
        return Records(self.clients.s3, self.settings.layout)

    @property
    def pins(self) -> Pins:
        return Pins(self.clients.s3, self.settings.layout)

    def publish(self, target: str, **order: Any) -> Published:
        """As `dynamo-assets publish` does."""
        return Publisher(self.settings, self.clients, print).publish(Order(target=target, **order), attempt="by hand")

    def table(self, name: str) -> Table:
        return next(table for table in self.settings.tables if table.table == name)

    def with_table_settings(self, name: str, **changes: Any) -> Pipeline:
        """The same pipeline after its tables file has been edited."""
        tables = [
            Table.model_validate({**table.model_dump(), **changes}) if table.table == name else table
            for table in self.settings.tables
        ]
        return replace(self, settings=self.settings.model_copy(update={"tables": tables}))

    def with_method(self, method: Literal["crawler", "direct"]) -> Pipeline:
        """The same pipeline after `catalog.method` has been edited."""
        catalog = self.settings.catalog.model_copy(update={"method": method})
        return replace(self, settings=self.settings.model_copy(update={"catalog": catalog}))

    def create_table(self, name: str, items: Sequence[Mapping[str, Any]] = (), key: str = "id") -> None:
        self.endpoint.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for item in items:
            self.put(name, item)

    def put(self, name: str, item: Mapping[str, Any]) -> None:
        self.endpoint.client("dynamodb").put_item(TableName=name, Item=TypeSerializer().serialize(dict(item))["M"])

    def slot(self, name: str, now: datetime | None = None) -> str:
        cadence = next(c for c in cadences(self.settings) if self.table(name) in c.tables)
        slot = current_slot(cadence.slots, now or datetime.now(UTC))
        assert slot is not None
        return slot

    def run(self, name: str, *, slot: str | None = None, select: str | None = None) -> dg.ExecuteInProcessResult:
        """Runs one table's row of its cadence's job for a slot, by default the current one."""
        job = build_definitions(self.settings).resolve_job_def(job_name(self.table(name).schedule))
        row = [
            dg.AssetKey(["s3", f"{self.table(name).name}_export"]),
            dg.AssetKey([self.database, f"snapshots_{self.table(name).name}"]),
            dg.AssetKey([self.database, self.table(name).name]),
        ]
        wanted = row if select is None else [key for key in row if key.to_user_string() == select]
        return job.execute_in_process(
            partition_key=slot or self.slot(name),
            asset_selection=wanted,
            instance=self.instance,
            raise_on_error=False,
        )

    def start(self, dagster: Commands, name: str, home: Path, *, slot: str | None = None) -> Running:
        """Runs a table's job as `dagster job execute` does for a user, in a process of its own that logs to `home`."""
        home.mkdir(exist_ok=True)
        environment = {**self.endpoint.environment(), **self.environment(home)}
        return dagster.start(self.command(name, slot=slot), environment, said=home / "log")

    def command(self, name: str, *, slot: str | None = None) -> list[str]:
        """The arguments of `dagster` that run a table's job."""
        job, tags = job_name(self.table(name).schedule), json.dumps({"dagster/partition": slot or self.slot(name)})
        return ["job", "execute", "-m", "dynamo_assets.definitions", "-j", job, "--tags", tags]

    def environment(self, home: Path) -> dict[str, str]:
        """What `dagster` needs in its environment, beside AWS's address."""
        return {"DYNAMO_ASSETS_CONFIG": str(self.config_path), "DAGSTER_HOME": str(home)}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        connection = _connection(self.endpoint.url, self.settings.athena.workgroup, self.database)
        with connection.cursor() as cursor:
            return [tuple(row) for row in cursor.execute(sql).fetchall()]

    def labels(self, name: str) -> list[str]:
        return list(self.manifests.labels(self.table(name).name))

    def latest(self, name: str) -> Manifest:
        return self.manifests.read(self.table(name).name, self.labels(name)[-1])

    def glue_runs(self) -> list[Mapping[str, Any]]:
        return self.clients.glue.get_job_runs(JobName=self.settings.glue.job_name)["JobRuns"]  # pyright: ignore[reportReturnType]


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """What the UI shows as the reason of the first step that failed."""
    assert not result.success
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            assert error is not None
            # Of a `Failure` the cause is what this package was told, and the message what it makes of that.
            return error.cause.message if error.cause and error.cls_name != "Failure" else error.message
    raise AssertionError("the run failed and no step did")


def _on_the_held_connection(connect: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`connect` of Dagster's memory, by the connection that keeps it; SQLite gives that to one thread only."""
    thread = threading.get_ident()

    @contextmanager
    def held(storage: Any) -> Iterator[Any]:
        if threading.get_ident() == thread:
            with getattr(storage, "_db_lock", nullcontext()), storage._held_conn.begin():
                yield storage._held_conn
        else:
            with connect(storage) as connection:
                yield connection

    return held


@pytest.fixture(scope="session")
def instance() -> Iterator[dg.DagsterInstance]:
    """Dagster's memory, for all tests: their assets have names that no other test's have.

    It makes a connection for each of a run's hundred and more questions, which is an eighth of the run.
    """
    with pytest.MonkeyPatch.context() as patch:
        events, runs = InMemoryEventLogStorage, InMemoryRunStorage
        patch.setattr(events, "_connect", _on_the_held_connection(events._connect))
        patch.setattr(runs, "connect", _on_the_held_connection(runs.connect))
        with dg.DagsterInstance.ephemeral() as instance:
            yield instance


@pytest.fixture(scope="session")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Starts runs of `dagster` in processes of their own."""
    with serve_commands(tmp_path_factory.mktemp("dagster"), "dagster") as commands:
        yield commands


@dataclass(frozen=True)
class PipelineMaker:
    """Makes deployed pipelines, each from the tables section of a tables file."""

    endpoint: Endpoint
    unique: Callable[[str], str]
    folder: Path
    instance: dg.DagsterInstance

    def __call__(self, tables: Mapping[str, Mapping[str, Any]], **sections: Mapping[str, Any]) -> Pipeline:
        name = self.unique("exports")
        document = {
            "storage": {"bucket": name.replace("_", "-"), **sections.pop("storage", {})},
            "catalog": {"database": name, **sections.pop("catalog", {})},
            "athena": {"workgroup": name, **sections.pop("athena", {})},
            "glue": {"job_name": name, "role_arn": ROLE, **sections.pop("glue", {})},
            "defaults": {**FAST, **sections.pop("defaults", {})},
            "partitions": sections.pop("partitions", {}),
            "tables": {table: dict(entry) for table, entry in tables.items()},
            "sets": sections.pop("sets", {}),
            "alerts": sections.pop("alerts", {}),
            "deploy": {**NO_WHEELS, **sections.pop("deploy", {})},
            "accounts": sections.pop("accounts", {}),
        }
        assert not sections
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(document))
        settings = load_settings(path)
        deploy(settings, AwsClients(), lambda _: None)
        return Pipeline(self.endpoint, settings, path, self.instance)


@pytest.fixture
def make_pipeline(aws: Endpoint, unique, tmp_path: Path, instance: dg.DagsterInstance) -> Callable[..., Pipeline]:
    return PipelineMaker(aws, unique, tmp_path, instance)


@pytest.fixture(scope="module")
def make_shared_pipeline(module_aws: Endpoint, unique, tmp_path_factory, instance) -> Callable[..., Pipeline]:
    """For a pipeline that several tests of a module look at."""
    return PipelineMaker(module_aws, unique, tmp_path_factory.mktemp("pipelines"), instance)


@pytest.fixture
def reviews(make_pipeline: Callable[..., Pipeline], unique) -> tuple[Pipeline, str, str]:
    """A pipeline without a crawler, of one table of two items, the table's name and its catalog name."""
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": "in_process"}}, catalog={"method": "direct"})
    pipeline.create_table(table, [{"id": "1", "stars": 5}, {"id": "2", "stars": 2}])
    return pipeline, table, pipeline.table(table).name


@pytest.fixture
def make_history(make_pipeline, unique, dynamodb_clock) -> Callable[..., Any]:
    """Makes a point-in-time table with a past; see `tests.acceptance.history`."""
    from tests.acceptance.history import HOURLY, History

    def make(hours: int = 3, **entry: Any) -> History:
        table = unique("Shop")
        # Dagster goes through all slots for much of what it does, and of a schedule of minutes they are many.
        start = (datetime.now(UTC) - timedelta(hours=hours, days=2)).date().isoformat()
        pipeline = make_pipeline(
            {table: {"engine": "point_in_time", "schedule": HOURLY, **entry}}, partitions={"start": start}
        )
        history = History(pipeline, table, dynamodb_clock, hours)
        history.begin()
        return history

    return make
