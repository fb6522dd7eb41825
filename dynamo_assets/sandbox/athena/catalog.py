"""The account's Data Catalog, as Athena reads it: through the sandbox's own Glue API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from botocore.exceptions import ClientError

from dynamo_assets.sandbox.athena import types

CATALOG = "awsdatacatalog"
VIEW = "VIRTUAL_VIEW"
# How Hive writes the partition of a NULL.
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Column:
    """A column by its definition in the catalog."""

    name: str
    hive_type: str
    comment: str = ""

    @property
    def type(self) -> pa.DataType:
        """Its Arrow type."""
        return types.from_hive(self.hive_type, self.name)


@dataclass(frozen=True, eq=False)
class Table:
    """A table or view of the catalog; `glue` is what GetTable answers."""

    database: str
    name: str
    glue: dict[str, Any]

    @property
    def columns(self) -> list[Column]:
        """Its columns, without the partition keys."""
        return columns_of(self.storage.get("Columns", []))

    @property
    def partition_keys(self) -> list[Column]:
        """The columns whose values are the partitions' names."""
        return columns_of(self.glue.get("PartitionKeys", []))

    @property
    def storage(self) -> dict[str, Any]:
        """Its StorageDescriptor."""
        return self.glue.get("StorageDescriptor", {})

    @property
    def parameters(self) -> dict[str, str]:
        """Its Parameters."""
        return self.glue.get("Parameters", {})

    @property
    def is_view(self) -> bool:
        """Whether it is a view, Athena's or another's."""
        return self.glue.get("TableType") == VIEW


@dataclass(frozen=True)
class Partition:
    """A registered partition, or the whole of a table that has none."""

    values: tuple[str, ...]
    storage: dict[str, Any]


def columns_of(definitions: list[dict[str, Any]]) -> list[Column]:
    """Columns from Glue's list of them."""
    return [
        Column(column["Name"].lower(), column.get("Type", "string"), column.get("Comment", ""))
        for column in definitions
    ]


class Catalog:
    """Reads and writes the Data Catalog.

    Args:
        glue: A boto3 client.
    """

    def __init__(self, glue: Any) -> None:
        self.glue = glue

    def databases(self) -> list[dict[str, Any]]:
        """Every database, by name."""
        pages = self.glue.get_paginator("get_databases").paginate()
        return sorted((found for page in pages for found in page["DatabaseList"]), key=lambda found: found["Name"])

    def database(self, name: str) -> dict[str, Any] | None:
        """A database; None where there is none of that name."""
        return self._found(lambda: self.glue.get_database(Name=name)["Database"])

    def tables(self, database: str) -> list[Table]:
        """Every table and view of a database, by name."""
        pages = self.glue.get_paginator("get_tables").paginate(DatabaseName=database)
        tables = [Table(database, found["Name"], found) for page in pages for found in page["TableList"]]
        return sorted(tables, key=lambda table: table.name)

    def table(self, database: str, name: str) -> Table | None:
        """A table or view; None where there is none of that name."""
        found = self._found(lambda: self.glue.get_table(DatabaseName=database, Name=name)["Table"])
        return Table(database, name, found) if found else None

    def partitions(self, table: Table) -> Iterator[Partition]:
        """The registered partitions; for a table without partition keys, its whole location."""
        if not table.partition_keys:
            yield Partition((), table.storage)
            return
        pages = self.glue.get_paginator("get_partitions").paginate(DatabaseName=table.database, TableName=table.name)
        for page in pages:
            for found in page["Partitions"]:
                yield Partition(tuple(found["Values"]), found.get("StorageDescriptor", table.storage))

    @staticmethod
    def _found(read: Any) -> Any:
        try:
            return read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "EntityNotFoundException":
                return None
            raise
