"""What the catalog has, compared with what a crawl found, and the two merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dynamo_assets.sandbox.crawlers.schema_merge import add_new_fields
from dynamo_assets.sandbox.glue_catalog.hive_types import from_arrow, parse

DEPRECATED = "DEPRECATED_BY_CRAWLER"
"""The parameter of a table that a crawler did not find again: the time, in milliseconds of the epoch."""

_FORMAT_PARAMETERS = ("classification", "compressionType", "delimiter")
_TABLE_FIELDS = (
    "Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters",
    "ViewOriginalText", "ViewExpandedText", "TargetTable",
)  # fmt: skip
_PARTITION_FIELDS = ("Values", "StorageDescriptor", "Parameters")


@dataclass
class CatalogChanges:
    """What a crawl changed: for `TABLE` and `PARTITION`, the names added, updated and deleted."""

    names: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def note(self, kind: str, action: str, names: Iterable[str]) -> None:
        """Remembers changes; `action` is ADD, UPDATE or DELETE."""
        if changed := list(names):
            self.names.setdefault((kind, action), []).extend(changed)

    def count(self, kind: str, action: str) -> int:
        """How many there were."""
        return len(self.names.get((kind, action), []))


def table_definition(described: Mapping[str, Any]) -> dict[str, Any]:
    """The `TableInput` that would make a table that GetTable describes."""
    return {key: described[key] for key in _TABLE_FIELDS if described.get(key) is not None}


def partition_definition(described: Mapping[str, Any]) -> dict[str, Any]:
    """The `PartitionInput` that would make a partition that GetPartitions describes."""
    return {key: described[key] for key in _PARTITION_FIELDS if described.get(key) is not None}


def location_of(described: Mapping[str, Any]) -> str:
    """Where a table or partition lies, without a slash at the end; empty for a view."""
    return (described.get("StorageDescriptor", {}).get("Location") or "").rstrip("/")


def format_change(current: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    """How the files' format differs from the table's, in words; None where it does not."""
    for key in _FORMAT_PARAMETERS:
        before, now = (table.get("Parameters", {}).get(key) for table in (current, found))
        if before is not None and before != now:
            return f"{key} has changed from {before} to {now}"
    return None


def with_new_columns(current: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The current definition with the columns and nested fields that only the found one has, and its statistics."""
    storage, found_storage = current["StorageDescriptor"], found["StorageDescriptor"]
    types = {column["Name"]: column["Type"] for column in found_storage["Columns"]}
    columns = [
        {**column, "Type": _with_new_fields(column["Type"], types.pop(column["Name"], column["Type"]))}
        for column in storage.get("Columns", [])
    ]
    columns += [{"Name": name, "Type": hive_type} for name, hive_type in types.items()]
    serde = storage.get("SerdeInfo", {})
    serde_parameters = {**serde.get("Parameters", {}), **found_storage["SerdeInfo"]["Parameters"]}
    return {
        **current,
        "Parameters": _undeprecated(current.get("Parameters", {})) | found["Parameters"],
        "StorageDescriptor": {
            **storage,
            "Columns": columns,
            "SerdeInfo": {**serde, "Parameters": serde_parameters},
            "Parameters": _undeprecated(storage.get("Parameters", {})) | found_storage["Parameters"],
        },
    }


def _undeprecated(parameters: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in parameters.items() if key != DEPRECATED}


def _with_new_fields(kept: str, found: str) -> str:
    if kept == found:
        return kept
    try:
        kept_type = parse(kept)
    except ValueError:
        return kept  # written by hand, in a type that the sandbox's Hive does not know
    merged = add_new_fields(kept_type, parse(found))
    return kept if merged == kept_type else from_arrow(merged)
