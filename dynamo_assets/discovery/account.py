"""Looks at the tables of an account. Nothing is changed there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from dynamo_assets.aws.recovery import recoverable_from
from dynamo_assets.aws.refusals import DENIED
from dynamo_assets.discovery.filters import Filters
from dynamo_assets.errors import PlanError
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.naming import format_snapshot

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_AT_ONCE = 4
"""DynamoDB answers ListTagsOfResource ten times a second for an account; where that is exceeded boto3 waits."""
_GONE = {"ResourceNotFoundException", "TableNotFoundException"}

T = TypeVar("T")


@dataclass(frozen=True)
class FoundTable:
    """What AWS says of a table.

    Attributes:
        name: Its name.
        description: How large it is, and how it pays.
        tags: Its tags; None where AWS would not tell.
        recoverable_from: From when on point-in-time recovery reaches; empty where it is off.
        ttl_attribute: The attribute of time to live; empty where it is off.
        untold: What AWS would not tell, such as `whether point-in-time recovery is on (DescribeContinuousBackups)`.
    """

    name: str
    description: TableDescription
    tags: Mapping[str, str] | None = field(default_factory=dict)
    recoverable_from: str = ""
    ttl_attribute: str = ""
    untold: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnknownTable:
    """A table that AWS would not describe, or not to the end.

    Attributes:
        name: Its name.
        problem: Why.
    """

    name: str
    problem: str


@dataclass(frozen=True)
class Account:
    """The tables of an account in one region.

    Attributes:
        dynamodb: Asks.
    """

    dynamodb: DynamoDBClient

    def tables(self, filters: Filters) -> list[FoundTable | UnknownTable]:
        """Those that the filters take, by name.

        What AWS refuses of one table says something of that table. What it refuses of all of them, such as expired
        credentials, is raised.

        Raises:
            ClientError: AWS would not tell which tables there are, or stopped answering.
        """
        names = sorted(name for name in self._names() if filters.take_name(name))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            looked_at = list(pool.map(lambda name: self._look_at(name, filters), names))
        return [table for table in looked_at if table is not None]

    def _names(self) -> Iterator[str]:
        for page in self.dynamodb.get_paginator("list_tables").paginate():
            yield from page["TableNames"]

    def _look_at(self, name: str, filters: Filters) -> FoundTable | UnknownTable | None:
        untold: list[str] = []

        def asked(call: Callable[[], T], default: T, what: str) -> T:
            try:
                return call()
            except (ClientError, PlanError) as error:
                untold.append(f"{what} ({_refused(error)})")
                return default

        try:
            described = TableDescription.of(self.dynamodb, name)
        except PlanError as error:
            # Whether it has the tags is not known either, and it must not be passed over in silence.
            return UnknownTable(name, str(error).removeprefix(f"table {name}").lstrip(": "))
        tags = asked(lambda: self._tags(described.arn), None, "its tags")
        if filters.tags and tags is None:
            return UnknownTable(name, f"AWS would not tell {untold[0]}, so whether it is wanted is not known")
        if not filters.take_tags(tags or {}):
            return None
        recovery = asked(lambda: recoverable_from(self.dynamodb, name), None, "whether point-in-time recovery is on")
        ttl_attribute = asked(lambda: self._ttl_attribute(name), "", "whether it has a time to live")
        return FoundTable(
            name=name,
            description=described,
            tags=tags,
            recoverable_from=format_snapshot(recovery) if recovery else "",
            ttl_attribute=ttl_attribute,
            untold=tuple(untold),
        )

    def _tags(self, arn: str) -> Mapping[str, str] | None:
        pages = self.dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page.get("Tags", [])}

    def _ttl_attribute(self, name: str) -> str:
        answer: Any = self.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        return answer.get("AttributeName", "") if answer.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"} else ""


def _refused(error: ClientError | PlanError) -> str:
    """Which call AWS refused, where that says something of the table; raises it otherwise."""
    cause = error if isinstance(error, ClientError) else error.__cause__
    if not isinstance(cause, ClientError):
        raise error
    code = cause.response.get("Error", {}).get("Code", "")
    if code in DENIED:
        return f"{cause.operation_name} is not allowed"
    if code in _GONE:
        return f"{cause.operation_name} does not find it"
    raise error
