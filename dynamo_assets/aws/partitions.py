"""Partitions of the raw tables in one database of the Glue Data Catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from dynamo_assets.aws.storage_formats import Described, format_of, storage_of, table_parameters
from dynamo_assets.errors import CatalogError

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

CREATE_BATCH = 100  # BatchCreatePartition's limit, and BatchUpdatePartition's
DELETE_BATCH = 25  # BatchDeletePartition's limit
_CRAWLERS_MARKS = frozenset({"UPDATED_BY_CRAWLER", "CrawlerSchemaSerializerVersion"})
_Entry = TypeVar("_Entry")
Partition = tuple[str, Mapping[str, Any], Mapping[str, str]]
"""A partition as it is to be: its label, storage descriptor and parameters."""


@dataclass(frozen=True)
class Registered:
    """A partition that the catalog has.

    Attributes:
        format: Its files'; see `dynamo_assets.aws.storage_formats.format_of`.
        by_crawler: Whether a crawler was the last to describe it.
    """

    format: str | None
    by_crawler: bool


def partition_of(snapshot: Described) -> Partition:
    """The partition of a snapshot, as its manifest describes it."""
    return snapshot.snapshot_timestamp, storage_of(snapshot), table_parameters(snapshot.format)


class Partitions:
    """A partition is known here by its label alone: every raw table has the one partition column."""

    def __init__(self, glue: GlueClient, database: str):
        self._glue = glue
        self.database = database

    def labels(self, table: str) -> Iterator[str]:
        """The labels of a table's registered partitions."""
        for partition in self._partitions(table):
            yield partition.get("Values", [""])[0]

    def registered(self, table: str) -> dict[str, Registered]:
        """A table's registered partitions by their labels."""
        return {
            partition.get("Values", [""])[0]: Registered(
                format_of(partition["StorageDescriptor"]),
                not _CRAWLERS_MARKS.isdisjoint(partition.get("Parameters", {})),
            )
            for partition in self._partitions(table)
        }

    def formats(self, table: str) -> set[str | None]:
        """The formats of a table's registered partitions."""
        return {partition.format for partition in self.registered(table).values()}

    def _partitions(self, table: str) -> Iterator[Mapping[str, Any]]:
        pages = self._glue.get_paginator("get_partitions").paginate(
            DatabaseName=self.database, TableName=table, ExcludeColumnSchema=True
        )
        for page in pages:
            yield from page["Partitions"]

    def partition(self, table: str, label: str) -> Mapping[str, Any] | None:
        """A table's partition of a label as Glue describes it; None where there is none."""
        try:
            return self._glue.get_partition(DatabaseName=self.database, TableName=table, PartitionValues=[label])[
                "Partition"
            ]
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            return None

    def has_label(self, table: str, label: str) -> bool:
        """Whether a table has the partition of this label."""
        return self.partition(table, label) is not None

    def register(self, table: str, partitions: Iterable[Partition]) -> None:
        """Adds partitions; one that is there already is left as it is.

        Raises:
            CatalogError: Glue refused one.
        """
        for batch in _batches(partitions, CREATE_BATCH):
            entries: list[Any] = [_partition_input(partition) for partition in batch]
            answer = self._glue.batch_create_partition(
                DatabaseName=self.database, TableName=table, PartitionInputList=entries
            )
            self._raise_first(answer.get("Errors", []), table, "add", tolerated="AlreadyExistsException")

    def describe_anew(self, table: str, partitions: Iterable[Partition]) -> None:
        """Replaces the descriptions of partitions, their parameters included.

        Raises:
            CatalogError: Glue refused one.
        """
        for batch in _batches(partitions, CREATE_BATCH):
            entries: list[Any] = [
                {"PartitionValueList": [partition[0]], "PartitionInput": _partition_input(partition)}
                for partition in batch
            ]
            answer = self._glue.batch_update_partition(DatabaseName=self.database, TableName=table, Entries=entries)
            errors = [
                {"PartitionValues": error.get("PartitionValueList"), **error} for error in answer.get("Errors", [])
            ]
            self._raise_first(errors, table, "change", tolerated="EntityNotFoundException")

    def update_partition(self, table: str, partition: Mapping[str, Any], storage: Mapping[str, Any]) -> None:
        """Gives a partition another storage descriptor, and leaves all else of it as it is."""
        definition: Any = {
            "Values": partition["Values"],
            "Parameters": partition.get("Parameters", {}),
            "StorageDescriptor": storage,
        }
        self._glue.update_partition(
            DatabaseName=self.database,
            TableName=table,
            PartitionValueList=list(partition["Values"]),
            PartitionInput=definition,
        )

    def unregister(self, table: str, labels: Iterable[str]) -> None:
        """Takes partitions out of the catalog; no file is touched.

        Raises:
            CatalogError: Glue refused one.
        """
        for batch in _batches(labels, DELETE_BATCH):
            answer = self._glue.batch_delete_partition(
                DatabaseName=self.database,
                TableName=table,
                PartitionsToDelete=[{"Values": [label]} for label in batch],
            )
            self._raise_first(answer.get("Errors", []), table, "remove", tolerated="EntityNotFoundException")

    def _raise_first(self, errors: Sequence[Mapping[str, Any]], table: str, verb: str, *, tolerated: str) -> None:
        """Two runs may do the same at once; what is so already is no error."""
        for error in errors:
            detail = error.get("ErrorDetail", {})
            if detail.get("ErrorCode") != tolerated:
                raise CatalogError(
                    f"{self.database}.{table}: Glue would not {verb} the partition {error.get('PartitionValues')}: "
                    f"{detail.get('ErrorCode')}: {detail.get('ErrorMessage')}"
                )


def _partition_input(partition: Partition) -> dict[str, Any]:
    label, storage, parameters = partition
    return {"Values": [label], "StorageDescriptor": storage, "Parameters": parameters}


def _batches(entries: Iterable[_Entry], size: int) -> Iterator[list[_Entry]]:
    remaining = iter(entries)
    while batch := list(islice(remaining, size)):
        yield batch
