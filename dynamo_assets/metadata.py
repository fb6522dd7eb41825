"""A manifest as metadata of a materialization: what a person wants to see in the UI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg

from dynamo_assets.export.manifest import Manifest, ManifestColumn
from dynamo_assets.export.schema_changes import SchemaChanges
from dynamo_assets.naming import PARTITION_COLUMN, Layout
from dynamo_assets.prices import Prices

SNAPSHOT_LABEL = "snapshot_timestamp"
"""The metadata entry by which a later step learns which snapshot a slot holds."""


def column_schema(columns: Sequence[ManifestColumn], *, of_view: bool = False) -> dg.TableSchema:
    """The columns with Athena's types and, where the name had to change, the attribute's own name.

    Args:
        columns: The snapshot's.
        of_view: Whether the types are those of the view; of some formats the raw table is text only.
    """
    return dg.TableSchema(
        columns=[
            *(
                dg.TableColumn(
                    name=column.name,
                    type=(of_view and column.view_type) or column.type,
                    description=None if column.name == column.attribute else f"attribute {column.attribute!r}",
                    tags={f"dynamodb/{kind}": str(count) for kind, count in column.dynamodb_types.items()},
                )
                for column in columns
            ),
            dg.TableColumn(
                name=PARTITION_COLUMN,
                type="string",
                description="UTC; the second the scan began, or the instant of a point-in-time export",
            ),
        ]
    )


def copied_columns(columns: Sequence[ManifestColumn], upstream: dg.AssetKey) -> dg.TableColumnLineage:
    """The lineage of a table whose columns are those of the one upstream."""
    names = [*(column.name for column in columns), PARTITION_COLUMN]
    return dg.TableColumnLineage({name: [dg.TableColumnDep(asset_key=upstream, column_name=name)] for name in names})


def exported_columns(columns: Sequence[ManifestColumn], source: dg.AssetKey) -> dg.TableColumnLineage:
    """The lineage of exported columns: each comes from one attribute of the DynamoDB table."""
    return dg.TableColumnLineage(
        {column.name: [dg.TableColumnDep(asset_key=source, column_name=column.attribute)] for column in columns}
    )


def snapshot_metadata(manifest: Manifest, facts: Mapping[str, Any], layout: Layout, prices: Prices) -> dict[str, Any]:
    """What an exported snapshot is, how big it is, and what it cost to take."""
    seconds = (_instant(manifest.finished_at) - _instant(manifest.started_at)).total_seconds()
    costs = costs_of(manifest, facts, prices)
    return {
        SNAPSHOT_LABEL: manifest.snapshot_timestamp,
        "dagster/partition_row_count": manifest.rows,
        "dagster/uri": manifest.location,
        "dagster/column_schema": column_schema(manifest.columns),
        "bytes": manifest.bytes,
        "files": len(manifest.files),
        "format": manifest.format,
        "engine": manifest.engine,
        "seconds": round(seconds, 1),
        "items_per_second": round(manifest.rows / seconds, 1) if seconds > 0 else None,
        "read_units": manifest.read.get("read_units"),
        "segments": manifest.read.get("segments"),
        "consistent_read": manifest.read.get("consistent"),
        "schema_changes": _schema_changes(manifest.schema_changes),
        "cost_usd": round(sum(costs.values()), 4),
        "costs": {what: round(usd, 4) for what, usd in costs.items()},
        "prices_as_of": prices.as_of,
        "manifest": layout.uri(layout.manifest_key(manifest.name, manifest.snapshot_timestamp)),
        **{key: _link(value) for key, value in facts.items()},
    }


def costs_of(manifest: Manifest, facts: Mapping[str, Any], prices: Prices) -> dict[str, float]:
    """What taking a snapshot cost, in US dollars, by what AWS has counted.

    Read units are priced as an on-demand table pays them, unless the table's capacity is known to be provisioned.
    """
    read_units = float(manifest.read.get("read_units") or 0)
    billed_bytes = float(facts.get("billed_bytes") or manifest.read.get("billed_bytes") or 0)
    return {
        "reads": 0.0 if facts.get("billing_mode") == "PROVISIONED" else prices.reads(read_units),
        "native_export": prices.native_export(billed_bytes),
        "glue": prices.glue_run(
            float(facts.get("glue_dpu_seconds", 0)),
            float(facts.get("glue_dpus", 0)),
            flex=bool(facts.get("glue_flex")),
        ),
    }


def _schema_changes(changes: SchemaChanges) -> Any:
    if changes.since is None:
        return "none: the first snapshot"
    lines = [f"- {line}" for line in changes.lines()]
    return (
        dg.MetadataValue.md("\n".join([f"Since {changes.since}:", *lines])) if lines else f"none since {changes.since}"
    )


def _link(value: Any) -> Any:
    return dg.MetadataValue.url(value) if isinstance(value, str) and value.startswith("https://") else value


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def sample_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> dg.MetadataValue:
    """A few rows, as Markdown: rows of nested values do not fit Dagster's table metadata."""

    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        text = text if len(text) <= 60 else f"{text[:57]}..."
        return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")

    lines = [columns, ["---"] * len(columns), *rows]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(cell(value) for value in line)} |" for line in lines))
