"""The names of columns and struct fields, from the names of attributes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from dynamo_assets.naming import PARTITION_COLUMN, to_identifier

MAX_NAME_LENGTH = 255
"""Glue's limit for a column name; an attribute's name may have 65,535 characters."""


def column_names(
    attributes: Iterable[str],
    *,
    kept: Mapping[str, str] | None = None,
    reserved: Collection[str] = (),
    avro: bool = False,
) -> dict[str, str]:
    """One name for each attribute: lower case, `_` for what is outside `[a-z0-9_]`, no two alike.

    The outcome depends on the arguments only, never on the order in which attributes were met. An attribute that had a
    name in the last snapshot keeps it. Of the others, one that is a good name already keeps that where it is free; the
    rest follow in the order of their own names, and take `_2`, `_3` ... where a name is taken.

    Args:
        attributes: The attributes' names.
        kept: Names by attribute, as the last snapshot had them, in its order.
        reserved: Names that no attribute may have.
        avro: Whether the names are for Avro, in which none begins with a digit.

    Returns:
        The names by attribute: first those of the last snapshot, in its order, then the others in alphabetical order.
        So a type only ever grows at its end, as Athena wants it of an older partition's struct.
    """
    found = set(attributes)
    ordered = [*(a for a in kept or () if a in found), *sorted(found - set(kept or ()))]
    wanted = {attribute: _wanted(attribute, avro=avro) for attribute in ordered}
    names: dict[str, str] = {}
    taken = set(reserved)

    def give(attribute: str, name: str) -> None:
        names[attribute] = name
        taken.add(name)

    for attribute, name in (kept or {}).items():
        if attribute in wanted and name not in taken and name == _wanted(name, avro=avro):
            give(attribute, name)
    for attribute in ordered:
        if attribute not in names and attribute == wanted[attribute] and attribute not in taken:
            give(attribute, attribute)
    for attribute in ordered:
        if attribute not in names:
            give(attribute, _free_name(wanted[attribute], taken))
    return {attribute: names[attribute] for attribute in ordered}


def top_level_names(
    attributes: Iterable[str], *, kept: Mapping[str, str] | None = None, avro: bool = False
) -> dict[str, str]:
    """The columns of a table; the partition's own name stays free."""
    return column_names(attributes, kept=kept, reserved=(PARTITION_COLUMN,), avro=avro)


def _wanted(attribute: str, *, avro: bool) -> str:
    name = to_identifier(attribute)[:MAX_NAME_LENGTH] or "_"
    return f"_{name}"[:MAX_NAME_LENGTH] if avro and name[0].isdecimal() else name


def _free_name(name: str, taken: Collection[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        suffix = f"_{number}"
        candidate = name[: MAX_NAME_LENGTH - len(suffix)] + suffix
    return candidate
