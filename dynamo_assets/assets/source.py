"""The DynamoDB table itself: an external asset, where lineage begins."""

from __future__ import annotations

import dagster as dg

from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.naming import source_asset_key


def source_asset(table: Table) -> dg.AssetSpec:
    """The external asset of one DynamoDB table."""
    return dg.AssetSpec(
        key=source_asset_key(table.table),
        description=table.description or f"The DynamoDB table {table.table}.",
        group_name=table.group,
        kinds={"dynamodb"},
        owners=table.owners,
        tags=table.tags,
        metadata={"table": table.table},
    )
