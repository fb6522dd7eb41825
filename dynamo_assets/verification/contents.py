"""The checks of what a snapshot holds that need no more than manifests: `volume`, `schema` and `conversions`."""

from __future__ import annotations

from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.export.manifest import Manifest, ManifestColumn
from dynamo_assets.verification.finding import CONVERSIONS, SCHEMA, VOLUME, Finding, finding_of
from dynamo_assets.verification.records import Record


def check_volume(manifest: Manifest, before: Record | None, table: Table) -> Finding:
    """Compares the number of rows with that of the last snapshot that passed.

    That one and no average: once a person has published a table that was emptied on purpose, the next snapshot is
    compared with that, and passes.

    Args:
        manifest: The snapshot's.
        before: The last snapshot that passed, of those before it.
        table: Gives the band, and what it means to be outside.
    """
    figures = {"rows": manifest.rows} | ({"rows_before": before.rows} if before else {})
    if before is None:
        return Finding(VOLUME, True, f"{manifest.rows:,} rows; none before it to compare with", figures=figures)
    since = f"{manifest.rows:,} rows, and {before.rows:,} in {before.snapshot_timestamp}"
    to_zero = manifest.rows == 0 < before.rows
    band, problem = table.volume, ""
    if to_zero:
        problem = f"{since}: the table was emptied, or was not read"
    elif band.drop is not None and manifest.rows < before.rows * (1 - band.drop):
        problem = f"{since}: fewer by more than {band.drop:.0%}"
    elif band.rise is not None and manifest.rows > before.rows * (1 + band.rise):
        problem = f"{since}: more by more than {band.rise:.0%}"
    level = table.verification.volume
    blocks = level == "block" or (level == "block_zero" and to_zero)
    advice = (
        "Look at the table in DynamoDB. If it is right, publish the snapshot by hand: `dynamo-assets publish "
        f"{table.table} --snapshot {manifest.snapshot_timestamp} --accept`"
        if blocks
        else "Look at the table in DynamoDB"
    )
    return finding_of(
        VOLUME,
        [problem] if problem else [],
        good=since,
        advice=advice,
        level="block" if blocks else "warn",
        figures=figures,
    )


def check_schema(manifest: Manifest) -> Finding:
    """Names the attributes that came, went, or whose columns were widened since the snapshot before."""
    changes = manifest.schema_changes
    return finding_of(
        SCHEMA,
        [f"since {changes.since}: {'; '.join(changes.lines())}"] if changes else [],
        good=f"{len(manifest.columns)} columns, as in {changes.since}" if changes.since else "the first snapshot",
        advice="Older snapshots stay as they are; tell whoever queries these columns",
        level="warn",
        figures={
            "columns": len(manifest.columns),
            "added": len(changes.added),
            "gone": len(changes.gone) + len(changes.dropped),
            "widened": len(changes.widened),
        },
    )


def check_conversions(manifest: Manifest) -> Finding:
    """Counts the values that are text in their columns because of other values there, and those that lost digits."""
    as_text = {column.attribute: demoted_to_text(column, manifest) for column in manifest.columns}
    as_text = {attribute: count for attribute, count in as_text.items() if count}
    lossy = {column.attribute: column.lossy for column in manifest.columns if column.lossy}
    kept = [
        f"{attribute!r}: {count:,} values that are not text are kept as text" for attribute, count in as_text.items()
    ]
    lost = [f"{attribute!r}: {count:,} values lost digits, as was asked for" for attribute, count in lossy.items()]
    return finding_of(
        CONVERSIONS,
        [*kept, *lost],
        good="every value has its own type",
        advice="Nothing is lost in text. Give such an attribute one type in DynamoDB, or say in `columns` or "
        "`mixed_types` what you want",
        level="warn",
        figures={"kept_as_text": sum(as_text.values()), "lost_digits": sum(lossy.values())},
    )


def demoted_to_text(column: ManifestColumn, manifest: Manifest) -> int:
    """How many values of a column became text that nobody asked for; nested values as JSON included."""
    shape = manifest.shape
    if (column.view_type or column.type) != "string" or column.attribute in shape.get("columns", {}):
        return 0
    text = {"S", "NULL"} | ({"M", "L", "SS", "NS", "BS"} if shape.get("nested") == "json" else set())
    if manifest.format == "csv":
        text |= {"M", "L", "SS", "NS", "BS"}
    return sum(count for tag, count in column.dynamodb_types.items() if tag not in text)
