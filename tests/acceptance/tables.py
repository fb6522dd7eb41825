"""Tables of given items, snapshots of them, and whether these hold what boto3 reads."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import boto3
import pyarrow.parquet as pq
from pyarrow import orc

from dynamo_assets.export.hint import expected
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance import hostile
from tests.acceptance.athena_values import read_view, type_in_view
from tests.acceptance.conftest import Pipeline, failure_of
from tests.same_values import assert_same

FORMATS = ["parquet", "orc", "avro", "json", "csv"]
TYPED = frozenset({"parquet", "orc"})
"""Whose files say their values' types without the catalog."""


def fill(aws: Endpoint, table: str, items: Iterable[hostile.Item]) -> dict[str, hostile.Item]:
    """Makes a table of items; returns them as boto3 reads them, by key."""
    aws.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with boto3.resource("dynamodb").Table(table).batch_writer() as batch:
        for item in items:
            batch.put_item(Item=item)
    return items_of(table)


def items_of(table: str) -> dict[str, hostile.Item]:
    """A table's items as boto3 reads them, by key."""
    resource: Any = boto3.resource("dynamodb").Table(table)
    found: dict[str, hostile.Item] = {}
    page = resource.scan()
    while True:
        found |= {item["id"]: item for item in page["Items"]}
        if "LastEvaluatedKey" not in page:
            return found
        page = resource.scan(ExclusiveStartKey=page["LastEvaluatedKey"])


def assert_rows(rows: Mapping[str, Mapping[str, Any]], items: Mapping[str, hostile.Item], manifest: Manifest) -> None:
    options = ExportRequest(table=manifest.table, bucket="x", format=manifest.format)  # pyright: ignore[reportArgumentType]
    assert rows.keys() == items.keys()
    columns = {
        column.attribute: (column, type_in_view(column), expected(column.observed)) for column in manifest.columns
    }
    for key, item in items.items():
        assert set(item) <= columns.keys()
        for attribute, (column, kind, observed) in columns.items():
            try:
                assert_same(rows[key][column.name], item.get(attribute), kind, observed, options)
            except AssertionError as error:
                raise AssertionError(f"item {key!r}, attribute {attribute!r} ({column.type}): {error}") from error


def snapshot(pipeline: Pipeline, table: str) -> Manifest:
    result = pipeline.run(table)
    assert result.success, failure_of(result)
    return pipeline.latest(table)


def by_athena(pipeline: Pipeline, manifest: Manifest) -> dict[str, dict[str, Any]]:
    return read_view(pipeline.query, f'"{pipeline.database}"."{manifest.name}"', "id", manifest.columns)


def by_pyarrow(pipeline: Pipeline, manifest: Manifest) -> dict[str, dict[str, Any]]:
    """What is in the files themselves, read without Athena and without the catalog."""
    rows: dict[str, dict[str, Any]] = {}
    for file in manifest.files:
        body = pipeline.clients.s3.get_object(Bucket=pipeline.settings.storage.bucket, Key=file.key)["Body"].read()
        data = io.BytesIO(body)
        table = pq.read_table(data) if manifest.format == "parquet" else orc.read_table(data)
        missing = dict.fromkeys(column.name for column in manifest.columns)
        rows |= {row["id"]: {**missing, **row} for row in table.to_pylist()}
    return rows
