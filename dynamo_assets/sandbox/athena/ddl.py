"""The statements on the catalog itself: SHOW, DESCRIBE, views, databases, partitions; answered in Hive's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from dynamo_assets.sandbox.athena import types
from dynamo_assets.sandbox.athena.catalog import CATALOG, Catalog, Table
from dynamo_assets.sandbox.athena.errors import QueryFailure
from dynamo_assets.sandbox.athena.mount import bucket_and_key
from dynamo_assets.sandbox.athena.relations import Relation
from dynamo_assets.sandbox.athena.results import Outcome, ResultColumn
from dynamo_assets.sandbox.athena.statements import Statement
from dynamo_assets.sandbox.athena.views import View, view_of


@dataclass(frozen=True)
class Context:
    """What a statement may use.

    Attributes:
        database: Where names without a database are looked up; empty for none.
        analyse: Analyses the query of a new view as a SELECT statement would.
        s3: A boto3 client.
    """

    catalog: Catalog
    database: str
    analyse: Callable[[], Relation]
    s3: Any

    def locate(self, name: str) -> tuple[str, str]:
        """The database and table of a dotted name, quoted or not."""
        parts = [_unquoted(part) for part in re.findall(r'"(?:[^"]|"")+"|`(?:[^`]|``)+`|[^.\s]+', name)]
        if len(parts) == 3 and parts.pop(0) != CATALOG:
            raise QueryFailure("CATALOG_NOT_FOUND", f"Catalog in {name} does not exist", (1, 1))
        if len(parts) == 1:
            parts.insert(0, self.database)
        if not parts[0]:
            raise QueryFailure("MISSING_SCHEMA_NAME", "Schema must be specified when session schema is not set", (1, 1))
        return parts[0], parts[1]

    def table(self, name: str) -> Table:
        """A table or view, which must exist."""
        database, table = self.locate(name)
        if found := self.catalog.table(database, table):
            return found
        raise _semantic_error(10001, f"Table not found {database}.{table}")

    def listed(self, arguments: dict[str, str]) -> list[Table]:
        """The tables and views that a SHOW asks for."""
        database = _unquoted(arguments.get("database", self.database))
        if not database or self.catalog.database(database) is None:
            raise _semantic_error(10072, f"Database does not exist: {database or '(none given)'}")
        return [table for table in self.catalog.tables(database) if _is_like(table.name, arguments)]


def execute(statement: Statement, context: Context) -> Outcome:
    """Executes a statement on the catalog.

    Raises:
        QueryFailure: It fails, as Athena's would.
    """
    return _STATEMENTS[statement.kind](context, statement.arguments)


def _unquoted(name: str) -> str:
    if name[:1] in ('"', "`"):
        name = name[1:-1].replace(name[0] * 2, name[0])
    return name.lower()


def _semantic_error(number: int, message: str) -> QueryFailure:
    return QueryFailure("", f"FAILED: SemanticException [Error {number}]: {message}")


def _task_error(message: str) -> QueryFailure:
    task = "org.apache.hadoop.hive.ql.exec.DDLTask"
    return QueryFailure("", f"FAILED: Execution Error, return code 1 from {task}. {message}")


def _is_like(name: str, arguments: dict[str, str]) -> bool:
    """Whether a name fits a SHOW's pattern, in which only * and | mean something."""
    options = arguments.get("pattern", "*").split("|")
    return any(re.fullmatch(re.escape(option).replace(r"\*", ".*"), name, re.IGNORECASE) for option in options)


def _lines(column: str, lines: Iterable[str]) -> Outcome:
    return Outcome([ResultColumn(column)], [[line] for line in lines])


