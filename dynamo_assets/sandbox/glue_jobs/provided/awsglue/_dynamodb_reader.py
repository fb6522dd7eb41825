"""Glue's DynamoDB ETL reader: a table's items, read by Scan, a split each segment.

Documented (developer guide, "DynamoDB connections", "Cross-account cross-Region access to DynamoDB tables"): the
options, their ranges and defaults, of which that of `dynamodb.splits` is the last public source's, of 2023; an
on-demand table counts as 40,000 units; no filter and no predicate is pushed down. Options that Glue has besides, and
those it has not (which it passes over), are refused.

Inferred (emr-dynamodb-connector): reads are eventually consistent; every pass over the records scans the table again.
That a pass for the schema and another for the data cost two scans is measured in public
(awslabs/amazon-dynamodb-tools, issue 81 and pull request 162; there Glue sometimes kept the records in memory, which
the sandbox never does).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3

from awsglue._read_rate import ReadRate
from awsglue._refusals import refusal
from awsglue._values import Record, record_of

_TABLE = "dynamodb.input.tableName"
_PERCENT = "dynamodb.throughput.read.percent"
_SPLITS = "dynamodb.splits"
_REGION = "dynamodb.region"
_ROLE = "dynamodb.sts.roleArn"
_SESSION_NAME = "dynamodb.sts.roleSessionName"
_KNOWN = (_TABLE, _PERCENT, _SPLITS, _REGION, _ROLE, _SESSION_NAME)
_ON_DEMAND_UNITS = 40_000
_UNMEASURED_ITEM_BYTES = 100  # emr-dynamodb-connector's guess, for a table that DynamoDB has not measured yet


@dataclass(frozen=True)
class Place:
    """Where a table is, and with whose credentials it is read.

    Attributes:
        region: Its region; the job's own where None.
        role: The role to assume; the job's own where None.
        session_name: What the role's session is called.
    """

    region: str | None
    role: str | None
    session_name: str


@dataclass(frozen=True)
class TableScan:
    """A scan of one table; executors read its segments.

    Attributes:
        place: Where it is.
        table: The table's name or ARN.
        splits: How many segments there are.
        units_per_second: What each segment may consume.
        item_bytes: The average size of an item.
    """

    place: Place
    table: str
    splits: int
    units_per_second: int
    item_bytes: float

    def records(self, segment: int) -> Iterator[Record]:
        """The records of one segment."""
        rate = ReadRate(self.units_per_second, self.item_bytes)
        request: dict[str, Any] = {"TableName": self.table, "Segment": segment, "TotalSegments": self.splits}
        while True:
            units, limit = rate.take()
            page = _client(self.place).scan(**request, Limit=limit, ReturnConsumedCapacity="TOTAL")
            rate.settle(units, page["ConsumedCapacity"]["CapacityUnits"], page["ScannedCount"])
            yield from map(record_of, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def table_scan(options: Mapping[str, Any]) -> TableScan:
    """The scan that connection options ask for.

    Raises:
        NotImplementedError: The sandbox does not have an option.
        ValueError: An option is missing or out of its range.
        botocore.exceptions.ClientError: There is no such table.
    """
    if unknown := sorted(options.keys() - set(_KNOWN)):
        raise refusal(f"have the connection option {unknown[0]!r} for dynamodb: it has {', '.join(_KNOWN)}")
    if not options.get(_TABLE):
        raise ValueError(f"the connection option {_TABLE!r} is required")
    percent = _in_range(_PERCENT, float(options.get(_PERCENT, 0.5)), 0.1, 1.5)
    splits = _in_range(_SPLITS, int(str(options.get(_SPLITS, 1))), 1, 1_000_000)
    table = str(options[_TABLE])
    session_name = str(options.get(_SESSION_NAME, "glue-dynamodb-read-sts-session"))
    place = Place(options.get(_REGION), options.get(_ROLE), session_name)
    description = _client(place).describe_table(TableName=table)["Table"]
    units = int(_read_capacity(description) * percent)
    items = description.get("ItemCount", 0)
    item_bytes = description.get("TableSizeBytes", 0) / items if items else _UNMEASURED_ITEM_BYTES
    return TableScan(place, table, splits, max(units // splits, 1), item_bytes)


@cache  # it costs more than a small segment's scan: one for each process
def _client(place: Place) -> Any:
    if place.role is None:
        return boto3.client("dynamodb", region_name=place.region)
    assumed = boto3.client("sts").assume_role(RoleArn=place.role, RoleSessionName=place.session_name)["Credentials"]
    return boto3.client(
        "dynamodb",
        region_name=place.region,
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )


def _in_range(name: str, value: Any, least: float, most: float) -> Any:
    if not least <= value <= most:
        raise ValueError(f"the connection option {name!r} must be between {least} and {most}, and is {value}")
    return value


def _read_capacity(description: Mapping[str, Any]) -> int:
    if description.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
        return _ON_DEMAND_UNITS
    return description["ProvisionedThroughput"]["ReadCapacityUnits"]
