"""Sample tables with a past: customers and their payments over the last two days, for snapshots of any hour of them."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from dynamo_assets.sandbox.dynamodb.clock import move_clock
from dynamo_assets.sandbox.endpoint import Endpoint

CUSTOMERS, PAYMENTS = "Customers", "Payments"
HOURS = 48
_FIRST_CUSTOMERS = 40
_PAYMENTS_AN_HOUR = 12
_CITIES = ("Oslo", "Lima", "Rome")
_SEED = 11

_Write = tuple[str, dict[str, Any]]


def load_history(endpoint: Endpoint) -> dict[str, int]:
    """Creates the tables two days ago, with point-in-time recovery on, and writes to them hour by hour until now.

    DynamoDB's clock is moved for it, and put right at the end.

    Returns:
        How many items each table holds now.
    """
    client = endpoint.client("dynamodb")
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS)
    try:
        _move(endpoint, begin - timedelta(minutes=45))
        for table, key in ((CUSTOMERS, "customer_id"), (PAYMENTS, "payment_id")):
            client.create_table(
                TableName=table,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            client.update_continuous_backups(
                TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
            )
        for hour, writes in enumerate(_history(begin)):
            _move(endpoint, begin + timedelta(hours=hour, minutes=-30))
            for start in range(0, len(writes), 25):  # BatchWriteItem's limit
                by_table: dict[str, list[dict[str, Any]]] = {}
                for table, request in writes[start : start + 25]:
                    by_table.setdefault(table, []).append(request)
                client.batch_write_item(RequestItems=by_table)  # pyright: ignore[reportArgumentType]
    finally:
        move_clock(endpoint, 0)
    return {
        table: client.describe_table(TableName=table)["Table"].get("ItemCount", 0) for table in (CUSTOMERS, PAYMENTS)
    }


def _history(begin: datetime) -> Iterator[list[_Write]]:
    """What is written in the half hour before each full hour: sign-ups, payments, refunds, customers who leave."""
    choice = random.Random(_SEED)  # noqa: S311 - sample data
    customers: list[dict[str, Any]] = []
    payments: list[dict[str, Any]] = []
    for hour in range(HOURS + 1):
        at = (begin + timedelta(hours=hour, minutes=-30)).isoformat()
        for _ in range(choice.randrange(3) if hour else _FIRST_CUSTOMERS):
            customers.append({"customer_id": f"c-{len(customers):04}", "since": at, "city": choice.choice(_CITIES)})
        new_payments = [
            {
                "payment_id": f"p-{hour:02}-{number:02}",
                "customer_id": choice.choice(customers)["customer_id"],
                "amount": Decimal(choice.randrange(100, 90_000)) / 100,
                "at": at,
                "state": "authorized",
            }
            for number in range(_PAYMENTS_AN_HOUR)
        ]
        settled = choice.sample(payments, min(6, len(payments) // 2))
        payments += new_payments
        writes = [_put(PAYMENTS, item) for item in new_payments]
        writes += [_put(PAYMENTS, {**item, "state": choice.choice(["captured", "refunded"])}) for item in settled]
        writes += [_put(CUSTOMERS, item) for item in customers if item["since"] == at]
        if hour % 6 == 5:
            gone = choice.choice(customers[:_FIRST_CUSTOMERS])["customer_id"]
            writes.append((CUSTOMERS, {"DeleteRequest": {"Key": {"customer_id": {"S": gone}}}}))
        yield writes


def _put(table: str, item: dict[str, Any]) -> _Write:
    return table, {"PutRequest": {"Item": TypeSerializer().serialize(item)["M"]}}


def _move(endpoint: Endpoint, instant: datetime) -> None:
    move_clock(endpoint, instant.timestamp() - time.time())
