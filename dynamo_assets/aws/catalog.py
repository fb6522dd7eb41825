"""Tables and partitions of one database of the Glue Data Catalog."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from dynamo_assets.aws.storage_formats import format_of
from dynamo_assets.errors import CatalogError
from dynamo_assets.naming import PARTITION_COLUMN

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

CREATE_BATCH = 100  # BatchCreatePartition's limit
DELETE_BATCH = 25  # BatchDeletePartition's limit
_Entry = TypeVar("_Entry")
_PRESTO_VIEW = re.compile(r"/\* Presto View: (?P<base64>[A-Za-z0-9+/=]+) \*/")
_WRITABLE_TABLE_FIELDS = (
    "Name",
    "Description",
    "Owner",
    "Retention",
    "StorageDescriptor",
    "PartitionKeys",
    "TableType",
    "Parameters",
    "ViewOriginalText",
    "ViewExpandedText",
)


class Catalog:
    """One database. A partition is known here by its label alone: every table has the one partition column."""

    def __init__(self, glue: GlueClient, database: str):
        self._glue = glue
        self.database = database

    def table(self, name: str) -> Mapping[str, Any] | None:
        """A table or view as Glue describes it; None where there is none."""
        try:
            return self._glue.get_table(DatabaseName=self.database, Name=name)["Table"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            return None

    def tables_at(self, location: str) -> list[str]:
        """The names of the tables whose data lies at or below an S3 location: a crawler may have made several."""
        prefix = location.rstrip("/") + "/"
        names = []
        for page in self._glue.get_paginator("get_tables").paginate(DatabaseName=self.database):
            for table in page["TableList"]:
                found = table.get("StorageDescriptor", {}).get("Location", "")
                if (found.rstrip("/") + "/").startswith(prefix):
                    names.append(table["Name"])
        return names

    def labels(self, table: str) -> Iterator[str]:
        """The labels of a table's registered partitions."""
        for partition in self._partitions(table):
            yield partition.get("Values", [""])[0]

    def formats(self, table: str) -> set[str | None]:
        """The formats of a table's registered partitions; see `dynamo_assets.aws.storage_formats.format_of`."""
        return {format_of(partition["StorageDescriptor"]) for partition in self._partitions(table)}

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

    def register(self, table: str, partitions: Iterable[tuple[str, Mapping[str, Any], Mapping[str, str]]]) -> None:
        """Adds partitions.

        Args:
            table: The table's name.
            partitions: Of each its label, storage descriptor and parameters.

        Raises:
            CatalogError: Glue refused one.
        """
        for batch in _batches(partitions, CREATE_BATCH):
            entries: list[Any] = [
                {"Values": [label], "StorageDescriptor": storage, "Parameters": parameters}
                for label, storage, parameters in batch
            ]
            answer = self._glue.batch_create_partition(
                DatabaseName=self.database, TableName=table, PartitionInputList=entries
            )
            self._raise_first(answer.get("Errors", []), table, "add", tolerated="AlreadyExistsException")

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

    def create(self, name: str, storage: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        """Makes a raw table. One that somebody else has made meanwhile is left as it is."""
        definition: Any = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": parameters,
            "PartitionKeys": [{"Name": PARTITION_COLUMN, "Type": "string"}],
            "StorageDescriptor": storage,
        }
        try:
            self._glue.create_table(DatabaseName=self.database, TableInput=definition)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AlreadyExistsException":
                raise

    def update(
        self,
        table: Mapping[str, Any],
        storage: Mapping[str, Any],
        parameters: Mapping[str, str],
        *,
        keep_parameters: bool = True,
    ) -> None:
        """Gives a table another storage descriptor and leaves all else of it as it is.

        Args:
            table: As Glue describes it.
            storage: The new descriptor.
            parameters: What its parameters must say.
            keep_parameters: Whether it keeps its others: where the format changes, those speak of the old one.
        """
        definition: Any = {key: table[key] for key in _WRITABLE_TABLE_FIELDS if key in table}
        definition["StorageDescriptor"] = storage
        definition["Parameters"] = {**(table.get("Parameters", {}) if keep_parameters else {}), **parameters}
        self._glue.update_table(DatabaseName=self.database, TableInput=definition)

    def view_sql(self, name: str) -> str | None:
        """The SQL a view was made with; None where there is no such view.

        Athena keeps it as base64 in the table's ViewOriginalText.

        Raises:
            CatalogError: Something else than a view has the name.
        """
        table = self.table(name)
        if table is None:
            return None
        match = _PRESTO_VIEW.search(table.get("ViewOriginalText", ""))
        if table.get("TableType") != "VIRTUAL_VIEW" or match is None:
            raise CatalogError(
                f"{self.database}.{name} exists and is not an Athena view ({table.get('TableType')}); rename it, or "
                "give the table another `name:` in tables.yaml"
            )
        return json.loads(base64.b64decode(match["base64"]))["originalSql"]

    def restore(self, name: str, before: Mapping[str, Any] | None) -> None:
        """Makes a table or view what it was: one call of Glue's, which waits for nothing and no query.

        Args:
            name: The table's.
            before: As Glue described it; None where there was none.
        """
        if before is None:
            self._glue.delete_table(DatabaseName=self.database, Name=name)
        else:
            definition: Any = {key: before[key] for key in _WRITABLE_TABLE_FIELDS if key in before}
            self._glue.update_table(DatabaseName=self.database, TableInput=definition)

    def _raise_first(self, errors: Sequence[Mapping[str, Any]], table: str, verb: str, *, tolerated: str) -> None:
        """Two runs may do the same at once; what is so already is no error."""
        for error in errors:
            detail = error.get("ErrorDetail", {})
            if detail.get("ErrorCode") != tolerated:
                raise CatalogError(
                    f"{self.database}.{table}: Glue would not {verb} the partition {error.get('PartitionValues')}: "
                    f"{detail.get('ErrorCode')}: {detail.get('ErrorMessage')}"
                )


def _batches(entries: Iterable[_Entry], size: int) -> Iterator[list[_Entry]]:
    remaining = iter(entries)
    while batch := list(islice(remaining, size)):
        yield batch
