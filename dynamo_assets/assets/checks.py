"""The checks between an export and the view. Both block: where one fails, nothing downstream runs."""

from __future__ import annotations

import dagster as dg

from dynamo_assets.assets.metadata import SNAPSHOT_LABEL
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.errors import ManifestError
from dynamo_assets.export.manifest import Manifest

ROWS_IN_FILES = "rows_in_files"
ROWS_IN_VIEW = "rows_in_view"


def rows_in_files_spec(asset: dg.AssetKey) -> dg.AssetCheckSpec:
    """The snapshot's files hold as many rows as its manifest says."""
    return dg.AssetCheckSpec(
        ROWS_IN_FILES,
        asset=asset,
        blocking=True,
        description="The rows in the snapshot's files, as they lie in S3, add up to the manifest's rows.",
    )


def check_rows_in_files(manifest: Manifest, aws: AwsClients, bucket: str, asset: dg.AssetKey) -> dg.AssetCheckResult:
    """Counts every file's rows, as it lies in S3 now."""
    # pyarrow is 50 MB that a process which only loads the definitions need not pay for.
    from dynamo_assets.export.row_counts import rows_in_file  # noqa: PLC0415

    found, problems = 0, []
    for file in manifest.files:
        try:
            rows = rows_in_file(aws.s3, bucket, file.key, manifest.format)
        except ManifestError as error:
            problems.append(str(error))
            continue
        found += rows
        if rows != file.rows:
            problems.append(f"s3://{bucket}/{file.key}: {rows} rows, the manifest says {file.rows}")
    if found != manifest.rows:
        problems.append(f"{found} rows in all files, the manifest says {manifest.rows}")
    return dg.AssetCheckResult(
        check_name=ROWS_IN_FILES,
        asset_key=asset,
        passed=not problems,
        description=_describe(
            problems,
            good=f"{found:,} rows in {len(manifest.files)} file(s)",
            advice="The view was not touched. Do not repair the files: materialize this slot again.",
        ),
        metadata={
            SNAPSHOT_LABEL: manifest.snapshot_timestamp,
            "rows_in_files": found,
            "rows_in_manifest": manifest.rows,
            "files": len(manifest.files),
        },
    )


def rows_were_counted(manifest: Manifest, instance: dg.DagsterInstance, asset: dg.AssetKey) -> bool:
    """Whether the last thing that `rows_in_files` said of an asset is that this very snapshot passed."""
    key = dg.AssetCheckKey(asset, ROWS_IN_FILES)
    for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=1):
        if record.event and record.event.dagster_event:
            said = record.event.dagster_event.asset_check_evaluation_data
            label = said.metadata.get(SNAPSHOT_LABEL)
            return said.passed and label is not None and label.value == manifest.snapshot_timestamp
    return False


def rows_in_view_spec(asset: dg.AssetKey) -> dg.AssetCheckSpec:
    """The view counts as many rows as the published snapshot's manifest says."""
    return dg.AssetCheckSpec(
        ROWS_IN_VIEW,
        asset=asset,
        blocking=True,
        description="`count(*)` through Athena equals the rows of the published snapshot's manifest.",
    )


def check_rows_in_view(manifest: Manifest, counted: int, *, shown: bool, asset: dg.AssetKey) -> dg.AssetCheckResult:
    """Compares what Athena counted with the manifest.

    Args:
        manifest: The snapshot's manifest.
        counted: What Athena counted in the snapshot's partition, or through the view, which is the same.
        shown: Whether the view shows this snapshot.
        asset: The view's asset key.
    """
    problems = []
    if counted != manifest.rows:
        problems.append(
            f"Athena counts {counted:,} rows of snapshot {manifest.snapshot_timestamp}, "
            f"the manifest says {manifest.rows:,}"
        )
    look = "Look for files in the snapshot's folder that the manifest does not name, and materialize the slot again."
    return dg.AssetCheckResult(
        check_name=ROWS_IN_VIEW,
        asset_key=asset,
        passed=not problems,
        description=_describe(
            problems,
            good=f"{counted:,} rows",
            advice=f"The view shows this snapshot. {look}"
            if shown
            else f"The view was not touched and shows what it showed before. {look}",
        ),
        metadata={"rows_counted": counted, "rows_in_manifest": manifest.rows},
    )


def _describe(problems: list[str], *, good: str, advice: str) -> str:
    return f"{'; '.join(problems)}. {advice}" if problems else good
