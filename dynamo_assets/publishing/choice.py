"""Which snapshot a view should show by itself: told from S3 and the catalog, not from Dagster's memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.views import published_snapshot
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.errors import CatalogError, HeldBackError
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.naming import snapshots_table
from dynamo_assets.verification.verify import Verifier


@dataclass(frozen=True)
class Choice:
    """Chooses among the complete snapshots of tables.

    Attributes:
        catalog: Says what is registered, and what views show.
        manifests: Says what is complete.
        verifier: Says what is verified; what nobody has asked yet it is asked now.
    """

    catalog: Catalog
    manifests: ManifestStore
    verifier: Verifier

    @classmethod
    def of(cls, catalog: Catalog, verifier: Verifier) -> Choice:
        """Among the snapshots that a verifier knows."""
        return cls(catalog, verifier.manifests, verifier)

    def lacks(self, table: Table, label: str) -> str | None:
        """What a complete snapshot lacks to be shown; None where it lacks nothing."""
        if not self.catalog.has_label(snapshots_table(table.name), label):
            return f"its snapshot of {label} is complete, and not registered in {snapshots_table(table.name)}"
        return self.rejected(table, label)

    def rejected(self, table: Table, label: str) -> str | None:
        """Why a complete snapshot did not pass its checks; None where it did."""
        records = self.verifier.records
        record = records.read(table.name, label)
        if record is None:
            # Taken by another program, by an older version of this one, or by a run that died before its checks.
            record = self.verifier.verify(table, self.manifests.read(table.name, label))
        return None if record.passed else f"its snapshot of {label} did not pass its checks: {record.reasons()}"

    def newest_common(self, tables: Sequence[Table]) -> str | None:
        """The newest instant of which each of several tables has a snapshot that lacks nothing; None where none is."""
        complete = [set(self.manifests.labels(table.name)) for table in tables]
        candidates = sorted(set.intersection(*complete), reverse=True)
        return next((label for label in candidates if not any(self.lacks(table, label) for table in tables)), None)

    def newest(self, table: Table) -> Manifest:
        """The newest snapshot that is complete, registered and verified, never one older than the view shows.

        A snapshot that another run has completed and not yet registered has no rows for Athena; it is that run's to
        publish.

        Raises:
            CatalogError: Something else than a view has the view's name, or nothing is registered.
            HeldBackError: No snapshot passed, and none is shown.
            ManifestError: The published snapshot has no manifest, and there is no newer one.
        """
        published = published_snapshot(self.catalog, table.name)
        rejected = None
        for label in reversed(list(self.manifests.labels(table.name, after=published))):
            if not self.catalog.has_label(snapshots_table(table.name), label):
                continue
            reason = self.rejected(table, label)
            if reason is None:
                return self.manifests.read(table.name, label)
            rejected = rejected or reason
        if published is not None:
            return self.manifests.read(table.name, published)
        if rejected:
            raise HeldBackError(f"{table.table}: there is nothing to show: {rejected}")
        raise CatalogError(
            f"{table.table}: no complete snapshot is registered in {self.catalog.database}."
            f"{snapshots_table(table.name)}; materialize the assets upstream first"
        )
