"""What `tables.yaml` may say of one table, and under `defaults` of all of them."""

from __future__ import annotations

from datetime import timedelta
from math import inf
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from dynamo_assets.configuration.aws_names import EXTERNAL_ID, RoleArn
from dynamo_assets.configuration.setting_types import (
    Cron,
    Duration,
    Level,
    Section,
    Share,
    Size,
    Written,
    read_off,
    refuse_xml,
)
from dynamo_assets.credentials import Role
from dynamo_assets.export.request import DEFAULT_FILE_BYTES, READ_PERCENTAGE_RANGE, Format


class Freshness(Section):
    """How old the published snapshot [may be](freshness.md)."""

    warn: Duration
    """Older than this is a warning; at least one minute."""
    fail: Duration
    """Older than this is a failure; longer than `warn`."""

    @model_validator(mode="after")
    def _warn_comes_first(self) -> Freshness:
        if not timedelta(minutes=1) <= self.warn < self.fail:
            raise ValueError("`warn` must be at least one minute, and `fail` longer than `warn`")
        return self


class Verification(Section):
    """What [each check](checks.md) does that does not pass."""

    model_config = ConfigDict(populate_by_name=True)

    files: Level = "block"
    """The snapshot's files are what its manifest says."""
    keys: Level = "block"
    """Keys are never null, and unique over the whole snapshot."""
    volume: Annotated[Literal["block", "block_zero", "warn", "off"], BeforeValidator(read_off)] = "block_zero"
    """The number of rows is within the band that `volume` gives; with `block_zero` only a drop to zero blocks."""
    source: Annotated[Literal["warn", "off"], BeforeValidator(read_off)] = "warn"
    """The number of rows is near the one that DynamoDB gives, which may be hours old."""
    schema_changes: Annotated[Literal["warn", "off"], BeforeValidator(read_off)] = Field(
        default="warn", validation_alias="schema"
    )
    """Attributes that were added, are gone, or whose column was widened."""
    conversions: Annotated[Literal["warn", "off"], BeforeValidator(read_off)] = "warn"
    """Values that became text, or lost digits in a conversion that was asked for."""
    catalog: Level = "block"
    """The Data Catalog has one table, with the snapshot's partition and the manifest's types."""
    view: Level = "block"
    """The view names the snapshot, and counts its rows."""


FRESHNESS = "freshness"
"""The check that the published snapshot is younger than the table's limits."""


CHECKS = ("files", "keys", "volume", "source", "schema", "conversions", "catalog", "view", FRESHNESS)
"""The names of the checks that every table has."""


class Volume(Section):
    """How much the number of rows may differ from that of the last snapshot that passed."""

    drop: Share | None = Field(default=None, gt=0, lt=1)
    """It may be smaller by this share."""
    rise: Share | None = Field(default=None, gt=0)
    """It may be greater by this share."""


_NAMES_VIEW = "`sql` must have {view} in it, which stands for what the view is going to show"


class DeclaredCheck(Section):
    """A [query of your own](checks.md#declared-checks), and what it must give."""

    sql: Annotated[str, Written("text", {"type": "string", "pattern": r"\{view\}"}, _NAMES_VIEW)]
    """A query of one row and one column, in Athena's SQL; `{view}` stands for what the view is going to show."""
    expect: bool | int | float | str | None
    """The value that it must give; null for SQL's null."""
    name: str = Field(default="", pattern=r"^$|^[A-Za-z0-9_]+$")
    """The check's name in Dagster; by its place in the list where empty."""
    level: Literal["block", "warn"] = "block"
    """What it does where the value is another."""

    @model_validator(mode="after")
    def _names_the_view(self) -> DeclaredCheck:
        if "{view}" not in self.sql:
            raise ValueError(_NAMES_VIEW)
        return self


class Retention(Section):
    """Which snapshots [go](retention.md): those beyond every limit that is given. Without any limit none goes."""

    keep_last: int | None = Field(default=None, ge=1)
    """So many of the newest complete snapshots stay."""
    keep_days: int | None = Field(default=None, ge=1)
    """Snapshots of the last so many days stay, by their labels."""


class PointInTime(Section):
    """How [DynamoDB's own exports](point-in-time.md#what-happens) are used by engine `point_in_time`."""

    convert: Literal["auto", "in_process", "glue"] = "auto"
    """Where exports become snapshots: by their size, always in the Dagster run, or always on Glue."""
    in_process_below: Size = Field(default=1024**3, ge=0)
    """For `auto`: exports smaller than this, as DynamoDB bills them, are converted in the Dagster run. Where changes
    are merged, the size of the snapshot before them is added."""
    full_every: Cron | None = None
    """When full exports are due, in UTC. Between them a snapshot is the one before it and an incremental export of
    [the changes since](point-in-time.md#changes-only). Without it each snapshot is made of a full export."""
    keep_native_export: bool = False
    """Whether DynamoDB's files stay beside the snapshot that is made of them."""
    kms_key: str | None = None
    """The KMS key, by its ID or ARN, that encrypts DynamoDB's files; the bucket's own encryption otherwise."""

    @property
    def in_process_below_bytes(self) -> float:
        """From this size on an export is converted on Glue."""
        return {"auto": self.in_process_below, "in_process": inf, "glue": -1}[self.convert]


