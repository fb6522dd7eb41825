"""What an export will do and take, from the table's description."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from dynamo_assets.errors import PlanError
from dynamo_assets.export.request import READ_PERCENTAGE_RANGE, ExportRequest
from dynamo_assets.export.source import ScanSegment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

UNIT_BYTES = 4096
PAGE_BYTES = 1024 * 1024
SEGMENT_BYTES = 128 * 1024 * 1024
"""A segment should hold at least this much of the table; smaller ones make a swarm of small files."""
SEGMENTS_PER_WORKER = 4
"""Units are finer than the parallelism, so that a slow one does not stretch the end."""
SEGMENT_READ_UNITS = 50.0
"""A running segment should have at least this share of the rate, in read units a second."""
CONNECTOR_ON_DEMAND_READ_UNITS = 40_000
"""What AWS's own reader takes an on-demand table's capacity for (Glue developer guide, "DynamoDB connections")."""
ON_DEMAND_READ_UNITS = 12_000
"""What any new on-demand table serves a second (developer guide, "On-demand throughput capacity")."""


@dataclass(frozen=True)
class TableDescription:
    """What matters to an export of what DynamoDB says about a table.

    Attributes:
        keys: The key attributes and their types (S, N or B), the partition key first.
        items: As DynamoDB last counted them; it does so about every six hours.
        bytes: Their size, as of then.
        billing_mode: How the table pays.
        read_units_per_second: The capacity there is: provisioned, or for on-demand the table's own maximum, else its
            warm throughput.
        arn: The table's ARN.
    """

    keys: Mapping[str, str]
    items: int
    bytes: int
    billing_mode: Literal["PROVISIONED", "PAY_PER_REQUEST"]
    read_units_per_second: float
    arn: str = ""

    @classmethod
    def of(cls, client: DynamoDBClient, table: str) -> TableDescription:
        """Asks DynamoDB.

        Args:
            client: Of the table's region.
            table: Name or ARN.

        Raises:
            PlanError: There is no such table, or it cannot be read in its present state.
        """
        try:
            answer: Any = client.describe_table(TableName=table)["Table"]
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == "ResourceNotFoundException":
                raise PlanError(
                    f"table {table} does not exist in {client.meta.region_name} of this account; "
                    "check its name, the region and the credentials, or give its ARN"
                ) from error
            if code == "AccessDeniedException":
                raise PlanError(f"table {table}: {error}; allow dynamodb:DescribeTable and dynamodb:Scan") from error
            raise
        return cls.from_answer(answer)

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> TableDescription:
        """Reads the `Table` of a DescribeTable answer.

        Raises:
            PlanError: The table cannot be read in its present state.
        """
        if answer["TableStatus"] not in {"ACTIVE", "UPDATING"}:
            raise PlanError(f"table {answer['TableName']} is {answer['TableStatus']}; export it once it is ACTIVE")
        types = {entry["AttributeName"]: entry["AttributeType"] for entry in answer["AttributeDefinitions"]}
        schema = sorted(answer["KeySchema"], key=lambda entry: entry["KeyType"] != "HASH")
        provisioned = answer.get("ProvisionedThroughput", {}).get("ReadCapacityUnits", 0)
        billing_mode = answer.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        # -1 says that the table has no maximum of its own.
        maximum = answer.get("OnDemandThroughput", {}).get("MaxReadRequestUnits", -1)
        warm = answer.get("WarmThroughput", {}).get("ReadUnitsPerSecond") or ON_DEMAND_READ_UNITS
        on_demand = maximum if maximum > 0 else warm
        return cls(
            keys={entry["AttributeName"]: types[entry["AttributeName"]] for entry in schema},
            items=answer.get("ItemCount", 0),
            bytes=answer.get("TableSizeBytes", 0),
            billing_mode=billing_mode,
            read_units_per_second=on_demand if billing_mode == "PAY_PER_REQUEST" else max(1, provisioned),
            arn=answer.get("TableArn", ""),
        )


@dataclass(frozen=True)
class Plan:
    """What an export is going to do.

    Attributes:
        table: The description it rests on.
        segments: The units of the scan.
        parallelism: How many of them run at once.
        read_units_per_second: The rate that all of them keep together.
        expected_read_units: What the scan will consume, by the table's size.
        expected_seconds: How long that takes at the rate; the start of the engine comes on top.
        expected_files: About how many data files there will be.
        time_limit_seconds: How long the engine lets an export run, where it has a limit.
    """

    table: TableDescription
    segments: tuple[ScanSegment, ...]
    parallelism: int
    read_units_per_second: float
    expected_read_units: float
    expected_seconds: float
    expected_files: int
    time_limit_seconds: float | None = None

    def describe(self) -> str:
        """One line for a person."""
        return (
            f"about {self.table.items:,} items, {self.table.bytes / 1e6:,.1f} MB, "
            f"{self.expected_read_units:,.0f} read units at {self.read_units_per_second:,.0f} a second: "
            f"{_duration(self.expected_seconds)}; {len(self.segments)} segment(s), {self.parallelism} at once, "
            f"about {self.expected_files} file(s)"
        )

    def connector_percentage(self) -> float:
        """The rate as AWS's own reader takes it: a share of what it believes the capacity to be.

        Raises:
            PlanError: It cannot read as slowly as that.
        """
        on_demand = self.table.billing_mode == "PAY_PER_REQUEST"
        capacity = CONNECTOR_ON_DEMAND_READ_UNITS if on_demand else self.table.read_units_per_second
        low, high = READ_PERCENTAGE_RANGE
        if (share := self.read_units_per_second / capacity) < low:
            raise PlanError(
                f"AWS's own reader takes the capacity for {capacity:,.0f} read units a second and cannot use less than "
                f"{low:.0%} of it; this export may read {self.read_units_per_second:,.0f} a second. Use engine glue, "
                "which keeps any rate, or raise read_percentage or max_read_units"
            )
        return min(share, high)

    def warnings(self) -> list[str]:
        """What a person should know before the export begins."""
        limit = self.time_limit_seconds
        if limit is None or self.expected_seconds <= limit:
            return []
        text = (
            f"This export takes about {_duration(self.expected_seconds)} at {self.read_units_per_second:,.0f} read "
            f"units a second, and is stopped after {_duration(limit)}. Raise time_limit, or let it read at least "
            f"{self.expected_read_units / limit:,.0f} units a second: read_percentage, max_read_units, the table's "
            "capacity"
        )
        return [text]


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"


def make_plan(table: TableDescription, request: ExportRequest, parallelism: int) -> Plan:
    """Cuts a table into segments and gives each its share of the rate.

    Args:
        table: What DynamoDB says about the table.
        request: The share of the capacity, the absolute cap, the kind of reads.
        parallelism: How many units the engine can run at once.
    """
    rate = table.read_units_per_second * request.read_percentage
    rate = min(rate, request.max_read_units or rate)
    segments = request.segments or _segments(table.bytes, rate, parallelism)
    at_once = min(parallelism, segments)
    # An eventually consistent read costs half; a page's bytes are added up before they are rounded to units.
    bytes_per_unit = UNIT_BYTES if request.consistent_read else 2 * UNIT_BYTES
    # AWS's own reader goes over the table once for its schema and once for its items.
    units = table.bytes / bytes_per_unit * (2 if request.engine == "glue_connector" else 1)
    page_items = _page_items(table, rate / at_once * bytes_per_unit)
    page_bytes = PAGE_BYTES if page_items is None else page_items * table.bytes / table.items
    # DynamoDB counts about every six hours. A table that it has not counted yet may hold anything.
    page_units = (min(page_bytes, table.bytes / segments) if table.bytes else PAGE_BYTES) / bytes_per_unit
    return Plan(
        table=table,
        segments=tuple(ScanSegment(number, segments, page_units, page_items) for number in range(segments)),
        parallelism=at_once,
        read_units_per_second=rate,
        expected_read_units=units,
        expected_seconds=units / rate,
        # Parquet takes very roughly a quarter of what DynamoDB counts.
        expected_files=max(segments, math.ceil(table.bytes / 4 / request.target_file_bytes)),
        time_limit_seconds=request.time_limit_seconds,
    )


def _segments(table_bytes: int, rate: float, parallelism: int) -> int:
    by_size = math.ceil(table_bytes / SEGMENT_BYTES)
    by_rate = int(rate / SEGMENT_READ_UNITS)
    # Fewer than the engine could run at once where the rate is the limit: those that run share it.
    most = SEGMENTS_PER_WORKER * parallelism if by_rate >= parallelism else by_rate
    return max(1, min(by_size, most))


def _page_items(table: TableDescription, bytes_per_second: float) -> int | None:
    if bytes_per_second >= PAGE_BYTES or not table.items or not table.bytes:
        return None
    return max(1, int(bytes_per_second / (table.bytes / table.items)))
