"""DynamoDB tables for the sandbox's tests: made, filled, scanned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

Item = dict[str, Any]


def table_maker(dynamodb: Any, unique: Callable[[str], str]) -> Callable[..., str]:
    """Makes a table: `new_table("S")`, `new_table("S", "N")`, with further arguments of CreateTable."""

    def create(partition: str = "S", sort: str | None = None, **more: Any) -> str:
        keys = [("pk", "HASH", partition), *([("sk", "RANGE", sort)] if sort else [])]
        more.setdefault("BillingMode", "PAY_PER_REQUEST")
        more.setdefault("AttributeDefinitions", [{"AttributeName": n, "AttributeType": t} for n, _, t in keys])
        schema = [{"AttributeName": n, "KeyType": kind} for n, kind, _ in keys]
        name = unique("table")
        dynamodb.create_table(TableName=name, KeySchema=schema, **more)
        return name

    return create


def put_all(dynamodb: Any, table: str, items: list[Item]) -> None:
    for start in range(0, len(items), 25):
        dynamodb.batch_write_item(
            RequestItems={table: [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]}
        )


def pages(dynamodb: Any, table: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    while True:
        page = dynamodb.scan(TableName=table, **parameters)
        yield page
        if "LastEvaluatedKey" not in page:
            return
        parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def scanned(dynamodb: Any, table: str, **parameters: Any) -> list[Item]:
    return [item for page in pages(dynamodb, table, **parameters) for item in page["Items"]]


def error(excinfo: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    found = excinfo.value.response["Error"]
    return found["Code"], found["Message"]


def thousand_byte_items(count: int) -> list[Item]:
    # 2 for "pk", 5 for its value, 4 for "data": 989 more make 1000.
    return [{"pk": {"S": f"{n:05}"}, "data": {"S": "x" * 989}} for n in range(count)]
