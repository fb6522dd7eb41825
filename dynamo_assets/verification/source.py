"""The check `source`: the snapshot has about as many rows as DynamoDB says that the table has items."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dynamo_assets.errors import PlanError
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.naming import parse_snapshot
from dynamo_assets.verification.finding import SOURCE, Finding, finding_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TOLERANCE = 0.2
"""DynamoDB counts about every six hours (API reference, TableDescription, ItemCount)."""
COMPARABLE = timedelta(days=1)
"""What is said of today tells nothing of an older snapshot."""


def check_source(dynamodb: DynamoDBClient, manifest: Manifest, now: datetime) -> Finding:
    """Compares the rows with DynamoDB's own count, which is hours old: so this never blocks.

    Args:
        dynamodb: Of the table's region.
        manifest: The snapshot's.
        now: The wall clock.
    """
    if now - parse_snapshot(manifest.snapshot_timestamp) > COMPARABLE:
        return Finding(SOURCE, True, "not compared: DynamoDB's count is today's, and the snapshot is older", "warn")
    try:
        items = TableDescription.of(dynamodb, manifest.table).items
    except PlanError as error:
        return Finding(SOURCE, False, f"DynamoDB could not be asked for its count: {error}", "warn")
    figures = {"rows": manifest.rows, "items_by_dynamodb": items}
    counted = f"{manifest.rows:,} rows; DynamoDB counted {items:,} items some hours ago"
    if not items:
        # A young table has no count yet, and one that is empty none either.
        return Finding(SOURCE, True, f"{manifest.rows:,} rows; DynamoDB has no count yet", "warn", figures)
    far = abs(manifest.rows - items) > TOLERANCE * items
    return finding_of(
        SOURCE,
        [f"{counted}, more than {TOLERANCE:.0%} apart"] if far else [],
        good=counted,
        advice="A table that is loaded or emptied differs for some hours; otherwise look at the newest runs",
        level="warn",
        figures=figures,
    )
