"""The names of columns and struct fields, from the names of attributes."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dynamo_assets.naming import PARTITION_COLUMN, to_identifier

MAX_NAME_LENGTH = 255
"""Glue's limit for a column name; an attribute's name may have 65,535 characters."""


def column_names(attributes: Iterable[str], *, reserved: Collection[str] = ()) -> dict[str, str]:
    """One name for each attribute: lower case, `_` for what is outside `[a-z0-9_]`, no two alike.

    The outcome depends on the set of attributes only, never on the order in which they were met. An attribute that is
    a good name already keeps it; the others follow in the order of their own names, and take `_2`, `_3` ... where the
    name is taken.

    Args:
        attributes: The attributes' names.
        reserved: Names that no attribute may have.
    """
    ordered = sorted(set(attributes))
    names = {a: a for a in ordered if a and a == to_identifier(a)[:MAX_NAME_LENGTH] and a not in reserved}
    taken = {*names, *reserved}
    for attribute in ordered:
        if attribute not in names:
            names[attribute] = _free_name(to_identifier(attribute)[:MAX_NAME_LENGTH] or "_", taken)
            taken.add(names[attribute])
    return names


def top_level_names(attributes: Iterable[str]) -> dict[str, str]:
    """The columns of a table; the partition's own name stays free."""
    return column_names(attributes, reserved=(PARTITION_COLUMN,))


def _free_name(name: str, taken: Collection[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        suffix = f"_{number}"
        candidate = name[: MAX_NAME_LENGTH - len(suffix)] + suffix
    return candidate
