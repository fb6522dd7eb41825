"""The tables a crawl found, written to the Data Catalog under the crawler's policies."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from dynamo_assets.sandbox.crawlers.grouping import FoundTable
from dynamo_assets.sandbox.crawlers.listing import S3Target
from dynamo_assets.sandbox.crawlers.partitions import PartitionWriter
from dynamo_assets.sandbox.crawlers.revisions import (
    DEPRECATED,
    CatalogChanges,
    format_change,
    location_of,
    table_definition,
    with_new_columns,
)
from dynamo_assets.sandbox.crawlers.settings import CrawlerSettings
from dynamo_assets.sandbox.crawlers.table_input import Describer

_NAME_MAX = 128


class CatalogWriter:
    """Writes the tables of one crawl.

    Args:
        glue: A boto3 client.
        settings: The crawler's.
        log: Takes lines for the crawl's log.
        check_stop: Raises where the crawl shall end here.
    """

    def __init__(
        self, glue: Any, settings: CrawlerSettings, *, log: Callable[[str], None], check_stop: Callable[[], None]
    ):
        self._glue, self._settings, self._log, self._check_stop = glue, settings, log, check_stop
        self._database = settings.database
        self._written: set[str] = set()
        self.changes = CatalogChanges()
        self._partitions = PartitionWriter(glue, settings, self.changes, log=log, check_stop=check_stop)

    def write(self, describer: Describer, found: FoundTable) -> None:
        """Creates the table or updates it, and registers its partitions."""
        self._check_stop()
        name, existing = self._place(describer, found)
        self._written.add(name)
        table: dict[str, Any] | None = describer.table(name, found)
        if existing is None:
            self._glue.create_table(DatabaseName=self._database, TableInput=table)
            self.changes.note("TABLE", "ADD", [name])
            self._log(f"INFO : Created table {name} in database {self._database}")
        else:
            table = self._revise(table_definition(existing), describer.table(name, found))
        if table is not None and found.levels:
            self._partitions.write(describer, found, table)

    def settle_missing(self, targets: Sequence[S3Target]) -> None:
        """Applies DeleteBehavior to this crawler's tables below its targets in which nothing was found."""
        pages = self._glue.get_paginator("get_tables").paginate(DatabaseName=self._database)
        for table in [table for page in pages for table in page["TableList"]]:
            ours = table.get("Parameters", {}).get("UPDATED_BY_CRAWLER") == self._settings.name
            below = any(target.covers(location_of(table)) for target in targets)
            if ours and below and table["Name"] not in self._written:
                self._check_stop()
                self._settle_missing_table(table_definition(table))

    def _settle_missing_table(self, table: dict[str, Any]) -> None:
        name = table["Name"]
        if self._settings.delete_behavior == "DELETE_FROM_DATABASE":
            self._glue.delete_table(DatabaseName=self._database, Name=name)
            self.changes.note("TABLE", "DELETE", [name])
            self._log(f"INFO : Deleted table {name} from database {self._database}")
        elif self._settings.delete_behavior == "LOG":
            self._log(f"INFO : Table {name} has no matching schema at its location; it is left as it is")
        else:
            self._deprecate(table, "a matching schema was not found at the table's location")

    def _place(self, describer: Describer, found: FoundTable) -> tuple[str, Mapping[str, Any] | None]:
        """The table's name, and the table if it is there: a name that another location has gets a hash."""
        location = describer.location(found.root)
        name = found.name(describer.target.bucket, self._settings.table_prefix)
        existing = self._find(name)
        if existing is None or location_of(existing) == location.rstrip("/"):
            return name, existing
        digest = hashlib.md5(location.encode(), usedforsecurity=False).hexdigest()
        name = f"{name[: _NAME_MAX - 1 - len(digest)]}_{digest}"
        return name, self._find(name)

    def _find(self, name: str) -> Mapping[str, Any] | None:
        try:
            return self._glue.get_table(DatabaseName=self._database, Name=name)["Table"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            return None

    def _revise(self, current: dict[str, Any], found: dict[str, Any]) -> dict[str, Any] | None:
        """Updates a table as the policy says; returns how it is then, None where its partitions are not to change."""
        name, logs_only = current["Name"], self._settings.update_behavior == "LOG"
        merges = self._settings.merge_new_columns
        if (merges or logs_only) and (changed := format_change(current, found)):
            self._log(f"WARN : The files of table {name} are left out: their {changed}")
            if merges:
                self._deprecate(current, f"its {changed}")
            return None
        if not merges and logs_only:
            if current["StorageDescriptor"].get("Columns") != found["StorageDescriptor"]["Columns"]:
                self._log(f"INFO : The schema of table {name} has changed; by UpdateBehavior LOG it is left as it is")
            return current
        revised = with_new_columns(current, found) if merges else found
        if revised != current:
            self._update(revised)
            self._log(f"INFO : Updated table {name} in database {self._database}")
        return revised

    def _deprecate(self, table: dict[str, Any], reason: str) -> None:
        if DEPRECATED in table.get("Parameters", {}):
            return
        stamp = {DEPRECATED: str(round(time.time() * 1000))}
        storage = table["StorageDescriptor"]
        parameters = {**storage.get("Parameters", {}), **stamp}
        self._update(
            {
                **table,
                "Parameters": {**table.get("Parameters", {}), **stamp},
                "StorageDescriptor": {**storage, "Parameters": parameters},
            }
        )
        self._log(f"INFO : Table {table['Name']} is marked deprecated because {reason}.")

    def _update(self, table: dict[str, Any]) -> None:
        self._glue.update_table(DatabaseName=self._database, TableInput=table)
        self.changes.note("TABLE", "UPDATE", [table["Name"]])
