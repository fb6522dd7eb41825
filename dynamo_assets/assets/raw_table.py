"""One raw table of the Data Catalog, made to say what the manifests say, whatever the crawler found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.storage_formats import HEADER, storage_descriptor, table_parameters
from dynamo_assets.errors import CatalogError
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.naming import snapshots_table

_FORMAT_FIELDS = ("InputFormat", "OutputFormat")


@dataclass(frozen=True)
class RawTable:
    """One raw table.

    Attributes:
        catalog: The database it is in.
        name: The table's catalog name, without `snapshots_`.
        manifests: The truth.
    """

    catalog: Catalog
    name: str
    manifests: ManifestStore

    def follow_format(self, manifest: Manifest, log: Callable[[str], None]) -> None:
        """Before a crawl: gives a table whose files had another format so far the one they have now.

        A crawler leaves a table alone whose format is not that of the files, and marks it deprecated. The partitions
        of older snapshots keep the format that their files have.

        Raises:
            CatalogError: It would have CSV and JSON. That CSV has a header is a property of the whole table, and Athena
                would take the first line of JSON for one, too.
        """
        table = self.catalog.table(snapshots_table(self.name))
        before = table and table.get("Parameters", {}).get("classification")
        if table is None or before in {None, manifest.format}:
            return
        older = self.catalog.formats(table["Name"])
        if {"csv", "json"} <= {manifest.format, *older}:
            raise CatalogError(
                f"{manifest.table}: {self.catalog.database}.{table['Name']} has snapshots in "
                f"{', '.join(sorted(filter(None, older)))}, and one table cannot have CSV and JSON: Athena would take "
                "the first line of each JSON file for a header. Give the table another `name:` in tables.yaml, or "
                f"another format than {manifest.format}. The view was not touched"
            )
        log(f"The table's files were {before} and are {manifest.format} now; older partitions stay as they are")
        parameters = table_parameters(manifest.format) | (HEADER if "csv" in older else {})
        self.catalog.update(table, self._storage(manifest, self._location), parameters, keep_parameters=False)

    def ensure(self, manifest: Manifest, log: Callable[[str], None]) -> None:
        """After a crawl: makes the table where the crawler found nothing to make one of, such as no rows of JSON."""
        if self.catalog.table(snapshots_table(self.name)) is None and not self.catalog.tables_at(self._location):
            log("The crawler found no data to make a table of; it is made from the manifest")
            self.catalog.create(
                snapshots_table(self.name),
                self._storage(manifest, self._location),
                table_parameters(manifest.format),
            )

    def match_partitions(self, log: Callable[[str], None]) -> tuple[int, int]:
        """Makes the registered partitions equal to the complete snapshots: the folder of a dead attempt goes out.

        Returns:
            How many were added and removed.

        Raises:
            CatalogError: There is not exactly one table, or Glue refused a change.
        """
        table = self._only_table()
        # In this order: a snapshot completed in between is then not taken for a stranger.
        registered = set(self.catalog.labels(table["Name"]))
        complete = set(self.manifests.labels(self.name))
        missing, strange = sorted(complete - registered), sorted(registered - complete)
        if strange:
            log(f"Removing from the catalog what has no manifest: {', '.join(strange)}")
        self.catalog.unregister(table["Name"], strange)
        manifests = (self.manifests.read(self.name, label) for label in missing)
        self.catalog.register(
            table["Name"],
            ((m.snapshot_timestamp, self._storage(m, m.location), table_parameters(m.format)) for m in manifests),
        )
        return len(missing), len(strange)

    def match_columns(self, manifest: Manifest, newest: Manifest) -> list[str]:
        """Gives table and partition the manifests' types and formats where the crawler inferred others.

        Args:
            manifest: The snapshot whose partition it is about.
            newest: The newest complete snapshot: the table is as that one.

        Returns:
            What was corrected, a line each.

        Raises:
            CatalogError: The snapshot's partition is not registered.
        """
        table = self._only_table()
        partition = self.catalog.partition(table["Name"], manifest.snapshot_timestamp)
        if partition is None:
            raise CatalogError(
                f"{manifest.table}: {self.catalog.database}.{table['Name']} has no partition "
                f"{manifest.snapshot_timestamp} after its crawl; the view was not touched"
            )
        own = self._storage(manifest, manifest.location)
        if _differences(partition["StorageDescriptor"], own):
            self.catalog.update_partition(table["Name"], partition, own)
        wanted = self._storage(newest, self._location)
        if newest.format != "csv":
            # Older snapshots may have more columns. CSV's are told by their place alone, so there none is added.
            named = {column["Name"] for column in wanted["Columns"]}
            wanted["Columns"] += [c for c in table["StorageDescriptor"]["Columns"] if c["Name"] not in named]
        corrected = _differences(table["StorageDescriptor"], wanted)
        if corrected:
            self.catalog.update(table, wanted, table_parameters(newest.format))
        return corrected

    @property
    def _location(self) -> str:
        return self.manifests.layout.uri(self.manifests.layout.snapshots_prefix(self.name))

    def _storage(self, manifest: Manifest, location: str) -> dict[str, Any]:
        columns = [(column.name, column.type) for column in manifest.columns]
        return storage_descriptor(manifest.format, columns, location, manifest.serde_parameters)

    def _only_table(self) -> Mapping[str, Any]:
        wanted = snapshots_table(self.name)
        found = self.catalog.tables_at(self._location)
        table = self.catalog.table(wanted)
        if found != [wanted] or table is None:
            raise CatalogError(
                f"{self.name}: after its crawl the catalog has {found or 'no table'} at {self._location}, and should "
                f"have exactly {self.catalog.database}.{wanted}; delete the others and materialize this asset again. "
                "The view was not touched"
            )
        return table


def _differences(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """In what a storage descriptor is not as wanted, a line each."""
    serde, wanted_serde = current.get("SerdeInfo", {}), wanted["SerdeInfo"]
    lines = [
        f"{field}: {current.get(field)} -> {wanted[field]}"
        for field in _FORMAT_FIELDS
        if current.get(field) != wanted[field]
    ]
    if serde.get("SerializationLibrary") != wanted_serde["SerializationLibrary"]:
        lines.append(f"SerDe: {serde.get('SerializationLibrary')} -> {wanted_serde['SerializationLibrary']}")
    known = serde.get("Parameters", {})
    lines += [
        f"SerDe's {key}: {_short(known.get(key))} -> {_short(value)}"
        for key, value in wanted_serde["Parameters"].items()
        if known.get(key) != value
    ]
    types = {column["Name"]: column.get("Type", "") for column in current.get("Columns", [])}
    wanted_types = {column["Name"]: column["Type"] for column in wanted["Columns"]}
    lines += [f"{n}: {types.get(n, 'missing')} -> {kind}" for n, kind in wanted_types.items() if types.get(n) != kind]
    lines += [f"{name}: {kind} -> none" for name, kind in types.items() if name not in wanted_types]
    if not lines and list(types) != list(wanted_types):
        lines.append("the columns' order")
    return lines


def _short(text: str | None) -> str:
    return repr(text) if text is None or len(text) <= 40 else f"{text[:40]!r}..."
