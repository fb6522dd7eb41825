"""Raw tables as the Data Catalog describes them, and the catalog asset by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from dynamo_assets.naming import snapshots_table
from tests.acceptance.conftest import Pipeline, failure_of

DIRECT = {"method": "direct"}


def glue_table(pipeline: Pipeline, name: str) -> Mapping[str, Any]:
    return pipeline.clients.glue.get_table(DatabaseName=pipeline.database, Name=snapshots_table(name))["Table"]


def glue_partitions(pipeline: Pipeline, name: str) -> dict[str, Mapping[str, Any]]:
    pages = pipeline.clients.glue.get_paginator("get_partitions").paginate(
        DatabaseName=pipeline.database, TableName=snapshots_table(name)
    )
    return {found["Values"][0]: found for page in pages for found in page["Partitions"]}  # pyright: ignore[reportTypedDictNotRequiredAccess]


def columns_of(described: Mapping[str, Any]) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in described["StorageDescriptor"]["Columns"]}


def register(pipeline: Pipeline, table: str) -> dg.ExecuteInProcessResult:
    """Has the catalog asset do its work alone."""
    return pipeline.run(table, select=f"{pipeline.database}/snapshots_{pipeline.table(table).name}")


def registered(pipeline: Pipeline, table: str) -> Mapping[str, Any]:
    """As `register`; returns the asset's metadata."""
    result = register(pipeline, table)
    assert result.success, failure_of(result)
    node = f"{pipeline.database}__snapshots_{pipeline.table(table).name}"
    (event,) = result.asset_materializations_for_node(node)
    return {key: value.value for key, value in event.metadata.items()}


def raw_counts(pipeline: Pipeline, name: str) -> list[tuple[Any, ...]]:
    return pipeline.query(f'SELECT snapshot_timestamp, count(*) FROM "snapshots_{name}" GROUP BY 1 ORDER BY 1')
