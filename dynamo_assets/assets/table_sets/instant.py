"""Which instant the views of a set should show: told from S3 and the catalog, not from Dagster's memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from dynamo_assets.aws.views import published_snapshot
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.naming import format_snapshot, parse_slot, parse_snapshot
from dynamo_assets.publishing.choice import Choice


@dataclass(frozen=True)
class Instants:
    """What the members of a set have.

    Attributes:
        common: The newest instant of which every member has a complete, registered and verified snapshot, never one
            older than any view shows; None where there is none.
        newest: The newest instant that is wanted: of the run's slot, or that of the member which is furthest.
        held_back: The tables that `newest` lacks, and what each of them lacks; empty where `common` is the newest.
    """

    common: str | None
    newest: str | None
    held_back: Mapping[str, str]


def instants_of(members: Sequence[Table], choice: Choice, *, slot: str | None = None) -> Instants:
    """Looks which snapshots the members have, from the newest one that a view shows on.

    A slot that is older than what the views show wants nothing: it is a part of the past that was filled.

    Args:
        members: The set's tables.
        choice: Says which snapshots there are, and what one lacks to be shown.
        slot: The run's slot, where it has one.

    Raises:
        CatalogError: Something else than a view has a view's name.
    """
    shown = max((label for table in members if (label := published_snapshot(choice.catalog, table.name))), default=None)
    after = shown and _second_before(shown)
    complete = {table.table: set(choice.manifests.labels(table.name, after=after)) for table in members}

    def lacks(table: Table, label: str) -> str | None:
        if label not in complete[table.table]:
            return f"it has no complete snapshot of {label}"
        return choice.lacks(table, label)

    wanted = format_snapshot(parse_slot(slot)) if slot else ""
    newest = max((shown or "", wanted, *(label for labels in complete.values() for label in labels)))
    candidates = sorted(set.intersection(*complete.values()), reverse=True)
    common = next((label for label in candidates if not any(lacks(table, label) for table in members)), None)
    if not newest or common == newest:
        return Instants(common, newest or None, {})
    held_back = {table.table: reason for table in members if (reason := lacks(table, newest))}
    return Instants(common, newest, held_back)


def _second_before(label: str) -> str:
    return format_snapshot(parse_snapshot(label) - timedelta(seconds=1))
