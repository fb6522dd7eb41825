"""Tables and partitions of one database of the Glue Data Catalog."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from dynamo_assets.aws.partitions import Partitions
from dynamo_assets.errors import CatalogError, TableChangedError
from dynamo_assets.naming import PARTITION_COLUMN

_PRESTO_VIEW = re.compile(r"/\* Presto View: (?P<base64>[A-Za-z0-9+/=]+) \*/")
_HASH = re.compile(r"[0-9a-f]{8,64}")
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


class Catalog(Partitions):
    """One database, with its tables' partitions."""

    def table(self, name: str) -> Mapping[str, Any] | None:
        """A table or view as Glue describes it; None where there is none."""
        try:
            return self._glue.get_table(DatabaseName=self.database, Name=name)["Table"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            return None

    def listed(self, *, max_pages: int) -> tuple[list[Mapping[str, Any]], bool]:
        """The database's tables and views, a hundred for each request, and whether those are all.

        Args:
            max_pages: After so many requests it is given up: others may have put any number of tables there.
        """
        tables: list[Mapping[str, Any]] = []
        paginator = self._glue.get_paginator("get_tables")
        pages = paginator.paginate(DatabaseName=self.database, PaginationConfig={"PageSize": 100})
        for number, page in enumerate(pages, 1):
            tables += page["TableList"]
            if number == max_pages and page.get("NextToken"):
                return tables, False
        return tables, True

    def tables_at(self, location: str) -> list[str]:
        """The names of the tables whose data lies at or below an S3 location: a crawler may have made several."""
        pages = self._glue.get_paginator("get_tables").paginate(DatabaseName=self.database)
        return [table["Name"] for page in pages for table in page["TableList"] if lies_at(table, location)]

    def names(self, beginning: str) -> list[str]:
        """The names of tables and views that begin as given."""
        return [table["Name"] for table in self._named(beginning)]

    def made_beside(self, name: str, *, crawler: str, location: str) -> list[str]:
        """The tables that a crawler made beside one whose name was not free: it puts a hash behind the name.

        Args:
            name: The table's.
            crawler: The crawler's. What it was not the last to describe does not count, whatever its name.
            location: Only tables with data at or below this S3 location count.
        """
        return [
            table["Name"]
            for table in self._named(f"{name}_")
            if _HASH.fullmatch(table["Name"].removeprefix(f"{name}_"))
            and table.get("Parameters", {}).get("UPDATED_BY_CRAWLER") == crawler
            and lies_at(table, location)
        ]

    def _named(self, beginning: str) -> Iterator[Mapping[str, Any]]:
        # The expression is a pattern of Glue's own, of which a name of ours has no special character.
        pages = self._glue.get_paginator("get_tables").paginate(DatabaseName=self.database, Expression=f"{beginning}*")
        for page in pages:
            yield from (table for table in page["TableList"] if table["Name"].startswith(beginning))

    def drop(self, name: str) -> None:
        """Takes a table or view out of the catalog; one that is gone already is no error."""
        try:
            self._glue.delete_table(DatabaseName=self.database, Name=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise

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

        Raises:
            TableChangedError: Somebody has changed the table since it was read.
        """
        definition: Any = {key: table[key] for key in _WRITABLE_TABLE_FIELDS if key in table}
        definition["StorageDescriptor"] = storage
        definition["Parameters"] = {**(table.get("Parameters", {}) if keep_parameters else {}), **parameters}
        # With the version that was read Glue refuses to write over a newer one.
        version = {"VersionId": table["VersionId"]} if "VersionId" in table else {}
        try:
            self._glue.update_table(DatabaseName=self.database, TableInput=definition, **version)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConcurrentModificationException":
                raise
            raise TableChangedError(
                f"{self.database}.{table['Name']} was changed by somebody else at the same time; materialize this "
                "asset again"
            ) from error

    def view_sql(self, name: str) -> str | None:
        """The SQL a view was made with; None where there is no such view.

        Athena keeps it as base64 in the table's ViewOriginalText.

        Raises:
            CatalogError: Something else than a view has the name.
        """
        table = self.table(name)
        return None if table is None else self.sql_of(table)

    def sql_of(self, table: Mapping[str, Any]) -> str:
        """The SQL that a view was made with, from what Glue says of it.

        Raises:
            CatalogError: It is no view.
        """
        match = _PRESTO_VIEW.search(table.get("ViewOriginalText", ""))
        if table.get("TableType") != "VIRTUAL_VIEW" or match is None:
            raise CatalogError(
                f"{self.database}.{table['Name']} exists and is not an Athena view ({table.get('TableType')}); rename "
                "it, or give the table another `name:` in tables.yaml"
            )
        return json.loads(base64.b64decode(match["base64"]))["originalSql"]

    def restore(self, name: str, before: Mapping[str, Any] | None) -> None:
        """Makes a table or view what it was: one call of Glue's, which waits for nothing and no query.

        Args:
            name: The table's.
            before: As Glue described it; None where there was none.
        """
        if before is None:
            self.drop(name)
        else:
            definition: Any = {key: before[key] for key in _WRITABLE_TABLE_FIELDS if key in before}
            self._glue.update_table(DatabaseName=self.database, TableInput=definition)


def lies_at(table: Mapping[str, Any], location: str) -> bool:
    """Whether a table's data lies at or below an S3 location."""
    found = table.get("StorageDescriptor", {}).get("Location", "")
    return (found.rstrip("/") + "/").startswith(location.rstrip("/") + "/")
