"""What a table's name in a query stands for: a table, a view, its partitions, or the engine's information_schema."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from sqlglot import exp

from dynamo_assets.sandbox.athena import types
from dynamo_assets.sandbox.athena.analyzer import Analyzer
from dynamo_assets.sandbox.athena.casts import convert
from dynamo_assets.sandbox.athena.catalog import CATALOG, Catalog, Table
from dynamo_assets.sandbox.athena.errors import QueryFailure, RequestError, position, unsupported
from dynamo_assets.sandbox.athena.mount import Mount, MountColumn, key_value
from dynamo_assets.sandbox.athena.relations import Relation
from dynamo_assets.sandbox.athena.statements import parse_query
from dynamo_assets.sandbox.athena.views import stale_reason, view_of

_PARTITIONS_SUFFIX = "$partitions"
_parsed = functools.lru_cache(32)(parse_query)
"""A view is read more often than it is made, and of a wide table its text is long."""
_Rows = Iterator[tuple[Any, ...]]


@dataclass(frozen=True)
class Sources:
    """Looks names up in the catalog.

    Attributes:
        database: Where names without a database are looked up; empty where the query has no such context.
        inside: The views around the query, outermost first.
    """

    catalog: Catalog
    database: str
    inside: tuple[tuple[str, str], ...] = ()

    def __call__(self, node: exp.Table, analyzer: Analyzer) -> Relation:
        """The relation that a name in FROM stands for.

        Raises:
            QueryFailure: TABLE_NOT_FOUND, or what is wrong with a view.
        """
        place = position(node)
        if node.catalog and node.catalog.lower() != CATALOG:
            raise QueryFailure("CATALOG_NOT_FOUND", f"Catalog '{node.catalog.lower()}' does not exist", place)
        database, name = (node.db or self.database).lower(), node.name.lower()
        if not database:
            raise QueryFailure("MISSING_SCHEMA_NAME", "Schema must be specified when session schema is not set", place)
        qualifier = (CATALOG, database, name)
        if database == "information_schema":
            return self._information_schema(node, analyzer, qualifier)
        table = self.table(database, name.removesuffix(_PARTITIONS_SUFFIX), node)
        if name.endswith(_PARTITIONS_SUFFIX) and table.partition_keys:
            return self._partitions(table, analyzer, qualifier)
        if table.is_view:
            return self._view(table, node, analyzer)
        columns = [
            MountColumn(column.name, column.type, analyzer.names.column(column.name))
            for column in table.columns + table.partition_keys
        ]
        return analyzer.mount(Mount(analyzer.names.table(), columns, table), qualifier)

    def table(self, database: str, name: str, node: exp.Expr) -> Table:
        """A table or view of the catalog.

        Raises:
            QueryFailure: There is none.
        """
        found = self.catalog.table(database, name)
        if found is None:
            if self.catalog.database(database) is None:
                raise QueryFailure("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", position(node))
            raise QueryFailure("TABLE_NOT_FOUND", f"Table '{CATALOG}.{database}.{name}' does not exist", position(node))
        return found

    def _view(self, table: Table, node: exp.Table, analyzer: Analyzer) -> Relation:
        full_name = f"'{CATALOG}.{table.database}.{table.name}'"
        if (table.database, table.name) in self.inside:
            raise QueryFailure("VIEW_IS_RECURSIVE", f"View is recursive: {full_name}", position(node))
        view = view_of(table)
        inside = (*self.inside, (table.database, table.name))
        outer_tables, analyzer.tables = analyzer.tables, replace(self, database=view.database, inside=inside)
        try:
            relation = analyzer.query(_parsed(view.query))
        except QueryFailure as failure:
            problem = f"Failed analyzing stored view {full_name}: {failure.located}"
            raise QueryFailure("INVALID_VIEW", problem, position(node)) from failure
        except RequestError as error:
            raise QueryFailure(
                "INVALID_VIEW", f"Failed parsing stored view {full_name}: {error}", position(node)
            ) from error
        finally:
            analyzer.tables = outer_tables
        if reason := stale_reason(view, [(found.name, found.type) for found in relation.fields]):
            raise QueryFailure(
                "VIEW_IS_STALE",
                f"View {full_name} is stale or in invalid state: {reason}; it must be re-created",
                position(node),
            )
        qualifier = (CATALOG, table.database, table.name)
        fields = [
            replace(found, sql=analyzer.names.column(name), type=kind, qualifier=qualifier)
            for found, (name, kind) in zip(relation.fields, view.columns, strict=True)
        ]
        columns = ", ".join(
            f"{convert(old.sql, old.type, new.type) or old.sql} AS {new.sql}"
            for old, new in zip(relation.fields, fields, strict=True)
        )
        return Relation(f"(SELECT {columns} FROM ({relation.sql}))", fields)

    def _partitions(self, table: Table, analyzer: Analyzer, qualifier: tuple[str, ...]) -> Relation:
        columns = [MountColumn(key.name, key.type, analyzer.names.column(key.name)) for key in table.partition_keys]
        rows = [
            tuple(key_value(value, column) for value, column in zip(partition.values, columns, strict=True))
            for partition in self.catalog.partitions(table)
        ]
        return analyzer.mount(Mount(analyzer.names.table(), columns, rows=rows), qualifier)

    def _information_schema(self, node: exp.Table, analyzer: Analyzer, qualifier: tuple[str, ...]) -> Relation:
        found = _INFORMATION_SCHEMA.get(node.name.lower())
        if found is None:
            raise unsupported(f"have information_schema.{node.name.lower()}", node)
        definition, read = found
        columns = [MountColumn(name, kind, analyzer.names.column(name)) for name, kind in definition.items()]
        return analyzer.mount(Mount(analyzer.names.table(), columns, rows=list(read(self))), qualifier)

    def _schemata(self) -> _Rows:
        for database in self.catalog.databases():
            yield CATALOG, database["Name"]

    def _tables(self) -> _Rows:
        for _, database in self._schemata():
            for table in self.catalog.tables(database):
                yield CATALOG, database, table.name, "VIEW" if table.is_view else "BASE TABLE"

    def _columns(self) -> _Rows:
        for _, database in self._schemata():
            for table in self.catalog.tables(database):
                for place, column in enumerate(table.columns + table.partition_keys, 1):
                    kind = types.display(column.type)
                    yield CATALOG, database, table.name, column.name, place, None, "YES", kind


_NAMES: dict[str, pa.DataType] = dict.fromkeys(("table_catalog", "table_schema", "table_name"), types.VARCHAR)
_INFORMATION_SCHEMA: dict[str, tuple[dict[str, pa.DataType], Callable[[Sources], _Rows]]] = {
    "schemata": (dict.fromkeys(("catalog_name", "schema_name"), types.VARCHAR), Sources._schemata),
    "tables": ({**_NAMES, "table_type": types.VARCHAR}, Sources._tables),
    "columns": (
        {
            **_NAMES,
            "column_name": types.VARCHAR,
            "ordinal_position": types.BIGINT,
            "column_default": types.VARCHAR,
            "is_nullable": types.VARCHAR,
            "data_type": types.VARCHAR,
        },
        Sources._columns,
    ),
}
