"""Views as Athena keeps them in the Data Catalog: a table of Hive columns whose text is Presto's own, in base64."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from dynamo_assets.sandbox.athena import types
from dynamo_assets.sandbox.athena.catalog import CATALOG, VIEW, Table
from dynamo_assets.sandbox.athena.errors import QueryFailure, unsupported
from dynamo_assets.sandbox.glue_catalog import hive_types

_PREFIX, _SUFFIX = "/* Presto View: ", " */"


@dataclass(frozen=True)
class View:
    """A view's definition.

    Attributes:
        query: Its SELECT, as it was written.
        database: Where names without a database are looked up.
        columns: Their names and types when it was made; a query that gives others now is stale.
    """

    query: str
    database: str
    columns: list[tuple[str, pa.DataType]]

    def table_input(self, name: str) -> dict[str, Any]:
        """The TableInput that stores it."""
        document = {
            "originalSql": self.query,
            "catalog": CATALOG,
            "schema": self.database,
            "columns": [{"name": column, "type": types.display(kind, quoted=True)} for column, kind in self.columns],
            "runAsInvoker": False,
        }
        encoded = base64.b64encode(json.dumps(document).encode()).decode()
        return {
            "Name": name,
            "TableType": VIEW,
            "Parameters": {"presto_view": "true", "comment": "Presto View"},
            "ViewOriginalText": f"{_PREFIX}{encoded}{_SUFFIX}",
            "ViewExpandedText": "/* Presto View */",
            "PartitionKeys": [],
            "StorageDescriptor": {
                "Columns": [{"Name": column, "Type": hive_types.from_arrow(kind)} for column, kind in self.columns],
                "Location": "",
                "SerdeInfo": {},
            },
        }


def view_of(table: Table) -> View:
    """The definition that a catalog's view holds.

    Raises:
        QueryFailure: It is not a view of Athena's.
    """
    text = table.glue.get("ViewOriginalText", "")
    if not text.startswith(_PREFIX) or not text.endswith(_SUFFIX):
        raise unsupported(f"read Hive's own views: {table.name}")
    try:
        document = json.loads(base64.b64decode(text.removeprefix(_PREFIX).removesuffix(_SUFFIX), validate=True))
        columns = [(column["name"].lower(), types.from_display(column["type"])) for column in document["columns"]]
        return View(document["originalSql"], document.get("schema") or table.database, columns)
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise QueryFailure("INVALID_VIEW", f"Invalid view JSON: {table.name}: {error}") from error


def stale_reason(view: View, given: list[tuple[str | None, pa.DataType]]) -> str | None:
    """Why a view no longer fits what its query gives; None if it does.

    Args:
        view: Its definition.
        given: The names and types of the query's columns now.
    """
    if len(given) != len(view.columns):
        return (
            f"stored view column count ({len(view.columns)}) does not match column count derived from the view query "
            f"analysis ({len(given)})"
        )
    for place, ((name, kind), (stored_name, stored)) in enumerate(zip(given, view.columns, strict=True)):
        if name != stored_name:
            return (
                f"column [{name}] of type {types.display(kind)} projected from query view at position {place} has a "
                f"different name from column [{stored_name}] of type {types.display(stored)} stored in view definition"
            )
        if types.common(kind, stored) != stored:
            return (
                f"column [{name}] of type {types.display(kind)} projected from query view at position {place} cannot "
                f"be coerced to column [{stored_name}] of type {types.display(stored)} stored in view definition"
            )
    return None
