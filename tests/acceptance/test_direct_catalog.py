"""`catalog.method: direct`: no crawler, and the raw table never holds what is not complete and verified."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import boto3
import pytest

from dynamo_assets.naming import snapshots_table
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance import hostile
from tests.acceptance.conftest import Pipeline, failure_of
from tests.acceptance.tables import FORMATS, assert_rows, by_athena, fill, items_of, snapshot

DIRECT = {"method": "direct"}
ITEMS = [{"id": "1", "stars": 5}, {"id": "2", "stars": 2}]


def with_method(pipeline: Pipeline, method: Literal["crawler", "direct"]) -> Pipeline:
    """The same pipeline after `catalog.method` has been edited."""
    catalog = pipeline.settings.catalog.model_copy(update={"method": method})
    return replace(pipeline, settings=pipeline.settings.model_copy(update={"catalog": catalog}))


def glue_table(pipeline: Pipeline, name: str) -> Mapping[str, Any]:
    return pipeline.clients.glue.get_table(DatabaseName=pipeline.database, Name=snapshots_table(name))["Table"]


def glue_partitions(pipeline: Pipeline, name: str) -> dict[str, Mapping[str, Any]]:
    pages = pipeline.clients.glue.get_paginator("get_partitions").paginate(
        DatabaseName=pipeline.database, TableName=snapshots_table(name)
    )
    return {found["Values"][0]: found for page in pages for found in page["Partitions"]}


@pytest.mark.parametrize("format", FORMATS)
def test_explore(make_pipeline, unique, aws: Endpoint, format: str) -> None:
    table = unique("Zoo")
    fill(aws, table, hostile.items())
    pipeline = make_pipeline({table: {"engine": "in_process", "format": format}})
    first = snapshot(pipeline, table)
    boto3.resource("dynamodb").Table(table).put_item(Item={"id": "new", "added": {"x": 1}, "text": "still a text"})
    second = snapshot(pipeline, table)
    name = second.name
    a = glue_table(pipeline, name), glue_partitions(pipeline, name)
    pipeline.clients.glue.delete_table(DatabaseName=pipeline.database, Name=snapshots_table(name))
    direct = with_method(pipeline, "direct")
    r = direct.run(table, select=f"{pipeline.database}/snapshots_{name}")
    assert r.success, failure_of(r)
    b = glue_table(pipeline, name), glue_partitions(pipeline, name)

    def diff(x, y, path):
        if isinstance(x, Mapping) and isinstance(y, Mapping):
            for k in sorted({*x, *y}):
                diff(x.get(k), y.get(k), f"{path}.{k}")
        elif x != y:
            print("DIFF", format, path, "|", str(x)[:300], "|", str(y)[:300])
    diff(a[0], b[0], "table")
    for label in (first.snapshot_timestamp, second.snapshot_timestamp):
        diff(a[1][label], b[1][label], "first" if label == first.snapshot_timestamp else "second")
