"""boto3's client and `TypeDeserializer`, and nothing done with the items: prints how many there were."""

from __future__ import annotations

import boto3
from boto3.dynamodb.types import TypeDeserializer

from benchmarks.peers.arguments import parse_arguments


def main() -> None:
    table, count = parse_arguments().table, 0
    deserialize = TypeDeserializer().deserialize
    for page in boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table):
        items = [{name: deserialize(value) for name, value in item.items()} for item in page["Items"]]
        count += len(items)
    print(count)


if __name__ == "__main__":
    main()
