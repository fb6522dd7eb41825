"""One raw table of the Data Catalog, made to say what the manifests say, whatever a crawler found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.partitions import partition_of
from dynamo_assets.aws.storage_formats import HEADER, differences, storage_of, table_parameters
from dynamo_assets.errors import CatalogError, TableChangedError
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.naming import crawler_name, snapshots_table
from dynamo_assets.verification.records import Records

T = TypeVar("T")
UPDATE_ATTEMPTS = 5


def undisturbed(action: Callable[[], T]) -> T:
    """Does what reads a table and then changes it; all of it again where somebody else changed the table in between.

    Raises:
        TableChangedError: It was changed each time.
    """
    for _ in range(UPDATE_ATTEMPTS - 1):
        with suppress(TableChangedError):
            return action()
    return action()


@dataclass(frozen=True)
class RawTable:
    """One raw table.

    Attributes:
        catalog: The database it is in.
        name: The table's catalog name, without `snapshots_`.
        manifests: The truth.
        records: Says which complete snapshots did not pass their checks: they are not registered.
    """

    catalog: Catalog
    name: str
    manifests: ManifestStore
    records: Records

    def wanted(self) -> set[str]:
        """The labels of the snapshots that are to be registered."""
        return set(self.manifests.labels(self.name)) - set(self.records.rejected(self.name))

    def own(self) -> Mapping[str, Any] | None:
        """The table as Glue describes it; None where there is none.

        Raises:
            CatalogError: Another table has its name. It is somebody's, and left as it is.
        """
        table = self.catalog.table(snapshots_table(self.name))
        location = table.get("StorageDescriptor", {}).get("Location", "") if table else self.location
        if location.rstrip("/") != self.location.rstrip("/"):
            raise CatalogError(
                f"{self.name}: {self.catalog.database}.{snapshots_table(self.name)} is another table: it has its files "
                f"at {location or 'no place'}, and should have them at {self.location}. Drop it, or give the table "
                "another `name:` in tables.yaml. The view was not touched"
            )
        return table

    def drop_seconds(self, log: Callable[[str], None]) -> None:
        """Before a crawl and after it: drops what this table's crawler has made beside it.

        A crawler whose table's name is taken, be it for a moment, makes another one with a hash behind the name, and
        goes on with that one. What a person or another crawler has made is never dropped.
        """
        crawler = crawler_name(self.catalog.database, self.name)
        for second in self.catalog.made_beside(snapshots_table(self.name), crawler=crawler, location=self.location):
            log(f"Dropping {self.catalog.database}.{second}, which crawler {crawler} has made beside the raw table")
            self.catalog.drop(second)

    def follow_format(self, manifest: Manifest, log: Callable[[str], None]) -> None:
        """Before a crawl: gives a table whose files had another format so far the one they have now.

        A crawler leaves a table alone whose format is not that of the files, and marks it deprecated. The partitions
        of older snapshots keep the format that their files have.

        Raises:
            CatalogError: It would have CSV and JSON. That CSV has a header is a property of the whole table, and Athena
                would take the first line of JSON for one, too.
        """
        undisturbed(lambda: self._follow_format(manifest, log))

    def _follow_format(self, manifest: Manifest, log: Callable[[str], None]) -> None:
        table = self.own()
        before = table and table.get("Parameters", {}).get("classification")
        if table is None or before in {None, manifest.format}:
            return
        older = self.catalog.formats(table["Name"])
        if problem := self.mixes_csv_with_json({manifest.format, *older}):
            raise CatalogError(
                f"{manifest.table}: {problem} Give the table another `name:` in tables.yaml, or another format than "
                f"{manifest.format}. The view was not touched"
            )
        log(f"The table's files were {before} and are {manifest.format} now; older partitions stay as they are")
        parameters = table_parameters(manifest.format) | (HEADER if "csv" in older else {})
        self.catalog.update(table, storage_of(manifest, self.location), parameters, keep_parameters=False)

    def mixes_csv_with_json(self, formats: Iterable[str | None]) -> str | None:
        """Why partitions of these formats cannot be in one table; None where they can."""
        if not {"csv", "json"} <= set(formats):
            return None
        return (
            f"{self.catalog.database}.{snapshots_table(self.name)} has snapshots in "
            f"{', '.join(sorted(filter(None, formats)))}, and one table cannot have CSV and JSON: Athena would take "
            "the first line of each JSON file for a header."
        )

    def ensure(self, manifest: Manifest, log: Callable[[str], None]) -> None:
        """After a crawl: makes the table where the crawler found nothing to make one of, such as no rows of JSON."""
        if self.catalog.table(snapshots_table(self.name)) is None and not self.catalog.tables_at(self.location):
            log("The crawler found no data to make a table of; it is made from the manifest")
            self.catalog.create(
                snapshots_table(self.name),
                storage_of(manifest, self.location),
                table_parameters(manifest.format),
            )

    def match_partitions(self, log: Callable[[str], None]) -> tuple[int, int]:
        """Makes the registered partitions equal to the complete snapshots, but for rejected ones.

        The folder of a dead attempt goes out, too.

        Returns:
            How many were added and removed.

        Raises:
            CatalogError: There is not exactly one table, or Glue refused a change.
        """
        table = self._only_table()
        # In this order: a snapshot completed in between is then not taken for a stranger.
        registered = set(self.catalog.labels(table["Name"]))
        wanted = self.wanted()
        missing, strange = sorted(wanted - registered), sorted(registered - wanted)
        if strange:
            log(f"Removing from the catalog what is not complete or did not pass its checks: {', '.join(strange)}")
        self.catalog.unregister(table["Name"], strange)
        manifests = (self.manifests.read(self.name, label) for label in missing)
        self.catalog.register(table["Name"], map(partition_of, manifests))
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
        return undisturbed(lambda: self._match_columns(manifest, newest))

    def _match_columns(self, manifest: Manifest, newest: Manifest) -> list[str]:
        table = self._only_table()
        partition = self.catalog.partition(table["Name"], manifest.snapshot_timestamp)
        if partition is None:
            raise CatalogError(
                f"{manifest.table}: {self.catalog.database}.{table['Name']} has no partition "
                f"{manifest.snapshot_timestamp} after its crawl; the view was not touched"
            )
        own = storage_of(manifest)
        if differences(partition["StorageDescriptor"], own):
            self.catalog.update_partition(table["Name"], partition, own)
        wanted = self.storage_of_table(newest, table["StorageDescriptor"]["Columns"])
        corrected = differences(table["StorageDescriptor"], wanted)
        if corrected:
            self.catalog.update(table, wanted, table_parameters(newest.format))
        return corrected

    @property
    def location(self) -> str:
        """The folder of all its snapshots."""
        return self.manifests.layout.uri(self.manifests.layout.snapshots_prefix(self.name))

    def storage_of_table(self, newest: Manifest, others: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """The table's storage descriptor: as the newest snapshot is, with the columns that only older ones have.

        Args:
            newest: The newest snapshot's manifest.
            others: Columns of older ones. CSV's are told by their places alone, so there none is added.
        """
        wanted = storage_of(newest, self.location)
        if newest.format != "csv":
            columns = {column["Name"]: column for column in wanted["Columns"]}
            for column in others:
                columns.setdefault(column["Name"], column)
            wanted["Columns"] = list(columns.values())
        return wanted

    def _only_table(self) -> Mapping[str, Any]:
        wanted = snapshots_table(self.name)
        table = self.own()
        found = self.catalog.tables_at(self.location)
        if found != [wanted] or table is None:
            raise CatalogError(
                f"{self.name}: after its crawl the catalog has {found or 'no table'} at {self.location}, and should "
                f"have exactly {self.catalog.database}.{wanted}; delete the others and materialize this asset again. "
                "The view was not touched"
            )
        return table
