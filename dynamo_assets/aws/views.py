"""The SQL of a view that shows one snapshot, and reading back which one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dynamo_assets.aws.athena import quote_identifier, quote_literal
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.naming import PARTITION_COLUMN, snapshots_table

_PUBLISHED = re.compile(
    rf"(WHERE|AND) \"?{PARTITION_COLUMN}\"? = '(?P<label>\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d)'\s*$", re.IGNORECASE
)


def view_query(database: str, name: str, columns: Sequence[str], label: str, condition: str = "") -> str:
    """The query behind a view: one snapshot's rows, by explicit columns.

    `SELECT *` would go stale ("View is stale; it must be re-created") as soon as the crawler adds a column.

    Args:
        database: The database of the raw table.
        name: The table's catalog name.
        columns: What to select of the raw table, as SQL; the partition column is added.
        label: The snapshot.
        condition: What else must hold of a row, as SQL.
    """
    listed = ", ".join([*columns, quote_identifier(PARTITION_COLUMN)])
    return (
        f"SELECT {listed} FROM {quote_identifier(database)}.{quote_identifier(snapshots_table(name))} "
        f"WHERE {f'({condition}) AND ' if condition else ''}"
        f"{quote_identifier(PARTITION_COLUMN)} = {quote_literal(label)}"
    )


def create_view(database: str, name: str, query: str) -> str:
    """The statement that makes a view or replaces it: one update of the catalog, the only commit of a publish."""
    return f"CREATE OR REPLACE VIEW {quote_identifier(database)}.{quote_identifier(name)} AS {query}"


def published_label(view_sql: str) -> str | None:
    """The snapshot that a view shows, from the SQL it was made with; None where it was not made by `view_query`."""
    match = _PUBLISHED.search(view_sql)
    return match["label"] if match else None


def published_snapshot(catalog: Catalog, name: str) -> str | None:
    """The label of the snapshot that a table's view shows; None where there is no view, or one made by somebody else.

    Raises:
        CatalogError: Something else than a view has the view's name.
    """
    sql = catalog.view_sql(name)
    return published_label(sql) if sql else None
