"""What the examinations have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.doctor.inquiry import Inquiry


@dataclass(frozen=True)
class Place:
    """Where ARNs are of."""

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """Of a resource of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class Case:
    """What is examined, and how AWS is asked.

    Attributes:
        settings: What `tables.yaml` says.
        aws: Clients.
        inquiry: Asks.
        place: Where all of it is.
        caller: The ARN of the credentials.
        tables: Those of its tables that are examined.
        own: What the stack has: physical IDs by the template's own names; empty where that is not known.
        now: The wall clock.
    """

    settings: Settings
    aws: AwsClients
    inquiry: Inquiry
    place: Place
    caller: str
    tables: tuple[Table, ...]
    own: Mapping[str, str]
    now: datetime


@dataclass(frozen=True)
class Described:
    """A table as DescribeTable answers."""

    table: Table
    answer: Mapping[str, Any]
