"""The Data Catalog where moto's differs from AWS's: pages, batch limits, version numbers, the arity of partitions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from moto.glue.models import FakeTable, GlueBackend
from moto.glue.utils import PartitionFilter

from dynamo_assets.sandbox.glue_catalog.errors import GlueError, invalid
from dynamo_assets.sandbox.glue_catalog.pages import page_of


class CatalogTable(FakeTable):
    """moto's table, with AWS's version numbers (the first is 0) and a check that each key has a value."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._current_version = 0
        self.versions = {"0": next(iter(self.versions.values()))}
        self.updated_time = self.created_time

    def create_partition(self, partiton_input: dict[str, Any]) -> None:
        """Adds a partition."""
        self._check_arity(partiton_input)
        super().create_partition(partiton_input)

    def update_partition(self, old_values: Any, partiton_input: dict[str, Any]) -> None:
        """Replaces a partition."""
        self._check_arity(partiton_input)
        super().update_partition(old_values, partiton_input)

    def get_partitions(self, expression: str) -> list[Any]:
        """The partitions that an expression is true of; other threads may add some meanwhile."""
        return list(filter(PartitionFilter(expression, self), list(self.partitions.values())))

    def _check_arity(self, partition_input: Mapping[str, Any]) -> None:
        keys = self.versions[str(self._current_version)].get("PartitionKeys") or []
        if len(partition_input.get("Values") or []) != len(keys):
            message = "The number of partition keys do not match the number of partition values"
            raise invalid(message)


class GlueCatalog:
    """Answers the Glue requests whose names its methods have.

    Args:
        backend: moto's, which keeps the catalog.
    """

    def __init__(self, backend: GlueBackend):
        self._backend = backend
        self._updating = threading.Lock()

    def get_databases(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One page of all databases."""
        databases = [database.as_dict() for database in self._backend.get_databases()]
        return page_of("DatabaseList", databases, request, 100)

    def get_tables(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One page of a database's tables."""
        tables = self._backend.get_tables(request["DatabaseName"], request.get("Expression"))
        return page_of("TableList", [table.as_dict() for table in tables], request, 100)

    def update_table(self, request: Mapping[str, Any]) -> None:
        """Replaces a table's definition; where the request says of which version, only of that one.

        Raises:
            GlueError: ConcurrentModificationException: the table has another version by now.
        """
        definition = request["TableInput"]
        with self._updating:
            table = self._backend.get_table(request["DatabaseName"], definition["Name"])
            version = table.as_dict()["VersionId"]
            if request.get("VersionId", version) != version:
                message = f"Table {definition['Name']} was modified: its version is not {request['VersionId']}"
                raise GlueError("ConcurrentModificationException", message)
            table.update(definition)

    def get_table_versions(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One page of a table's versions, the latest first."""
        versions = self._backend.get_table_versions(request["DatabaseName"], request["TableName"])
        latest_first = sorted(versions.items(), key=lambda version: -int(version[0]))
        found = [{"Table": table, "VersionId": number} for number, table in latest_first]
        return page_of("TableVersions", found, request, 100)

    def get_partitions(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One page of a table's partitions, of one segment where the request names one."""
        found = self._backend.get_partitions(
            request["DatabaseName"], request["TableName"], request.get("Expression") or ""
        )
        if segment := request.get("Segment"):
            found = found[segment["SegmentNumber"] :: segment["TotalSegments"]]
        result = page_of("Partitions", [partition.as_dict() for partition in found], request, 1000)
        if request.get("ExcludeColumnSchema"):
            result["Partitions"] = [_without_columns(partition) for partition in result["Partitions"]]
        return result

    def batch_create_partition(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Adds up to 100 partitions."""
        entries = request["PartitionInputList"]
        return _errors(self._backend.batch_create_partition(request["DatabaseName"], request["TableName"], entries))

    def batch_update_partition(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Replaces up to 100 partitions."""
        entries = request["Entries"]
        return _errors(self._backend.batch_update_partition(request["DatabaseName"], request["TableName"], entries))

    def batch_delete_partition(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Takes up to 25 partitions out."""
        entries = request["PartitionsToDelete"]
        return _errors(self._backend.batch_delete_partition(request["DatabaseName"], request["TableName"], entries))

    def batch_get_partition(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Describes up to 1,000 partitions."""
        entries = request["PartitionsToGet"]
        return {
            "Partitions": self._backend.batch_get_partition(request["DatabaseName"], request["TableName"], entries),
            "UnprocessedKeys": [],
        }

    def batch_delete_table(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Deletes up to 100 tables."""
        entries = request["TablesToDelete"]
        return _errors(self._backend.batch_delete_table(request["DatabaseName"], entries))


def refuse_operation(name: str) -> Callable[[Mapping[str, Any]], NoReturn]:
    """Answers the Glue operation of this name, whatever the request, with an error that says it is not there."""

    def answer(_request: Mapping[str, Any]) -> NoReturn:
        raise invalid(f"The sandbox does not answer Glue's operation {name}")

    return answer


def _errors(errors: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Errors": errors} if errors else {}


def _without_columns(partition: dict[str, Any]) -> dict[str, Any]:
    storage = {key: value for key, value in partition.get("StorageDescriptor", {}).items() if key != "Columns"}
    return {**partition, "StorageDescriptor": storage}
