"""The settings, as `tables.yaml` spells them: every key, its type, its range and its default."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Annotated, Any, Literal

from dagster import TimeWindowPartitionsDefinition
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dynamo_assets.export.request import DEFAULT_FILE_BYTES, NO_XML, READ_PERCENTAGE_RANGE, ExportRequest, Format
from dynamo_assets.naming import SLOT_FORMAT, Layout

_DURATION = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _parse_duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a whole number and a unit: 90s, 30m, 2h or 1d")
    try:
        return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    except OverflowError as error:
        raise ValueError("longer than can be counted; write less") from error


_SIZE = re.compile(r"(\d+)\s*([KMG]B)")
_BYTES = {"KB": 1024, "MB": 1024**2, "GB": 1024**3}


def _parse_size(value: Any) -> Any:
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return value if isinstance(value, int) and not isinstance(value, bool) else _refuse_size()
    return int(match[1]) * _BYTES[match[2]]


def _refuse_size() -> None:
    raise ValueError("write a whole number and a unit: 64MB, 256MB or 1GB")


Size = Annotated[int, BeforeValidator(_parse_size)]


def _refuse_xml(value: Any) -> Any:
    if value == "xml":
        raise ValueError(NO_XML)
    return value


Duration = Annotated[timedelta, BeforeValidator(_parse_duration)]


def _check_cron(value: Any) -> Any:
    if not isinstance(value, str) or len(value.split()) != 5:
        raise ValueError('write a cron expression of five fields in quotes, such as "0 10 * * *" (UTC)')
    try:
        TimeWindowPartitionsDefinition(cron_schedule=value, start=datetime(2026, 1, 1, tzinfo=UTC), fmt=SLOT_FORMAT)
    except Exception as error:
        raise ValueError(f"not a cron expression of five fields ({error})") from error
    return value


Cron = Annotated[str, BeforeValidator(_check_cron)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Storage(_Section):
    """Where snapshots and manifests go."""

    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    """The bucket's name."""
    prefix: str = Field(default="", pattern=r"^$|^[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*$")
    """What every key begins with; no slash at either end."""
    bucket_owner: str | None = Field(default=None, pattern=r"^[0-9]{12}$")
    """The account that owns the bucket, where it is not the tables': DynamoDB's own exports need it."""


class Catalog(_Section):
    """The Glue Data Catalog database and how it is kept."""

    database: str = Field(default="dynamodb_exports", pattern=r"^[a-z0-9_]{1,255}$")
    """Holds the raw tables and the views."""
    method: Literal["crawler", "direct"] = "crawler"
    """What registers tables and partitions: a Glue crawler for each table, or the manifests alone."""
    time_limit: Duration = timedelta(hours=1)
    """How long one crawl may take, waiting for another one included."""


class Athena(_Section):
    """Where views are made and queries run."""

    workgroup: str = Field(default="dynamodb_exports", pattern=r"^[A-Za-z0-9._-]{1,128}$")
    """Its result location is the one queries use."""
    time_limit: Duration = timedelta(minutes=10)
    """How long one query may take, its time in the queue included."""


class Glue(_Section):
    """The Glue job that runs exports, and the role of the job and the crawlers."""

    job_name: str = Field(default="dynamodb_exports_export_table", pattern=r"^[^<>\"]{1,255}$")
    """One job for all tables."""
    role_arn: str = ""
    """The role of the job and the crawlers; `${AWS_ACCOUNT_ID}` and other variables are filled in."""
    version: Literal["5.0", "5.1", "6.0"] = "5.1"
    """The Glue version of the job."""
    worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"] = "G.1X"
    """The size of one worker."""
    workers: int = Field(default=2, ge=2, le=299)
    """How many workers a run gets, the driver's included."""
    max_concurrent_runs: int = Field(default=10, ge=1, le=1000)
    """How many tables may export at once; further ones wait for their turn."""

    @property
    def connector_job_name(self) -> str:
        """The job of engine `glue_connector`."""
        return f"{self.job_name}_connector"


class Freshness(_Section):
    """How old the published snapshot may be."""

    warn: Duration
    """Older than this is a warning."""
    fail: Duration
    """Older than this is a failure."""

    @model_validator(mode="after")
    def _warn_comes_first(self) -> Freshness:
        if not timedelta(minutes=1) <= self.warn < self.fail:
            raise ValueError("`warn` must be at least one minute, and `fail` longer than `warn`")
        return self


class Retention(_Section):
    """Which snapshots go: those beyond every limit that is given. Without any limit none goes."""

    keep_last: int | None = Field(default=None, ge=1)
    """So many of the newest complete snapshots stay."""
    keep_days: int | None = Field(default=None, ge=1)
    """Snapshots of the last so many days stay, by their labels."""


class PointInTime(_Section):
    """How DynamoDB's own exports are used by engine `point_in_time`."""

    convert: Literal["auto", "in_process", "glue"] = "auto"
    """Where exports become snapshots: by their size, always in the Dagster run, or always on Glue."""
    in_process_below: Size = Field(default=1024**3, ge=0)
    """For `auto`: exports smaller than this, as DynamoDB bills them, are converted in the Dagster run. Where changes
    are merged, the size of the snapshot before them is added."""
    full_every: Cron | None = None
    """When full exports are due: a cron expression of five fields, UTC. Between them a snapshot is the one before it
    and an incremental export of the changes since, merged by key. Without it each snapshot is made of a full export."""
    keep_native_export: bool = False
    """Whether DynamoDB's files stay beside the snapshot that is made of them."""
    kms_key: str | None = None
    """The KMS key, by its ID or ARN, that encrypts DynamoDB's files; the bucket's own encryption otherwise."""

    @property
    def in_process_below_bytes(self) -> float:
        """From this size on an export is converted on Glue."""
        return {"auto": self.in_process_below, "in_process": inf, "glue": -1}[self.convert]


