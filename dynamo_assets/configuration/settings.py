"""Everything `tables.yaml` says: the account's sections, and the tables and sets with their defaults filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Literal

from pydantic import Field, model_validator

from dynamo_assets.configuration.accounts import Account
from dynamo_assets.configuration.aws_names import AccountId, Arn, SnsTopic
from dynamo_assets.configuration.setting_types import Duration, Section, Size, Workers
from dynamo_assets.configuration.table_settings import Freshness, Table
from dynamo_assets.errors import ConfigError
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.naming import Layout
from dynamo_assets.prices import Prices


class Storage(Section):
    """Where snapshots and manifests go."""

    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    """The bucket's name."""
    prefix: str = Field(default="", pattern=r"^$|^[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*$")
    """What every key begins with; no slash at either end."""
    bucket_owner: AccountId | None = None
    """The account that owns the bucket, in quotes: DynamoDB's own exports of another account's tables need it."""


class Catalog(Section):
    """The Glue Data Catalog database and how it is kept."""

    database: str = Field(default="dynamodb_exports", pattern=r"^[a-z0-9_]{1,255}$")
    """Holds the raw tables and the views."""
    method: Literal["crawler", "direct"] = "crawler"
    """What registers tables and partitions: a Glue crawler for each table, or the manifests alone.
    [catalog.md](catalog.md) compares them by time, cost and exactness."""
    time_limit: Duration = timedelta(hours=1)
    """How long one crawl may take, waiting for another one included."""


class Athena(Section):
    """Where views are made and queries run."""

    workgroup: str = Field(default="dynamodb_exports", pattern=r"^[A-Za-z0-9._-]{1,128}$")
    """The workgroup's name. Its result location is the one that queries use."""
    time_limit: Duration = timedelta(minutes=10)
    """How long one query may take, its time in the queue included."""


class Glue(Section):
    """The Glue job that runs exports, and the role of the job and the crawlers."""

    job_name: str = Field(default="dynamodb_exports_export_table", pattern=r'^[^<>"]{1,255}$')
    """The job that exports tables: one for all of them. That of engine `glue_connector` has `_connector` behind it."""
    role_arn: str = ""
    """The role of the jobs and the crawlers; made by `deploy` where it does not exist."""
    version: Literal["5.0", "5.1", "6.0"] = "5.1"
    """The Glue version of the job."""
    worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"] = "G.1X"
    """The size of one worker."""
    flex: bool = False
    """Runs take [spare capacity](costs.md#how-a-glue-run-is-sized): cheaper, but they begin when there is some, and may
    lose workers on the way."""
    workers: Workers = "auto"
    """How many workers a run gets, the driver's included:
    [by the table's size and rate](costs.md#how-a-glue-run-is-sized), or always so many."""
    max_workers: int = Field(default=10, ge=2, le=299)
    """For `auto`: how many a run gets at most."""
    job_timeout_minutes: int = Field(default=2880, ge=1, le=10_080)
    """The jobs' own limit; each run is started with its table's `time_limit`."""
    max_concurrent_runs: int = Field(default=10, ge=1, le=1000)
    """How many tables may export at once; further ones wait for their turn."""

    @model_validator(mode="after")
    def _flex_has_its_workers(self) -> Glue:
        # Glue developer guide, "Adding jobs in AWS Glue": "G.1X or G.2X worker types" for flexible job runs.
        if self.flex and self.worker_type not in {"G.1X", "G.2X"}:
            raise ValueError(
                f"`flex` knows the worker types G.1X and G.2X; take one of them instead of {self.worker_type}"
            )
        return self

    @property
    def fixed_workers(self) -> int | None:
        """How many workers each run gets; None where that is computed."""
        return None if self.workers == "auto" else self.workers

    @property
    def connector_job_name(self) -> str:
        """The job of engine `glue_connector`."""
        return f"{self.job_name}_connector"


class TableSet(Section):
    """Tables whose views move together, from one instant to the next."""

    name: str = Field(pattern=r"^[a-z0-9_]{1,255}$")
    """Names the set's asset; the key of its entry in `sets`."""
    tables: list[str]
    """Two or more members, named as in `tables`, each in one set only; all of engine `point_in_time` and of one
    `schedule`."""
    owners: list[str] = Field(default=[])
    """Dagster owners of the set's own asset: e-mail addresses, or `team:name`."""
    tags: dict[str, str] = Field(default={})
    """Dagster tags of the set's own asset."""
    description: str = ""
    """What the set is for, shown in the UI."""


class Partitions(Section):
    """The range of slots."""

    start: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    """The first slot shown: the day you began. Every slot since then without a snapshot shows as missing."""

    @model_validator(mode="after")
    def _start_is_utc(self) -> Partitions:
        if self.start.tzinfo is None:
            object.__setattr__(self, "start", self.start.replace(tzinfo=UTC))
        return self


