"""A table of some megabytes, of nested, mixed and sparse items, the same each time it is made."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
from boto3.dynamodb.types import Binary

from dynamo_assets.sandbox.endpoint import Endpoint

ITEMS = 160
ITEM_BYTES = 32_000


def items(count: int = ITEMS, item_bytes: int = ITEM_BYTES) -> Iterator[dict[str, Any]]:
    """The items; a few attributes are of one item each, and several are of types that only some segments see."""
    chance = random.Random(20260101)
    for number in range(count):
        item: dict[str, Any] = {
            "OrderId": f"order-{number:05}",
            "line": number % 5,
            "pad": chance.choice("abc") * chance.randrange(item_bytes // 2, item_bytes * 3 // 2),
            "address": {"City": chance.choice(["Oslo", "日本", 'qu"ote']), "geo": {"lat": _decimal(chance)}},
            "lines": [{"sku": f"s{step}", "qty": step} for step in range(chance.randrange(4))],
            "tags": {f"t{step}" for step in range(chance.randrange(1, 4))},
            "mixed": chance.choice(["text", number, _decimal(chance), None, True, ["a", {"b": number}], {"x": 1}]),
            "note": chance.choice(["", "a\nb", "{", "}", '{"S":"x"}', None]),
        }
        if number % 7 == 0:
            item[f"sparse_{number % 21}"] = Binary(bytes([number % 256, 255]))
        if number == count // 3:
            item |= {"huge": Decimal("1E-130"), "address": {"City": "x", "Zip": {"a": {Decimal(1), Decimal("0.5")}}}}
        elif number % 2:
            item["huge"] = number
        if number == count // 2:
            item["only_here"] = {"deep": [[{"n": Decimal(2**70)}]]}
        yield item


def _decimal(chance: random.Random) -> Decimal:
    return Decimal(chance.randrange(-(10**9), 10**9)).scaleb(-chance.randrange(4))


def make_table(sandbox: Endpoint, name: str, count: int = ITEMS, item_bytes: int = ITEM_BYTES) -> str:
    """Makes a table of the corpus; returns its name."""
    _create(sandbox.client("dynamodb"), name)
    environment = sandbox.environment()
    session = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name=environment["AWS_REGION"]
    )
    with session.resource("dynamodb", endpoint_url=sandbox.url).Table(name).batch_writer() as batch:
        for item in items(count, item_bytes):
            batch.put_item(Item=item)
    return name


def _create(client: Any, name: str) -> None:
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "OrderId", "KeyType": "HASH"}, {"AttributeName": "line", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "OrderId", "AttributeType": "S"},
            {"AttributeName": "line", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def make_large_table(sandbox: Endpoint, name: str) -> str:
    """Makes a table of 10 MB that cannot be compressed: its file is so large that it travels in parts."""
    client = sandbox.client("dynamodb")
    _create(client, name)
    for number in range(28):
        data = random.Random(number).randbytes(360_000)
        client.put_item(
            TableName=name, Item={"OrderId": {"S": f"o{number:03}"}, "line": {"N": "1"}, "data": {"B": data}}
        )
    return name
