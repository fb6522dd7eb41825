"""The partitions a crawl found, written to the Data Catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from dynamo_assets.errors import SandboxError
from dynamo_assets.sandbox.crawlers.grouping import FoundTable
from dynamo_assets.sandbox.crawlers.revisions import (
    CatalogChanges,
    location_of,
    partition_definition,
    with_new_columns,
)
from dynamo_assets.sandbox.crawlers.settings import CrawlerSettings
from dynamo_assets.sandbox.crawlers.table_input import Describer

_CREATE_BATCH, _UPDATE_BATCH, _DELETE_BATCH = 100, 100, 25  # Glue's limits


class PartitionWriter:
    """Writes the partitions of one crawl.

    Args:
        glue: A boto3 client.
        settings: The crawler's.
        changes: Where changes are noted.
        log: Takes lines for the crawl's log.
        check_stop: Raises where the crawl shall end here.
    """

    def __init__(
        self,
        glue: Any,
        settings: CrawlerSettings,
        changes: CatalogChanges,
        *,
        log: Callable[[str], None],
        check_stop: Callable[[], None],
    ):
        self._glue, self._settings, self._changes = glue, settings, changes
        self._log, self._check_stop = log, check_stop
        self._database = settings.database

    def write(self, describer: Describer, found: FoundTable, table: dict[str, Any]) -> None:
        """Makes a table's partitions below the target those that were found, as far as the policies allow.

        Args:
            describer: Describes them.
            found: The table as found.
            table: Its definition in the catalog.
        """
        name = table["Name"]
        if [key["Name"] for key in table.get("PartitionKeys", [])] != found.partition_keys:
            self._log(f"WARN : Table {name} has other partition keys than {found.partition_keys}: none is added")
            return
        present = self._present(name)
        added, changed = [], []
        for partition in found.partitions:
            current = present.pop(tuple(partition.values), None)
            if self._settings.partitions_inherit:
                wanted = describer.inherited(table, partition)
            else:
                wanted = describer.partition(partition)
            if current is None:
                added.append(wanted)
                continue
            revised = self._revise(current, wanted)
            if revised != current:
                changed.append(revised)
        self._create(name, added)
        self._update(name, changed)
        if not self._settings.new_folders_only:
            arity = len(found.levels)
            gone = [
                partition
                for values, partition in present.items()
                if len(values) != arity or describer.target.covers(location_of(partition))
            ]
            self._settle_missing(name, gone)

    def _revise(self, current: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
        if self._settings.partitions_inherit:
            return wanted
        if self._settings.merge_new_columns:
            return with_new_columns(current, wanted)
        return current if self._settings.update_behavior == "LOG" else wanted

    def _present(self, table: str) -> dict[tuple[str, ...], dict[str, Any]]:
        pages = self._glue.get_paginator("get_partitions").paginate(DatabaseName=self._database, TableName=table)
        found = (partition for page in pages for partition in page["Partitions"])
        return {tuple(partition["Values"]): partition_definition(partition) for partition in found}

    def _create(self, table: str, partitions: Sequence[dict[str, Any]]) -> None:
        for batch in self._batches(partitions, _CREATE_BATCH):
            answer = self._glue.batch_create_partition(
                DatabaseName=self._database, TableName=table, PartitionInputList=batch
            )
            # Somebody else may have registered one meanwhile.
            self._raise_errors(table, answer, tolerated="AlreadyExistsException")
            self._note(table, "ADD", batch)
            values = [partition["Values"] for partition in batch]
            self._log(f"INFO : Created partitions with values {values} for table {table} in database {self._database}")

    def _update(self, table: str, partitions: Sequence[dict[str, Any]]) -> None:
        for batch in self._batches(partitions, _UPDATE_BATCH):
            entries = [{"PartitionValueList": partition["Values"], "PartitionInput": partition} for partition in batch]
            answer = self._glue.batch_update_partition(DatabaseName=self._database, TableName=table, Entries=entries)
            self._raise_errors(table, answer, tolerated="EntityNotFoundException")
            self._note(table, "UPDATE", batch)

    def _settle_missing(self, table: str, partitions: Sequence[dict[str, Any]]) -> None:
        # DEPRECATE_IN_DATABASE deprecates tables only; of a partition AWS's crawler, too, only writes this line.
        if self._settings.delete_behavior != "DELETE_FROM_DATABASE":
            for partition in partitions:
                self._log(
                    f"INFO : Found partition of table {table} with partition values {partition['Values']} with no "
                    "matching schema at the partition's S3 location"
                )
            return
        for batch in self._batches(partitions, _DELETE_BATCH):
            values = [{"Values": partition["Values"]} for partition in batch]
            answer = self._glue.batch_delete_partition(
                DatabaseName=self._database, TableName=table, PartitionsToDelete=values
            )
            self._raise_errors(table, answer, tolerated="EntityNotFoundException")
            self._note(table, "DELETE", batch)

    def _note(self, table: str, action: str, batch: Sequence[Mapping[str, Any]]) -> None:
        self._changes.note("PARTITION", action, (f"{table}{partition['Values']}" for partition in batch))

    def _batches(self, partitions: Sequence[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
        remaining = iter(partitions)
        while batch := list(islice(remaining, size)):
            self._check_stop()
            yield batch

    def _raise_errors(self, table: str, answer: Mapping[str, Any], *, tolerated: str) -> None:
        for error in answer.get("Errors", []):
            if error["ErrorDetail"]["ErrorCode"] != tolerated:
                raise SandboxError(f"table {table}: the catalog refused a partition: {error}")
