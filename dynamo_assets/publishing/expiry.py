"""Items that have expired, and that DynamoDB has not deleted yet: it takes up to a few days for that."""

from __future__ import annotations

from dynamo_assets.export.manifest import Manifest
from dynamo_assets.naming import parse_snapshot
from dynamo_assets.publishing.view_columns import column_value

FIVE_YEARS = 5 * 365 * 24 * 3600
"""What expired longer ago than this DynamoDB never deletes (developer guide, "Using time to live")."""
_NUMBERS = ("bigint", "double", "decimal")


def not_expired(manifest: Manifest, ttl_attribute: str | None) -> str:
    """The condition, as SQL, that an item had not expired at the snapshot's instant; empty where there is none to ask.

    An item whose attribute is missing, is no number, or lies more than five years back never expires, as with DynamoDB.

    Args:
        manifest: The snapshot's.
        ttl_attribute: The attribute that holds when an item expires, in seconds of the Unix epoch.
    """
    column = next((column for column in manifest.columns if column.attribute == ttl_attribute), None)
    # Of an adopted snapshot nobody has counted DynamoDB's types: its column's type must do.
    if column is None or not (column.dynamodb_types.get("N") or manifest.adopted):
        return ""
    value, kind = column_value(column, manifest.format), column.view_type or column.type
    if kind == "string":
        # Numbers beside values of other types are text.
        value = f"try_cast({value} AS double)"
    elif not kind.startswith(_NUMBERS):
        return ""
    instant = int(parse_snapshot(manifest.snapshot_timestamp).timestamp())
    return f"NOT coalesce({value} BETWEEN {instant - FIVE_YEARS} AND {instant}, false)"
