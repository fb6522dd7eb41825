"""Sample tables: the two reviews of the original demonstration, real API operations, and orders of every type."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import botocore.loaders
from boto3.dynamodb.types import TypeSerializer

from dynamo_assets.sandbox.endpoint import Endpoint
from dynamo_assets.sandbox.sample_history import load_history

REVIEWS, API_OPERATIONS, ORDERS = "Reviews", "Api-Operations", "Orders"
ORDER_COUNT = 3_000
SERVICES = (
    "athena", "cloudformation", "dynamodb", "ec2", "ecs", "glue", "iam", "kms", "lambda", "logs", "rds", "redshift",
    "s3", "sagemaker", "sns", "sqs", "stepfunctions", "sts",
)  # fmt: skip
_BATCH = 25  # BatchWriteItem's limit
_SEED = 7


def load_samples(endpoint: Endpoint) -> dict[str, int]:
    """Creates and fills the sample tables.

    Returns:
        How many items each table holds.
    """
    tables = {
        REVIEWS: (_keys("review_id"), {"ReadCapacityUnits": 100, "WriteCapacityUnits": 5}, reviews()),
        API_OPERATIONS: (
            _keys("service", "operation"),
            {"ReadCapacityUnits": 4_000, "WriteCapacityUnits": 100},
            api_operations(),
        ),
        ORDERS: (_keys("order_id"), None, orders(ORDER_COUNT)),
    }
    return {name: _fill(endpoint, name, *table) for name, table in tables.items()} | load_history(endpoint)


def reviews() -> Iterator[dict[str, Any]]:
    """Two reviews; the second has an attribute that the first lacks."""
    yield {"review_id": "1", "product": "kettle", "stars": 5, "text": "Boils water. Ten out of ten."}
    yield {"review_id": "2", "product": "toaster", "stars": 2, "text": "Toasts one side.", "verified": True}


def api_operations() -> Iterator[dict[str, Any]]:
    """The operations of some AWS services, out of botocore's own service models.

    Real records: nested, most attributes missing from most items, and static context parameters that are text in
    some services and booleans in others.
    """
    loader = botocore.loaders.create_loader()
    for service in SERVICES:
        model = loader.load_service_model(service, "service-2")
        for name, operation in model["operations"].items():
            yield {"service": service, "operation": name, **{k: v for k, v in operation.items() if k != "name"}}


def orders(count: int) -> Iterator[dict[str, Any]]:
    """Orders that use every DynamoDB type, and hold what real tables hold: the odd one out.

    Coupons are text, or a list of texts in the oldest orders; few orders are a gift; a ledger reference has 38 digits.
    """
    choice = random.Random(_SEED)  # noqa: S311 - sample data
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        lines = [
            {
                "sku": f"SKU-{choice.randrange(500):04}",
                "quantity": choice.randint(1, 5),
                "price": Decimal(choice.randrange(99, 99_999)) / 100,
            }
            for _ in range(choice.randint(1, 4))
        ]
        order: dict[str, Any] = {
            "order_id": f"o-{number:06}",
            "customer_id": choice.randrange(1, 900),
            "placed_at": (begin + timedelta(minutes=97 * number)).isoformat(),
            "total": sum((line["quantity"] * line["price"] for line in lines), Decimal(0)),
            "lines": lines,
            "ship_to": {"city": choice.choice(["Rome", "Oslo", "Lima"]), "zip": f"{choice.randrange(99999):05}"},
            "paid": choice.random() < 0.9,
            "signature": choice.randbytes(8),
            "tags": {choice.choice(["new", "vip", "b2b"]), choice.choice(["web", "shop"])},
            "parcel_weights": {choice.randrange(1, 30), Decimal(choice.randrange(301, 900)) / 10},
            "label_scans": {choice.randbytes(4)},
            "ledger_reference": Decimal(10**37 + number),
            "cancelled_at": None,
        }
        if number % 3 == 0:
            order["coupon"] = ["SPRING", "LOYAL"] if number < 100 else "SPRING"
        if number % 50 == 0:
            order["gift"] = {"wrap": "red", "message": "Happy birthday, 祝你生日快乐"}
        yield order


def _keys(partition: str, sort: str | None = None) -> list[tuple[str, str]]:
    return [(partition, "HASH"), *([(sort, "RANGE")] if sort else [])]


def _fill(
    endpoint: Endpoint,
    name: str,
    keys: list[tuple[str, str]],
    capacity: Mapping[str, int] | None,
    items: Iterable[Mapping[str, Any]],
) -> int:
    dynamodb = endpoint.client("dynamodb")
    billing = {"ProvisionedThroughput": capacity} if capacity else {"BillingMode": "PAY_PER_REQUEST"}
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
        **billing,
    )
    serializer = TypeSerializer()
    puts = [{"PutRequest": {"Item": serializer.serialize(dict(item))["M"]}} for item in items]
    batches = [puts[start : start + _BATCH] for start in range(0, len(puts), _BATCH)]
    with ThreadPoolExecutor(4) as writers:
        for answer in writers.map(lambda batch: dynamodb.batch_write_item(RequestItems={name: batch}), batches):
            assert not answer["UnprocessedItems"], f"{name}: the sandbox left items unwritten"
    return len(puts)