class Alerts(Section):
    """Who is [told](freshness.md#alerts) of runs that failed, and of views that are older than they may be."""

    sns_topic: SnsTopic | None = None
    """A standard SNS topic; whoever subscribes to it is told."""
    dagster_url: str = Field(default="", pattern=r"^$|^https?://[!-~]+$")
    """The address of the Dagster UI, for links to runs and assets."""


class Deployment(Section):
    """What [`dynamo-assets deploy`](deployment.md) makes, beyond what the other sections name."""

    stack: str = Field(default="", pattern=r"^$|^[A-Za-z][A-Za-z0-9-]{0,127}$")
    """The CloudFormation stack's name; `dynamo-assets-` and the database's where empty."""
    table_arns: list[Arn] = Field(default=[])
    """The tables that the policies allow, with `*` where wanted; those of `tables` where empty."""
    kms_key: Literal["new"] | Arn | None = None
    """`new` makes a KMS key for the bucket and the query results, an ARN names one; S3's own encryption without."""
    scan_limit: Size = Field(default=1024**4, ge=10_000_000)
    """A query of the workgroup that scans more is ended by Athena."""
    table_kms_keys: list[Arn] = Field(default=[])
    """KMS keys that encrypt tables, by their ARNs: the policies allow to read with them."""
    python_modules: Literal["wheels", "index"] = "wheels"
    """Where jobs have their [Python modules](deployment.md#python-modules-of-the-jobs) from: `wheels` that `deploy`
    puts into the bucket, so that jobs need no internet; or the `index` that pip asks on Glue each time a job starts."""
    wheels: str = ""
    """A directory of the wheels, where the deploying machine has no index either; pip is asked for them where empty."""

    @model_validator(mode="after")
    def _wheels_are_for_wheels(self) -> Deployment:
        if self.wheels and self.python_modules == "index":
            raise ValueError("wheels: with `python_modules: index` jobs take none; take one of the two out")
        return self


class Settings(Section):
    """Everything `tables.yaml` says."""

    storage: Storage
    """Where snapshots and manifests go."""
    catalog: Catalog = Catalog()
    athena: Athena = Athena()
    glue: Glue = Glue()
    partitions: Partitions = Partitions()
    prices: Prices = Prices()
    alerts: Alerts = Alerts()
    deploy: Deployment = Deployment()
    accounts: dict[AccountId, Account] = Field(default={})
    """By their IDs, the accounts whose tables are read with a role: that of each table whose ARN has the ID."""
    tables: list[Table]
    """The DynamoDB tables, by name, or by ARN in quotes; each with its settings, or none."""
    sets: list[TableSet] = Field(default=[])
    """Tables whose views [move together](point-in-time.md#sets-several-tables-as-of-one-instant)."""

    def table_named(self, name: str) -> Table:
        """The table that a person has named, as `tables` does.

        Raises:
            ConfigError: There is none of this name.
        """
        tables = {table.table: table for table in self.tables}
        if name not in tables:
            close = get_close_matches(name, tables, 1)
            meant = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(sorted(tables)[:10])}."
            raise ConfigError(f"no table {name!r} in tables.yaml; {meant} Nothing was changed")
        return tables[name]

    def members(self, table_set: TableSet) -> tuple[Table, ...]:
        """The tables of a set, in the order of its entry."""
        tables = {table.table: table for table in self.tables}
        return tuple(tables[name] for name in table_set.tables)

    def limits_of(self, table_set: TableSet) -> Freshness | None:
        """The strictest limits of a set's members; None where none has any."""
        limits = [table.freshness for table in self.members(table_set) if table.freshness]
        if not limits:
            return None
        return Freshness(warn=min(limit.warn for limit in limits), fail=min(limit.fail for limit in limits))

    @property
    def tables_in_sets(self) -> frozenset[str]:
        """The tables, named as in `tables`, whose views a set moves."""
        return frozenset(name for table_set in self.sets for name in table_set.tables)

    @property
    def layout(self) -> Layout:
        """Where everything lies in S3."""
        return Layout(self.storage.bucket, self.storage.prefix)

    def export_request(self, table: Table, *, slot: str | None, attempt: str) -> ExportRequest:
        """What an engine is asked for one snapshot of one table."""
        return ExportRequest(
            table=table.table,
            bucket=self.storage.bucket,
            prefix=self.storage.prefix,
            name=table.name,
            format=table.format,
            read_percentage=table.read_percentage,
            max_read_units=table.max_read_units,
            consistent_read=table.consistent_read,
            slot=slot,
            engine=table.engine,
            attempt=attempt,
            mixed_types=table.mixed_types,
            nested=table.nested,
            numbers=table.numbers,
            columns=table.columns,
            rediscover=table.rediscover,
            target_file_bytes=table.target_file_size,
            time_limit_seconds=round(table.time_limit.total_seconds()),
            role_arn=table.role_arn,
            external_id=table.external_id,
        )
