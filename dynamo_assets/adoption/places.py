"""The places of columns: by them Athena compares a partition with its table, in JSON, CSV and perhaps Avro.

So an adopted snapshot has, as the project's own do, the columns of those before it in their places, null where its
files lack them, and then its own further ones. Of CSV nothing can be moved: there the files' order is the columns'.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dynamo_assets.adoption.description import Description
from dynamo_assets.export.manifest import ManifestColumn

_AVRO = {
    "bigint": "long",
    "int": "int",
    "double": "double",
    "float": "float",
    "boolean": "boolean",
    "binary": "bytes",
}


def together(columns: Sequence[ManifestColumn], further: Iterable[ManifestColumn]) -> list[ManifestColumn]:
    """Columns in their places, and others that have none yet."""
    known = {column.name for column in columns}
    return [*columns, *(column for column in further if column.name not in known)]


def placed(description: Description, places: Sequence[ManifestColumn]) -> Description:
    """A snapshot whose columns stand where those of others do; of CSV it stays as it is.

    Args:
        description: The snapshot's.
        places: The columns of the others, in order.
    """
    if description.format == "csv":
        return description
    own = {column.name: column for column in description.columns}
    missing = [column for column in places if column.name not in own]
    columns = [own.get(column.name) or _absent(column) for column in together(places, description.columns)]
    parameters = dict(description.serde_parameters)
    if description.format == "avro" and missing:
        schema = json.loads(parameters["avro.schema.literal"])
        # What is always null may be of any type.
        schema["fields"] += [
            {"name": column.name, "type": ["null", _AVRO.get(column.type, "string")], "default": None}
            for column in missing
        ]
        parameters["avro.schema.literal"] = json.dumps(schema, separators=(",", ":"))
    return replace(description, columns=tuple(columns), serde_parameters=parameters)


def _absent(column: ManifestColumn) -> ManifestColumn:
    return ManifestColumn(column.name, column.attribute, column.type)


@dataclass(frozen=True)
class Newest:
    """The snapshot as which the raw table is: the newest one, and what an older one must fit.

    Attributes:
        label: Its label.
        format: Its format.
        columns: Its columns.
    """

    label: str
    format: str
    columns: Sequence[ManifestColumn]

    def unlike(self, label: str, description: Description) -> str:
        """Why another snapshot cannot be in one table with this one; empty where it can."""
        if {self.format, description.format} == {"csv", "json"}:
            return f"it is {description.format} and {self.label} is {self.format}: no table can have both"
        return self._misplaced(label, description) if description.format == "csv" else ""

    def _misplaced(self, label: str, description: Description) -> str:
        """Athena tells columns of CSV by their places alone, and takes one for another without a word."""
        own, other = ([column.name for column in columns] for columns in (self.columns, description.columns))
        longer, shorter = (other, own) if label > self.label else (own, other)
        if longer[: len(shorter)] == shorter:
            return ""
        place = next((n for n, name in enumerate(shorter) if longer[n : n + 1] != [name]), 0)
        there = [repr(names[place]) if place < len(names) else "none" for names in (other, own)]
        return (
            f"its column {place + 1} is {there[0]}, and that of {self.label} is {there[1]}: Athena tells columns of "
            "CSV by their places alone, and would take one for another. Adopt it by another tables file, in which the "
            "table has another `name:`"
        )