def _create_view(context: Context, arguments: dict[str, str]) -> Outcome:
    database, name = context.locate(arguments["name"])
    if context.catalog.database(database) is None:
        raise QueryFailure("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", (1, 1))
    fields = context.analyse().fields
    names = [field.name for field in fields]
    for place, column in enumerate(names, 1):
        if column is None:
            raise QueryFailure("MISSING_COLUMN_NAME", f"Column name not specified at position {place}", (1, 1))
        if names.index(column) + 1 < place:
            raise QueryFailure("DUPLICATE_COLUMN_NAME", f"Column name '{column}' specified more than once", (1, 1))
        if fields[place - 1].type == types.UNKNOWN:
            raise QueryFailure("COLUMN_TYPE_UNKNOWN", f"Column type is unknown: {column}", (1, 1))
    columns = [(field.name or "", field.type) for field in fields]
    table_input = View(arguments["query"], context.database or database, columns).table_input(name)
    existing = context.catalog.table(database, name)
    if existing is not None and not existing.is_view:
        raise QueryFailure("TABLE_ALREADY_EXISTS", f"Table already exists: '{CATALOG}.{database}.{name}'", (1, 1))
    if existing is not None and "replace" not in arguments:
        raise QueryFailure("TABLE_ALREADY_EXISTS", f"View already exists: '{CATALOG}.{database}.{name}'", (1, 1))
    # One update of the catalog: a reader sees the old view or the new one.
    write = context.catalog.glue.update_table if existing else context.catalog.glue.create_table
    write(DatabaseName=database, TableInput=table_input)
    return Outcome()


def _drop_view(context: Context, arguments: dict[str, str]) -> Outcome:
    return _drop(context, arguments, is_view=True)


def _drop_table(context: Context, arguments: dict[str, str]) -> Outcome:
    return _drop(context, arguments, is_view=False)


def _drop(context: Context, arguments: dict[str, str], *, is_view: bool) -> Outcome:
    database, name = context.locate(arguments["name"])
    found, kind = context.catalog.table(database, name), "View" if is_view else "Table"
    if found is not None and found.is_view == is_view:
        context.catalog.glue.delete_table(DatabaseName=database, Name=name)
    elif found is not None or "exists" not in arguments:
        problem = f"{kind} '{CATALOG}.{database}.{name}' does not exist"
        raise QueryFailure(f"{kind.upper()}_NOT_FOUND", problem, (1, 1))
    return Outcome()


def _create_database(context: Context, arguments: dict[str, str]) -> Outcome:
    name = _unquoted(arguments["name"])
    if context.catalog.database(name) is None:
        given = {"Description": arguments.get("comment"), "LocationUri": arguments.get("location")}
        context.catalog.glue.create_database(
            DatabaseInput={"Name": name, **{key: value for key, value in given.items() if value}}
        )
    elif "exists" not in arguments:
        raise _task_error(f"AlreadyExistsException(message:Database {name} already exists)")
    return Outcome()


def _partition(context: Context, arguments: dict[str, str]) -> tuple[Table, list[str]]:
    """The table and the values of a PARTITION (...) clause, in the order of the keys."""
    table = context.table(arguments["name"])
    pairs = re.findall(r"(\"[^\"]+\"|`[^`]+`|\w+)\s*=\s*('(?:[^']|'')*'|[^,\s]+)", arguments["spec"])
    given = {_unquoted(key): value[1:-1].replace("''", "'") if value[0] == "'" else value for key, value in pairs}
    keys = [key.name for key in table.partition_keys]
    if sorted(given) != sorted(keys):
        raise _semantic_error(10006, f"Partition not found ({arguments['spec']}): the keys are {', '.join(keys)}")
    return table, [given[key] for key in keys]


def _partition_input(table: Table, values: list[str], location: str) -> dict[str, Any]:
    return {"Values": values, "StorageDescriptor": {**table.storage, "Location": location}}


def _path(table: Table, values: Iterable[str]) -> str:
    return "/".join(f"{key.name}={value}" for key, value in zip(table.partition_keys, values, strict=True))


def _registered(context: Context, table: Table) -> set[tuple[str, ...]]:
    return {partition.values for partition in context.catalog.partitions(table)}


def _add_partition(context: Context, arguments: dict[str, str]) -> Outcome:
    table, values = _partition(context, arguments)
    if tuple(values) in _registered(context, table):
        if "exists" in arguments:
            return Outcome()
        raise _task_error("AlreadyExistsException(message:Partition already exists.)")
    location = arguments.get("location") or f"{table.storage['Location'].rstrip('/')}/{_path(table, values)}/"
    context.catalog.glue.create_partition(
        DatabaseName=table.database, TableName=table.name, PartitionInput=_partition_input(table, values, location)
    )
    return Outcome()


