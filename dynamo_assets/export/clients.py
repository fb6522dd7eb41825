"""The AWS clients of one export, made where they are used: on this machine or on an executor."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3

from dynamo_assets.credentials import ReadTable, reading_session
from dynamo_assets.export.reading_client import reading_client
from dynamo_assets.export.s3_client import patient_client
from dynamo_assets.naming import table_region

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


class Clients:
    """Clients for one table. Pickled, they leave the session behind: elsewhere, that place's own credentials count.

    Args:
        read: The table, and the role that reads it, if any; an ARN's region is where DynamoDB is asked.
        session: Where credentials and regions come from; boto3's own search where None.
        connections: How many segments read at once.
    """

    def __init__(self, read: ReadTable, session: boto3.Session | None = None, connections: int = 10):
        self._read = read
        self._connections = connections
        self._session = session or boto3.Session()

    def __reduce__(self) -> tuple[Any, ...]:
        return Clients, (self._read, None, self._connections)

    @cached_property
    def _reading_session(self) -> boto3.Session:
        return reading_session(self._session, self._read.table, self._read.role)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """For everything but reading."""
        return self._reading_session.client("dynamodb", region_name=table_region(self._read.table))

    @cached_property
    def reader(self) -> DynamoDBClient:
        """For `dynamo_assets.export.source.scan`."""
        return reading_client(self._reading_session, table_region(self._read.table), self._connections)

    @cached_property
    def s3(self) -> S3Client:
        """For data files, claims and manifests."""
        return patient_client(self._session)
