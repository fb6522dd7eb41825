"""Manifests for tests that need one and no snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dynamo_assets.export.manifest import Manifest
from dynamo_assets.export.manifest_columns import manifest_columns
from dynamo_assets.export.observed import Facts
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema
from dynamo_assets.naming import Layout


def manifest_of(facts: Facts, request: ExportRequest, keys: Sequence[str] = ()) -> Manifest:
    """A manifest with the columns that facts lead to, as it comes back from where it is stored."""
    schema = TableSchema.of(facts, request, keys)
    manifest = Manifest(
        table=request.table, name=request.name, snapshot_timestamp="2026-11-23T10:00:00", slot=None, engine="glue",
        format=request.format, location="s3://exports/x/", started_at="", finished_at="", rows=0, bytes=0, files=(),
        columns=manifest_columns(schema, facts, request), read={},
    )  # fmt: skip
    return Manifest.from_json(manifest.to_json())


def snapshot_of(layout: Layout, label: str, format: Any = "parquet", **more: Any) -> Manifest:
    """The manifest of a snapshot of the table Zoo, without columns and files unless they are given."""
    return replace(
        manifest_of(Facts(), ExportRequest(table="Zoo", bucket=layout.bucket, format=format)),
        snapshot_timestamp=label,
        location=layout.uri(layout.snapshot_prefix("zoo", label)),
        **more,
    )