def _drop_partition(context: Context, arguments: dict[str, str]) -> Outcome:
    table, values = _partition(context, arguments)
    if tuple(values) in _registered(context, table):
        context.catalog.glue.delete_partition(
            DatabaseName=table.database, TableName=table.name, PartitionValues=values
        )  # fmt: skip
    elif "exists" not in arguments:
        raise _semantic_error(10006, f"Partition not found ({arguments['spec']})")
    return Outcome()


def _repair(context: Context, arguments: dict[str, str]) -> Outcome:
    table = context.table(arguments["name"])
    location = table.storage["Location"].rstrip("/") + "/"
    bucket, prefix = bucket_and_key(location)
    found = set()
    for page in context.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for listed in page.get("Contents", []):
            folders = listed["Key"][len(prefix) :].split("/")[: len(table.partition_keys)]
            names, values = zip(
                *((folder.partition("=")[0], folder.partition("=")[2]) for folder in folders), strict=True
            )
            if list(names) == [key.name for key in table.partition_keys]:
                found.add(values)
    missing = sorted(found - _registered(context, table))
    for values in missing:
        context.catalog.glue.create_partition(
            DatabaseName=table.database,
            TableName=table.name,
            PartitionInput=_partition_input(table, list(values), f"{location}{_path(table, values)}/"),
        )
    return _lines("result", [f"Repair: Added partition to metastore {table.name}:{_path(table, v)}" for v in missing])


def _show_create_view(context: Context, arguments: dict[str, str]) -> Outcome:
    table = context.table(arguments["name"])
    if not table.is_view:
        raise QueryFailure(
            "NOT_SUPPORTED", f"Relation '{CATALOG}.{table.database}.{table.name}' is a table, not a view"
        )
    return _lines("Create View", [f"CREATE VIEW {CATALOG}.{table.database}.{table.name} AS\n{view_of(table).query}"])


def _show_partitions(context: Context, arguments: dict[str, str]) -> Outcome:
    table = context.table(arguments["name"])
    if not table.partition_keys:
        raise _task_error(f"Table {table.database}.{table.name} is not a partitioned table")
    return _lines("partition", sorted(_path(table, values) for values in _registered(context, table)))


def _show_tables(context: Context, arguments: dict[str, str]) -> Outcome:
    return _lines("tab_name", [table.name for table in context.listed(arguments)])


def _show_views(context: Context, arguments: dict[str, str]) -> Outcome:
    return _lines("views", [table.name for table in context.listed(arguments) if table.is_view])


def _show_columns(context: Context, arguments: dict[str, str]) -> Outcome:
    name = ".".join(filter(None, (arguments.get("database"), arguments["name"])))
    table = context.table(name)
    return _lines("field", [column.name.ljust(20) for column in table.columns + table.partition_keys])


def _show_databases(context: Context, arguments: dict[str, str]) -> Outcome:
    names = [database["Name"] for database in context.catalog.databases()]
    return _lines("database_name", [name for name in names if _is_like(name, arguments)])


def _describe(context: Context, arguments: dict[str, str]) -> Outcome:
    table = context.table(arguments["name"])

    def line(*cells: str) -> list[str | None]:
        # One cell, its parts padded and parted by tabs, as Hive prints it.
        return ["\t".join(cell.ljust(20) for cell in cells)]

    rows = [line(column.name, column.hive_type, column.comment) for column in table.columns + table.partition_keys]
    if table.partition_keys:
        rows += [["\t \t "], ["# Partition Information\t \t "], line("# col_name", "data_type", "comment"), ["\t \t "]]
        rows += [line(column.name, column.hive_type, column.comment) for column in table.partition_keys]
    return Outcome([ResultColumn(name) for name in ("col_name", "data_type", "comment")], rows)


_STATEMENTS: dict[str, Callable[[Context, dict[str, str]], Outcome]] = {
    "create_view": _create_view,
    "drop_view": _drop_view,
    "drop_table": _drop_table,
    "create_database": _create_database,
    "add_partition": _add_partition,
    "drop_partition": _drop_partition,
    "repair_table": _repair,
    "show_create_view": _show_create_view,
    "show_partitions": _show_partitions,
    "show_tables": _show_tables,
    "show_views": _show_views,
    "show_columns": _show_columns,
    "show_databases": _show_databases,
    "describe_table": _describe,
}
