"""Findings as Dagster's asset checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.verification.finding import (
    CATALOG,
    CONVERSIONS,
    FILES,
    KEYS,
    SCHEMA,
    SOURCE,
    VIEW,
    VOLUME,
    Finding,
)
from dynamo_assets.verification.verify import checks_of_snapshot

DESCRIPTIONS = {
    FILES: "Every file of the manifest is there, with its size, checksum and rows, and there is no other file.",
    KEYS: "No key is null, and none stands twice in the snapshot.",
    VOLUME: "The number of rows is within the table's band around that of the last snapshot that passed.",
    SOURCE: "The number of rows is near DynamoDB's own count, which is some hours old.",
    SCHEMA: "No attribute was added, is gone, or had its column widened.",
    CONVERSIONS: "No value became text or lost digits.",
    CATALOG: "The Data Catalog has one table, with this snapshot's partition and the manifest's types.",
    VIEW: "The view names this snapshot, and counts its rows through Athena.",
}


def snapshot_specs(table: Table, asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of a table's snapshots."""
    return [_spec(name, asset, blocking=blocking) for name, blocking in checks_of_snapshot(table)]


def catalog_specs(table: Table, asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The check of a table's raw table."""
    return _unless_off(CATALOG, table.verification.catalog, asset)


def view_specs(table: Table, asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of a table's view, the declared ones included."""
    return [
        *_unless_off(VIEW, table.verification.view, asset),
        *(
            dg.AssetCheckSpec(
                check.name,
                asset=asset,
                blocking=check.level == "block",
                description=f"Gives {check.expect!r}: `{check.sql}`",
            )
            for check in table.checks
        ),
    ]


def result_of(finding: Finding, asset: dg.AssetKey, **figures: Any) -> dg.AssetCheckResult:
    """A finding as the result of an asset's check.

    Args:
        finding: The finding.
        asset: Whose check it is.
        figures: Further metadata.
    """
    metadata: Mapping[str, Any] = {**finding.figures, **figures}
    return dg.AssetCheckResult(
        check_name=finding.check,
        asset_key=asset,
        passed=finding.passed,
        severity=dg.AssetCheckSeverity.ERROR if finding.level == "block" else dg.AssetCheckSeverity.WARN,
        description=finding.text,
        metadata=dict(metadata),
    )


def evaluation_of(finding: Finding, asset: dg.AssetKey, instance: dg.DagsterInstance) -> dg.AssetCheckEvaluation:
    """A finding as an event about the asset's last materialization, for whoever runs no step of the asset."""
    result = result_of(finding, asset)
    # SQLite keeps an event's time in whole seconds, so time alone does not tell that the check came later.
    about = [
        AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )
        for record in instance.fetch_materializations(asset, limit=1).records
    ]
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=finding.check,
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
        target_materialization_data=about[0] if about else None,
    )


def _unless_off(name: str, level: str, asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    return [] if level == "off" else [_spec(name, asset, blocking=level == "block")]


def _spec(name: str, asset: dg.AssetKey, *, blocking: bool) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=asset, blocking=blocking, description=DESCRIPTIONS[name])