class TableSettings(Section):
    """What a table may set, and what `defaults` sets for all of them."""

    engine: Literal["auto", "glue", "glue_connector", "in_process", "point_in_time"] = "glue"
    """What [takes the snapshot](#engines): a scan by a Glue job, by AWS's own reader there, or by the Dagster run
    itself, or DynamoDB's own export of the slot's instant; with `auto` [each run chooses](costs.md#engine-auto)."""
    role_arn: RoleArn | None = None
    """The role whose credentials DynamoDB is asked with, for a table of another account; see `accounts`."""
    external_id: str | None = Field(default=None, pattern=EXTERNAL_ID)
    """What the trust policy of `role_arn` demands to hear."""
    point_in_time: PointInTime = PointInTime()
    """How engine `point_in_time` goes about it."""
    format: Annotated[Format, BeforeValidator(refuse_xml)] = "parquet"
    """The data files' [format](types.md#formats)."""
    target_file_size: Size = Field(default=DEFAULT_FILE_BYTES, ge=1024**2, le=5 * 1024**3)
    """The compressed size at which a data file is closed and the next one opened."""
    read_percentage: float = Field(default=0.25, ge=READ_PERCENTAGE_RANGE[0], le=READ_PERCENTAGE_RANGE[1])
    """The share of the table's read capacity the export may use; of an on-demand table's own maximum, else of its warm
    throughput."""
    max_read_units: float | None = Field(default=None, gt=0)
    """An absolute cap in read units a second, beside the percentage."""
    consistent_read: bool = False
    """Strongly consistent reads, at twice the price."""
    mixed_types: Literal["text", "dynamodb_json", "fail"] = "text"
    """An attribute with values of several types: each value's text, each as DynamoDB JSON, or an error."""
    nested: Literal["struct", "json"] = "struct"
    """Maps and lists as structs and arrays, or as JSON text."""
    numbers: Literal["exact", "double"] = "exact"
    """`double` loses digits beyond about 15."""
    columns: dict[str, str] = Field(default={})
    """[Types forced upon single columns](types.md#other-wishes), by attribute name: `{price: double}`."""
    rediscover: bool = False
    """Start the columns of every snapshot from nothing, instead of from the last one's."""
    schedule: Cron = "0 10 * * *"
    """When snapshots are taken, in UTC. Tables of one schedule share a job and a Dagster schedule."""
    time_limit: Duration = timedelta(hours=12)
    """How long one export may take; its log warns if it is going to take longer at its rate."""
    retries: int = Field(default=1, ge=0, le=10)
    """How often a step that failed for a reason that may pass is tried again."""
    retry_delay: Duration = timedelta(minutes=1)
    """How long to wait before the first retry; doubled before each further one."""
    freshness: Freshness | None = None
    """How old the published snapshot [may be](freshness.md)."""
    retention: Retention | None = None
    """Which snapshots [go](retention.md), and with them what dead attempts left. Without it nothing ever does."""
    verification: Verification = Verification()
    """What each of [the checks](checks.md) between a snapshot and its view does."""
    volume: Volume = Volume()
    """The band of the check `volume`: how much the number of rows may differ."""
    checks: list[DeclaredCheck] = Field(default=[])
    """[Queries of your own](checks.md#declared-checks), asked before the view moves."""
    ttl_attribute: str | None = Field(default=None, min_length=1)
    """The attribute of DynamoDB's time to live: the view leaves out what [had expired](publishing.md#expired-items)."""
    keep_views: int = Field(default=0, ge=0, le=100)
    """So many [views of older snapshots](publishing.md#views-of-older-snapshots), `<name>_<yyyymmddthhmm>`, and
    `<name>_history` of all of them."""
    owners: list[str] = Field(default=[])
    """Dagster owners: e-mail addresses, or `team:name`."""
    group: str = Field(default="dynamodb", pattern=r"^[A-Za-z0-9_]+$")
    """The Dagster asset group."""
    tags: dict[str, str] = Field(default={})
    """Dagster tags of the table's assets."""
    description: str = ""
    """What the table holds, shown in the UI."""

    @property
    def role(self) -> Role | None:
        """The role that the table is read with; None for the own credentials."""
        return Role(self.role_arn, self.external_id) if self.role_arn else None

    @model_validator(mode="after")
    def _role_can_be_assumed(self) -> TableSettings:
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("`external_id` is for `role_arn`, which is not given")
        if self.external_id is not None and self.engine == "glue_connector":
            # Developer guide, "DynamoDB connections": of STS it has roleArn and roleSessionName.
            raise ValueError("AWS's reader knows no external ID; use engine glue, or a role that demands none")
        return self

    @field_validator("checks")
    @classmethod
    def _named(cls, checks: list[DeclaredCheck]) -> list[DeclaredCheck]:
        named = [
            check if check.name else check.model_copy(update={"name": f"declared_{number}"})
            for number, check in enumerate(checks, 1)
        ]
        taken: set[str] = set(CHECKS)
        for check in named:
            if check.name in taken:
                raise ValueError(f"there is another check {check.name!r}; give this one a `name` of its own")
            taken.add(check.name)
        return named


class Table(TableSettings):
    """One table of `tables.yaml`, defaults filled in."""

    table: str
    """The DynamoDB table's name or ARN."""
    name: str = Field(pattern=r"^[a-z0-9_]{1,255}$")
    """The catalog name: of the view, and with `snapshots_` before it of the raw table."""
