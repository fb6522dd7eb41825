"""What the views of many tables show, with few requests to Glue."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.views import published_label
from dynamo_assets.errors import CatalogError
from dynamo_assets.naming import is_label

ONE_BY_ONE = 20
"""Up to so many tables are asked for by name: a listing goes through all else in the database, too."""
READERS = 16


@dataclass(frozen=True)
class Shown:
    """What a view shows.

    Attributes:
        exists: Whether there is a view.
        label: The snapshot; None where there is no view, or one that somebody else made.
    """

    exists: bool
    label: str | None = None


def what_views_show(
    catalog: Catalog, names: Collection[str], *, expected: Collection[str] = ()
) -> dict[str, Shown | Exception]:
    """What each view shows, or why that cannot be told.

    One listing of the database tells of a hundred tables for each request. A view that it lacks, and that is expected,
    is asked for by name before anybody is told that it is gone.

    Args:
        catalog: The database.
        names: The views'.
        expected: Those that were there before.

    Raises:
        botocore.exceptions.ClientError: The database could not be listed.
    """
    found: dict[str, Shown | Exception] = {}
    ask: Collection[str] = names
    if len(names) > ONE_BY_ONE:
        wanted = frozenset(names)
        tables, all_of_them = catalog.listed(max_pages=10 + len(names) // 5)
        found = {table["Name"]: _shown(catalog, table) for table in tables if table["Name"] in wanted}
        ask = (wanted & frozenset(expected) if all_of_them else wanted) - found.keys()

    def one(name: str) -> Shown | Exception:
        try:
            return _shown(catalog, catalog.table(name))
        except (ClientError, BotoCoreError) as error:
            return error

    with ThreadPoolExecutor(READERS) as readers:
        found |= dict(zip(ask, readers.map(one, ask), strict=True))
    return {name: found.get(name, Shown(exists=False)) for name in names}


def _shown(catalog: Catalog, table: Mapping[str, Any] | None) -> Shown | Exception:
    if table is None:
        return Shown(exists=False)
    try:
        label = published_label(catalog.sql_of(table))
    except (CatalogError, ValueError, KeyError) as error:  # the latter two: what Athena keeps there is no view's text
        return error
    return Shown(exists=True, label=label if label and is_label(label) else None)
