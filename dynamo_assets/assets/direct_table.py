"""A raw table kept without a crawler: made and changed from manifests alone, with no snapshot that was not verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dynamo_assets.assets.raw_table import RawTable, undisturbed
from dynamo_assets.aws.cancellation import all_side_by_side
from dynamo_assets.aws.partitions import Registered, partition_of
from dynamo_assets.aws.storage_formats import HEADER, differences, storage_of, table_parameters
from dynamo_assets.errors import CatalogError, ManifestError
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.naming import PARTITION_COLUMN, snapshots_table
from dynamo_assets.verification.folders import ROWS_IN_FOOTER, Folders

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Registration:
    """What was done to a raw table.

    Attributes:
        added: How many snapshots were registered.
        removed: How many partitions without a manifest were taken out.
        described_anew: How many partitions a crawler had described, and are described by their manifests now.
        changed: In what the table itself was changed, a line each.
        refused: Complete snapshots that were not registered, and why.
    """

    added: int
    removed: int
    described_anew: int
    changed: Sequence[str]
    refused: Mapping[str, str]


@dataclass(frozen=True)
class DirectTable:
    """Registers snapshots of one table.

    Attributes:
        raw: The table.
        s3: Where the snapshots' files lie.
    """

    raw: RawTable
    s3: S3Client

    def register(self, manifest: Manifest) -> Registration:
        """Makes the registered partitions equal to the complete and sound snapshots.

        The table is changed before a partition is added, never after: under a type that is too narrow for it, a
        snapshot would be read wrongly, or not at all, until the table follows. The snapshot itself then appears in
        one call. Another snapshot that is damaged is left out and holds nothing up.

        Args:
            manifest: The snapshot that must be registered; it has passed its checks, so its rows were counted.

        Raises:
            CatalogError: Something else has the table's name, its formats do not go together, or Glue refused a change.
            ManifestError: The snapshot's files are not what its manifest says; names the file. Nothing was changed.
        """
        return undisturbed(lambda: self._register(manifest))

    def _register(self, manifest: Manifest) -> Registration:
        catalog, name = self.raw.catalog, snapshots_table(self.raw.name)
        # The table first: whoever adds a snapshot from here on changes it, which is then noticed.
        table = self._table()
        registered = catalog.registered(name) if table else {}
        complete = self.raw.wanted()
        sound, refused = self._sound(complete - registered.keys(), complete, manifest)
        sound, mixed = self._fitting(sound, registered, manifest)
        newest = self._newest(sound, complete & registered.keys())
        changed = self._make_or_change(table, newest, sound, registered)

        strange = sorted(registered.keys() - complete)
        catalog.unregister(name, strange)
        crawled = sorted(label for label in complete & registered.keys() if registered[label].by_crawler)
        catalog.describe_anew(name, map(partition_of, self._read(crawled)))
        catalog.register(name, map(partition_of, sound))
        if manifest.snapshot_timestamp in registered:
            self._correct(manifest)
        return Registration(len(sound), len(strange), len(crawled), changed, {**refused, **mixed})

    def _table(self) -> Mapping[str, Any] | None:
        table = self.raw.own()
        keys = [key["Name"] for key in table.get("PartitionKeys", [])] if table else [PARTITION_COLUMN]
        if table and keys != [PARTITION_COLUMN]:
            raise CatalogError(
                f"{self.raw.name}: {self.raw.catalog.database}.{table['Name']} is another table: it has the partition "
                f"columns {keys}, and should have {[PARTITION_COLUMN]}. Drop it, or give the table another `name:` in "
                "tables.yaml. The view was not touched"
            )
        return table

    def _sound(
        self, missing: set[str], complete: set[str], manifest: Manifest
    ) -> tuple[list[Manifest], dict[str, str]]:
        own = manifest.snapshot_timestamp

        def counts(snapshot: Manifest) -> bool:
            return snapshot.snapshot_timestamp != own and snapshot.format in ROWS_IN_FOOTER

        sound, damaged = Folders(self.s3, self.raw.manifests, self.raw.name).of(missing, complete, counts=counts)
        if own in damaged:
            raise ManifestError(
                f"{manifest.table}: snapshot {own} is not registered: {damaged[own]}. Neither the raw table nor the "
                "view was touched. Do not repair the files: materialize this slot again, from the snapshot on"
            )
        return sound, damaged

    def _fitting(
        self, sound: list[Manifest], registered: Mapping[str, Registered], manifest: Manifest
    ) -> tuple[list[Manifest], dict[str, str]]:
        """Leaves out whose format cannot be in one table with those registered and the snapshot's own."""
        formats = {partition.format for partition in registered.values()} | {manifest.format}
        if problem := self.raw.mixes_csv_with_json(formats):
            raise CatalogError(
                f"{manifest.table}: {problem} Give the table another `name:` in tables.yaml, or another format than "
                f"{manifest.format}. The view was not touched"
            )
        fitting: list[Manifest] = []
        mixed: dict[str, str] = {}
        for each in sound:
            if problem := self.raw.mixes_csv_with_json(formats | {each.format}):
                mixed[each.snapshot_timestamp] = problem
            else:
                formats |= {each.format}
                fitting.append(each)
        return fitting, mixed

    def _newest(self, sound: Sequence[Manifest], registered: set[str]) -> Manifest:
        """The table is as its newest snapshot is, also when a slot of the past is filled."""
        label = max(registered, default="")
        if sound and sound[-1].snapshot_timestamp > label:
            return sound[-1]
        return self.raw.manifests.read(self.raw.name, label)

    def _make_or_change(
        self,
        table: Mapping[str, Any] | None,
        newest: Manifest,
        sound: Sequence[Manifest],
        registered: Mapping[str, Registered],
    ) -> list[str]:
        formats = {partition.format for partition in registered.values()} | {each.format for each in sound}
        parameters = table_parameters(newest.format) | (HEADER if "csv" in formats else {})
        known = table["StorageDescriptor"].get("Columns", []) if table else []
        older = [column for each in reversed(sound) for column in storage_of(each)["Columns"]]
        wanted = self.raw.storage_of_table(newest, [*known, *older])
        if table is None:
            self.raw.catalog.create(snapshots_table(self.raw.name), wanted, parameters)
            return ["made from the manifest"]
        said = table.get("Parameters", {})
        changed = differences(table["StorageDescriptor"], wanted)
        changed += [f"{key}: {said.get(key)} -> {value}" for key, value in parameters.items() if said.get(key) != value]
        if changed:
            keep = said.get("classification") in {None, newest.format}
            self.raw.catalog.update(table, wanted, parameters, keep_parameters=keep)
        return changed

    def _correct(self, manifest: Manifest) -> None:
        name = snapshots_table(self.raw.name)
        partition = self.raw.catalog.partition(name, manifest.snapshot_timestamp)
        wanted = storage_of(manifest)
        if partition and differences(partition["StorageDescriptor"], wanted):
            self.raw.catalog.update_partition(name, partition, wanted)

    def _read(self, labels: Sequence[str]) -> list[Manifest]:
        return all_side_by_side([partial(self.raw.manifests.read, self.raw.name, label) for label in labels])
