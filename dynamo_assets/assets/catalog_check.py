"""The check `catalog`: the Glue Data Catalog says of a snapshot what its manifest says."""

from __future__ import annotations

from collections.abc import Sequence

from dynamo_assets.assets.raw_table import RawTable
from dynamo_assets.aws.storage_formats import differences, storage_of
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.naming import snapshots_table
from dynamo_assets.verification.finding import CATALOG, Finding, finding_of

ADVICE = "Materialize this asset again; delete what else has its files below the table's folder. No view was touched"


def check_catalog(raw: RawTable, manifest: Manifest, corrected: Sequence[str]) -> Finding:
    """Reads table and partition once more, after all was registered and corrected.

    Args:
        raw: The table.
        manifest: The snapshot's.
        corrected: What was corrected from the manifest, a line each.
    """
    name = snapshots_table(raw.name)
    place = f"{raw.catalog.database}.{name}"
    problems = []
    found = raw.catalog.tables_at(raw.location)
    if found != [name]:
        problems.append(f"{found or 'no table'} at {raw.location}, and should be exactly {place}")
    table = raw.catalog.table(name)
    partition = raw.catalog.partition(name, manifest.snapshot_timestamp) if table else None
    if partition is None:
        problems.append(f"{place} has no partition {manifest.snapshot_timestamp}")
    else:
        lines = differences(partition["StorageDescriptor"], storage_of(manifest))
        problems += [f"partition {manifest.snapshot_timestamp}: {line}" for line in lines]
    if table:
        there = {column["Name"] for column in table["StorageDescriptor"].get("Columns", [])}
        problems += [f"{place} has no column {column.name}" for column in manifest.columns if column.name not in there]
    return finding_of(
        CATALOG,
        problems,
        good=f"{place} has the partition {manifest.snapshot_timestamp} and {len(manifest.columns)} columns of it",
        advice=ADVICE,
        figures={"columns": len(manifest.columns), "corrected_from_the_manifest": "; ".join(corrected) or "nothing"},
    )
