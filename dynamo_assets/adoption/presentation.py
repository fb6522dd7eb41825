"""The outcome of an adoption, a line for each snapshot, as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence

from dynamo_assets.adoption.run import Outcome
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.export.manifest import Manifest

_STATES = {"adopted": "adopted", "new": "would be adopted", "already": "adopted already", "refused": "REFUSED"}
HALF = 0.5


def line(outcome: Outcome, rows_before: int | None, slot: str) -> str:
    """One snapshot's line: rows always, so that an odd one is seen.

    Args:
        outcome: What became of it.
        rows_before: Those of the one before it.
        slot: Where Dagster shows it.
    """
    manifest, folder = outcome.manifest, outcome.folder
    what = [f"{len(folder.files)} file(s), {folder.bytes:,} bytes"]
    if manifest:
        by = manifest.adopted.complete_by if manifest.adopted else ""
        what = [
            f"{manifest.rows:,} rows{_odd(manifest.rows, rows_before)}",
            *what,
            manifest.format,
            f"complete by {by}",
        ]
    if slot:
        what.append(slot)
    told = f"{outcome.label}  {_STATES[outcome.state]}: {', '.join(what)}"
    if outcome.verified == "rejected":
        return (
            f"{told}\n    DID NOT PASS its checks, so it is not registered: {outcome.reason} An old snapshot cannot be "
            f"taken again: it stays rejected, unless you accept it (dynamo-assets publish ... --accept)"
        )
    return f"{told}\n    {outcome.reason}" if outcome.reason else told


def _odd(rows: int, before: int | None) -> str:
    """What is to be looked at: half the rows are a run's that died, twice as many those of two runs in one minute."""
    if before is None or abs(rows - before) < HALF * max(before, 1):
        return ""
    return f" (ODD: {before:,} in the one before)"


def advice(table: Table, adopted: Sequence[Manifest]) -> list[str]:
    """What to set before the next export, so that it goes together with the old snapshots."""
    told = []
    if table.format != "csv" and any(each.format == "csv" for each in adopted):
        told.append(
            f"CSV is all text in the raw table. Set `format: csv` for {table.table} before the next export, or that "
            "gives columns other types, by which the CSV cannot be shown or rolled back to any more (docs/migration.md)"
        )
    doubles = {column.attribute for each in adopted for column in each.columns if column.type == "double"}
    if missing := sorted(doubles - set(table.columns)):
        listed = ", ".join(f"{attribute}: double" for attribute in missing)
        told.append(
            "Numbers with fractions are double in these files, and decimal(38,18) or text in new exports, which Athena "
            f"does not convert: set `columns: {{{listed}}}` for {table.table} before the next export, or the old "
            "snapshots cannot be queried together with new ones, nor rolled back to (docs/migration.md)"
        )
    return told