class TableSettings(_Section):
    """What a table may set, and what `defaults` sets for all of them."""

    engine: Literal["glue", "glue_connector", "in_process", "point_in_time"] = "glue"
    """What takes the snapshot: a scan by a Glue job, by AWS's own reader there, or by the Dagster run itself, or
    DynamoDB's own export of the slot's instant."""
    point_in_time: PointInTime = PointInTime()
    """How engine `point_in_time` goes about it."""
    format: Annotated[Format, BeforeValidator(_refuse_xml)] = "parquet"
    """The data files' format."""
    target_file_size: Size = Field(default=DEFAULT_FILE_BYTES, ge=1024**2, le=5 * 1024**3)
    """The compressed size at which a data file is closed and the next one opened."""
    read_percentage: float = Field(default=0.25, ge=READ_PERCENTAGE_RANGE[0], le=READ_PERCENTAGE_RANGE[1])
    """The share of the table's read capacity the export may use."""
    max_read_units: float | None = Field(default=None, gt=0)
    """An absolute cap in read units a second, beside the percentage."""
    consistent_read: bool = False
    """Strongly consistent reads, at twice the price."""
    mixed_types: Literal["text", "dynamodb_json", "fail"] = "text"
    """What becomes of an attribute that holds values of several types."""
    nested: Literal["struct", "json"] = "struct"
    """Maps and lists as structs and arrays, or as JSON text."""
    numbers: Literal["exact", "double"] = "exact"
    """`double` loses digits beyond about 15."""
    columns: dict[str, str] = {}
    """Types forced upon single columns, by attribute name."""
    rediscover: bool = False
    """Start the columns of every snapshot from nothing, instead of from the last one's."""
    schedule: Cron = "0 10 * * *"
    """When snapshots are taken: a cron expression of five fields, UTC."""
    time_limit: Duration = timedelta(hours=12)
    """How long one export may take."""
    retries: int = Field(default=1, ge=0, le=10)
    """How often a step that failed for a reason that may pass is tried again."""
    retry_delay: Duration = timedelta(minutes=1)
    """How long to wait before the first retry; doubled before each further one."""
    freshness: Freshness | None = None
    """How old the published snapshot may be."""
    retention: Retention | None = None
    """Which snapshots go, and with them what dead attempts left; None where nothing ever does."""
    owners: list[str] = []
    """Dagster owners: e-mail addresses, or `team:name`."""
    group: str = Field(default="dynamodb", pattern=r"^[A-Za-z0-9_]+$")
    """The Dagster asset group."""
    tags: dict[str, str] = {}
    """Dagster tags of the table's assets."""
    description: str = ""
    """What the table holds, shown in the UI."""


class Table(TableSettings):
    """One table of `tables.yaml`, defaults filled in."""

    table: str
    """The DynamoDB table's name or ARN."""
    name: str = Field(pattern=r"^[a-z0-9_]{1,255}$")
    """The catalog name."""


class TableSet(_Section):
    """Tables whose views move together, from one instant to the next."""

    name: str = Field(pattern=r"^[a-z0-9_]{1,255}$")
    """Names the set's asset; the key of its entry in `sets`."""
    tables: list[str]
    """The members, named as in `tables`."""
    owners: list[str] = []
    """Dagster owners of the set's own asset: e-mail addresses, or `team:name`."""
    tags: dict[str, str] = {}
    """Dagster tags of the set's own asset."""
    description: str = ""
    """What the set is for, shown in the UI."""


class Partitions(_Section):
    """The range of slots."""

    start: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    """The first slot shown, a date: the day you began; every slot since then without a snapshot shows as missing."""

    @model_validator(mode="after")
    def _start_is_utc(self) -> Partitions:
        if self.start.tzinfo is None:
            object.__setattr__(self, "start", self.start.replace(tzinfo=UTC))
        return self


class Prices(_Section):
    """What AWS bills, in US dollars, for the estimates in the metadata. Nothing is asked of AWS: edit them."""

    as_of: str = "2026-11, us-east-1"
    """When and where they were looked up; shown beside each estimate."""
    native_export_gb: float = Field(default=0.10, ge=0)
    """DynamoDB's own export, for each GB of the table, or of the changes."""
    read_million_units: float = Field(default=0.125, ge=0)
    """A million read request units of an on-demand table."""
    glue_dpu_hour: float = Field(default=0.44, ge=0)
    """A DPU of Glue for an hour."""


class Settings(_Section):
    """Everything `tables.yaml` says."""

    storage: Storage
    catalog: Catalog = Catalog()
    athena: Athena = Athena()
    glue: Glue = Glue()
    partitions: Partitions = Partitions()
    prices: Prices = Prices()
    tables: list[Table]
    sets: list[TableSet] = []

    def members(self, table_set: TableSet) -> tuple[Table, ...]:
        """The tables of a set, in the order of its entry."""
        tables = {table.table: table for table in self.tables}
        return tuple(tables[name] for name in table_set.tables)

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
        )
