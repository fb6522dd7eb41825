"""Pages of raw DynamoDB JSON, straight from the wire (`dynamo_assets.export.reading_client`)."""

from __future__ import annotations

import random
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from botocore import exceptions as boto

from dynamo_assets.errors import ReadError
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.supervision import Supervisor

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from dynamo_assets.export.clients import Clients

PATIENCE_SECONDS = 300.0
"""A segment that gets no page for this long, however often it asks, gives up."""
MAX_BACKOFF_SECONDS = 20.0

# DynamoDB developer guide, "Error handling with DynamoDB": these are to be tried again, as is every 5xx.
RETRYABLE = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "Throttling",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
        "RequestTimeout",
        # Credentials that expire during an export are renewed by the session they came from.
        "ExpiredTokenException",
    }
)


@dataclass(frozen=True)
class Page:
    """Some items as DynamoDB wrote them.

    Attributes:
        items: A JSON array of items in DynamoDB JSON.
        count: How many items DynamoDB says there are.
        read_units: What reading them consumed.
    """

    items: bytes
    count: int
    read_units: float = 0.0


@dataclass(frozen=True)
class ScanSegment:
    """One unit of a scan.

    Attributes:
        number: From 0; part of the file names.
        total: How many segments the table is read in.
        page_units: What its first page is expected to consume, in read units.
        page_items: Items per request, where a full page of 1 MB would be more than a second's share.
    """

    number: int
    total: int
    page_units: float
    page_items: int | None = None

    @property
    def part(self) -> str:
        """See `dynamo_assets.export.unit.PagesUnit`."""
        return f"part-{self.number:05d}"

    def pages(self, clients: Clients, request: ExportRequest, supervisor: Supervisor) -> Iterator[Page]:
        """See `dynamo_assets.export.unit.PagesUnit`."""
        return scan(clients.reader, request, self, supervisor)


class _Capacity(msgspec.Struct):
    CapacityUnits: float = 0.0


class _ScanPage(msgspec.Struct):
    Items: msgspec.Raw
    Count: int
    LastEvaluatedKey: dict[str, dict[str, str]] | None = None
    ConsumedCapacity: _Capacity | None = None


_SCAN_PAGE = msgspec.json.Decoder(_ScanPage)


def scan(
    client: DynamoDBClient,
    request: ExportRequest,
    segment: ScanSegment,
    supervisor: Supervisor,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Page]:
    """Reads one segment of a table to its end.

    A request that fails is made again from the last key that arrived, so nothing is skipped and nothing read twice.

    Args:
        client: From `dynamo_assets.export.reading_client`.
        request: Which table, and whether to read consistently.
        segment: Which part of it.
        supervisor: Keeps the rate.
        clock: A monotonic clock, in seconds.

    Raises:
        ReadError: DynamoDB refused, or no page came for `PATIENCE_SECONDS`.
    """
    parameters: dict[str, Any] = {
        "TableName": request.table,
        "ReturnConsumedCapacity": "TOTAL",
        "ConsistentRead": request.consistent_read,
    }
    if segment.total > 1:
        parameters |= {"Segment": segment.number, "TotalSegments": segment.total}
    if segment.page_items:
        parameters["Limit"] = segment.page_items
    reserved, wait = segment.page_units, supervisor.reserve(segment.page_units)
    while True:
        supervisor.pause(wait)
        page = _request_page(client, parameters, reserved, supervisor, clock)
        read_units = page.ConsumedCapacity.CapacityUnits if page.ConsumedCapacity else 0.0
        yield Page(bytes(page.Items), page.Count, read_units)
        if not page.LastEvaluatedKey:
            supervisor.reserve(0.0, read_units - reserved)
            return
        # The next page is expected to cost what this one did.
        wait, reserved = supervisor.reserve(read_units, read_units - reserved), read_units
        parameters["ExclusiveStartKey"] = _start_key(page.LastEvaluatedKey)


def _start_key(key: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    # boto3 encodes binary itself, so it wants the bytes.
    return {
        name: {tag: b64decode(text) if tag == "B" else text for tag, text in value.items()}
        for name, value in key.items()
    }


def _request_page(
    client: DynamoDBClient,
    parameters: dict[str, Any],
    expected_units: float,
    supervisor: Supervisor,
    clock: Callable[[], float],
) -> _ScanPage:
    began, attempt = clock(), 0
    while True:
        try:
            response: Any = client.scan(**parameters)
            return _SCAN_PAGE.decode(response["Body"])
        except (boto.ClientError, boto.HTTPClientError, boto.ConnectionError, msgspec.DecodeError) as error:
            if not _is_retryable(error):
                raise ReadError(f"table {parameters['TableName']} could not be read: {error}") from error
            if (waited := clock() - began) > PATIENCE_SECONDS:
                raise ReadError(
                    f"table {parameters['TableName']}: no page for {waited:.0f} s in {attempt + 1} attempts, the last "
                    f"of which failed with: {error}; if that is throttling, lower read_percentage or raise the capacity"
                ) from error
            # An answer that was lost on the way has been read by DynamoDB all the same.
            turn = 0.0 if isinstance(error, boto.ClientError) else supervisor.reserve(expected_units)
            # Full jitter: many segments that were throttled together must not come back together.
            backoff = random.uniform(0, min(MAX_BACKOFF_SECONDS, 0.05 * 2 ** min(attempt, 10)))  # noqa: S311 - no secret
            supervisor.pause(max(turn, backoff))
            attempt += 1


def _is_retryable(error: Exception) -> bool:
    if not isinstance(error, boto.ClientError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or error.response.get("Error", {}).get("Code") in RETRYABLE
