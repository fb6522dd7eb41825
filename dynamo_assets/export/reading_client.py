"""A DynamoDB client whose Scan gives bodies as they came over the wire.

boto3 does everything but parse: it signs, connects, renews credentials and finds the endpoint, and a handler of its
`before-parse` event takes the body away from its response parser, which would cost most of a scan's time.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from botocore import exceptions as boto
from botocore.config import Config

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_dynamodb import DynamoDBClient


class ChecksumError(boto.HTTPClientError):
    """A body does not have the CRC-32 that DynamoDB computed for it."""

    fmt = "the body's CRC-32 is {actual}, DynamoDB sent {expected}"


def reading_client(session: boto3.Session, region: str | None, connections: int) -> DynamoDBClient:
    """A DynamoDB client whose Scan gives bodies instead of items, which only `scan` of `source.py` understands.

    Args:
        session: Where credentials, endpoint and proxies come from.
        region: The table's region where its ARN names one.
        connections: How many segments will use the client at once.
    """
    # `scan` retries by itself: it knows how long a storm may last, and checks every attempt's CRC-32.
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=max(10, connections),
        tcp_keepalive=True,
    )
    client = session.client("dynamodb", region_name=region, config=config)
    client.meta.events.register("before-parse.dynamodb.Scan", _take_body)
    return client


def _take_body(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] != 200:
        return  # botocore's parser makes the exception
    body = response_dict["body"]
    expected, actual = response_dict["headers"].get("x-amz-crc32"), str(zlib.crc32(body))
    if expected not in {None, actual}:
        raise ChecksumError(actual=actual, expected=expected)
    customized_response_dict["Body"] = body
    response_dict["body"] = b"{}"
