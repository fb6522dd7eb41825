"""Adopted snapshots as materialized partitions in Dagster, so that the UI shows what was taken when."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from dynamo_assets.configuration.settings import Settings
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.metadata import SNAPSHOT_LABEL, column_schema
from dynamo_assets.naming import format_slot, snapshot_asset_key

MANY = 10_000


@dataclass(frozen=True)
class DagsterEvents:
    """Reports materializations to an instance, each once.

    Attributes:
        instance: Dagster's memory.
        settings: Where slots begin.
    """

    instance: dg.DagsterInstance
    settings: Settings

    def report(self, manifest: Manifest, *, verified: bool) -> str:
        """Reports an adopted snapshot of its slot, unless that has shown it already, or shows a newer one.

        Returns:
            Where it shows, or why nowhere.
        """
        slot, label = manifest.slot, manifest.snapshot_timestamp
        if slot is None:
            return "no slot: the schedule has never ticked before"
        start = format_slot(self.settings.partitions.start)
        if slot < start:
            return f"no slot: {slot} lies before partitions.start, {start[:10]}"
        reported = self._reported(manifest.name, slot)
        if label in reported:
            return f"slot {slot}"
        if newer := max((each for each in reported if each > label), default=None):
            return f"slot {slot}, which shows {newer}"
        layout = self.settings.layout
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(
                asset_key=dg.AssetKey(snapshot_asset_key(manifest.name)),
                partition=slot,
                description=f"Adopted; taken by another program at {label}",
                metadata={
                    SNAPSHOT_LABEL: label,
                    "dagster/partition_row_count": manifest.rows,
                    "dagster/uri": manifest.location,
                    "dagster/column_schema": column_schema(manifest.columns),
                    "bytes": manifest.bytes,
                    "files": len(manifest.files),
                    "format": manifest.format,
                    "engine": manifest.engine,
                    "manifest": layout.uri(layout.manifest_key(manifest.name, label)),
                    "verified": verified,
                },
            )
        )
        return f"slot {slot}"

    def _reported(self, name: str, slot: str) -> set[str]:
        """The labels of the snapshots that were reported of a slot."""
        records = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey(snapshot_asset_key(name)), asset_partitions=[slot]), limit=MANY
        ).records
        return {
            str(record.asset_materialization.metadata[SNAPSHOT_LABEL].value)
            for record in records
            if record.asset_materialization and SNAPSHOT_LABEL in record.asset_materialization.metadata
        }
