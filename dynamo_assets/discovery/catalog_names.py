"""A catalog name for each table, such that none has another's and Glue takes all that is made of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from dynamo_assets.naming import MAX_GLUE_NAME, catalog_name, crawler_name, snapshots_table


def free_names(tables: Iterable[str], database: str) -> dict[str, str]:
    """The catalog name of each table.

    Tables keep the names that are made of theirs as far as these are free and short enough; first come those that are
    catalog names as they stand.

    Args:
        tables: Their names.
        database: The crawlers' names begin with it.
    """
    longest = MAX_GLUE_NAME - len(crawler_name(database, ""))
    names: dict[str, str] = {}
    taken: set[str] = set()
    waiting = []
    for table in sorted(tables, key=lambda table: (catalog_name(table) != table, table)):
        name = catalog_name(table)
        if len(name) <= longest and taken.isdisjoint(_makes(name)):
            names[table] = name
            taken |= _makes(name)
        else:
            waiting.append(table)
    for table in waiting:
        names[table] = next(name for name in _others(catalog_name(table), longest) if taken.isdisjoint(_makes(name)))
        taken |= _makes(names[table])
    return names


def _makes(name: str) -> set[str]:
    """The views and tables in the catalog that a name leads to."""
    return {name, snapshots_table(name)}


def _others(name: str, longest: int) -> Iterator[str]:
    if len(name) > longest:
        yield name[:longest]
    for number in count(2):
        suffix = f"_{number}"
        yield name[: longest - len(suffix)] + suffix
