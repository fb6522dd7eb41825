"""`tables.yaml` -> validated settings. The only reader of that file and of the environment."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dynamo_assets.configuration.accounts import Accounts
from dynamo_assets.configuration.ownership import refuse_owners_that_do_not_fit
from dynamo_assets.configuration.settings import Settings, TableSet
from dynamo_assets.configuration.table_settings import Table, TableSettings
from dynamo_assets.errors import ConfigError
from dynamo_assets.naming import (
    ASSET_PREFIXES,
    MAX_GLUE_NAME,
    cadence_name,
    catalog_name,
    crawler_name,
    is_further_view,
    snapshots_table,
    table_name,
)
from dynamo_assets.yaml_file import read_yaml

CONFIG_VARIABLE = "DYNAMO_ASSETS_CONFIG"
DEFAULT_PATH = "tables.yaml"


def load_settings(path: Path | str | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads and checks the tables file.

    Args:
        path: The file; by default the one `DYNAMO_ASSETS_CONFIG` names, or `tables.yaml` in the working directory.
        environment: What `${VARIABLE}` in a value stands for.

    Raises:
        ConfigError: The file cannot be read, or something in it is wrong; names the file, the key and the fix.
    """
    path = Path(path or environment.get(CONFIG_VARIABLE) or DEFAULT_PATH)
    try:
        document = read_yaml(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); set {CONFIG_VARIABLE} to the path of your tables file"
        ) from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    try:
        return _settings_from(_substitute(document, environment))
    except ValidationError as error:
        raise ConfigError("\n".join(f"{path}: {line}" for line in _explain(error))) from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _substitute(value: Any, environment: Mapping[str, str], where: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _substitute(item, environment, f"{where}.{key}".lstrip(".")) for key, item in value.items()}
    if isinstance(value, list):
        return [_substitute(item, environment, f"{where}[{index}]") for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise ConfigError(f"{where}: the environment variable {match[1]} is not set; export it, or write the value")
        return environment[match[1]]

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", fill, value)


def _settings_from(document: Any) -> Settings:
    if not isinstance(document, dict):
        raise ConfigError("the file must be a mapping with the keys `storage` and `tables`")
    document = dict(document)
    defaults = document.pop("defaults", None) or {}
    entries = document.get("tables")
    if not isinstance(entries, dict) or not entries:
        raise ConfigError("tables: must be a mapping of table names to their settings, such as `Orders: {}`")
    TableSettings.model_validate(defaults)  # so that an error in `defaults` is not reported once per table
    accounts = Accounts.model_validate({"accounts": document.get("accounts") or {}})
    tables = _tables_from(entries, defaults, accounts)
    sets = _sets_from(document.get("sets") or {}, tables)
    settings = Settings.model_validate({**document, **accounts.model_dump(), "tables": tables, "sets": sets})
    _refuse_names_that_do_not_fit(settings)
    refuse_owners_that_do_not_fit(settings)
    return settings


def _refuse_names_that_do_not_fit(settings: Settings) -> None:
    catalog = settings.catalog
    if catalog.database in ASSET_PREFIXES:
        raise ConfigError(
            f"catalog.database: {catalog.database!r} begins the keys of other assets, and a view's key would be one of "
            "theirs; choose another name, such as dynamodb_exports"
        )
    for table in settings.tables:
        derived = [snapshots_table(table.name)]
        if catalog.method == "crawler":
            derived.append(crawler_name(catalog.database, table.name))
        if (longest := max(map(len, derived))) > MAX_GLUE_NAME:
            raise ConfigError(
                f"tables.{table.table}: Glue takes names of {MAX_GLUE_NAME} characters, and its raw table or its "
                f"crawler would have one of {longest}; give it a `name:` that is {longest - MAX_GLUE_NAME} shorter, at "
                "least"
            )


def _tables_from(entries: Mapping[Any, Any], defaults: Mapping[str, Any], accounts: Accounts) -> list[Table]:
    tables = []
    for key, entry in entries.items():
        if not isinstance(key, str):
            raise ConfigError(f"tables.{key}: a table's name must be text; put it in quotes")
        if not isinstance(entry or {}, dict):
            raise ConfigError(f"tables.{key}: must be a mapping of settings; write `{key}: {{}}` for the defaults")
        if "table" in (entry or {}):
            raise ConfigError(f"tables.{key}.table: there is no such key; the table is called {key!r}, change that")
        try:
            table_name(key)
            chosen = accounts.entry_of(key, entry or {}, defaults)
            tables.append(Table.model_validate({"name": catalog_name(key), **chosen, "table": key}))
        except ValidationError as error:
            raise ConfigError("\n".join(f"tables.{key}.{line}" for line in _explain(error))) from error
        except ValueError as error:
            raise ConfigError(f"tables.{key}: {error}") from error
    _refuse_collisions(tables)
    return tables


def _refuse_collisions(tables: list[Table]) -> None:
    owners: dict[str, str] = {}
    for table in tables:
        # A table called `snapshots_x` would put its view where the raw table of `x` is.
        for taken in (table.name, snapshots_table(table.name)):
            if other := owners.get(taken):
                raise ConfigError(
                    f"tables.{table.table}: its catalog name {taken!r} is the one of {other!r} too, and each would "
                    f"overwrite the other's view; give one of them a name of its own, such as `name: {table.name}_2`"
                )
            owners[taken] = table.table
    _refuse_further_views(tables)
    sources: dict[str, str] = {}
    for table in tables:
        bare_name = table_name(table.table)
        if other := sources.get(bare_name):
            raise ConfigError(
                f"tables.{table.table}: {other!r} is a table of the same name, and both would be the asset "
                f"dynamodb/{bare_name}; keep one of them in this file and the other in a code location of its own"
            )
        sources[bare_name] = table.table


def _refuse_further_views(tables: list[Table]) -> None:
    for table in (table for table in tables if table.keep_views):
        for other in tables:
            for taken in (other.name, snapshots_table(other.name)):
                if is_further_view(table.name, taken):
                    raise ConfigError(
                        f"tables.{table.table}.keep_views: it would make views of a name that {taken!r} of "
                        f"{other.table!r} has; give one of them a `name` of its own, such as `name: {table.name}_table`"
                    )


def _sets_from(entries: Any, tables: list[Table]) -> list[TableSet]:
    if not isinstance(entries, dict):
        raise ConfigError("sets: must be a mapping of names to sets, such as `shop: {tables: [Orders, Customers]}`")
    sets: list[TableSet] = []
    for key, entry in entries.items():
        if not isinstance(entry, dict):
            raise ConfigError(f"sets.{key}: must be a mapping, such as `{key}: {{tables: [Orders, Customers]}}`")
        if "name" in entry:
            raise ConfigError(f"sets.{key}.name: there is no such key; the set is called {key!r}, change that")
        try:
            sets.append(TableSet.model_validate({**entry, "name": key}))
        except ValidationError as error:
            raise ConfigError("\n".join(f"sets.{key}.{line}" for line in _explain(error))) from error
        try:
            _check_set(sets[-1], {table.table: table for table in tables}, sets[:-1])
        except ValueError as error:
            raise ConfigError(f"sets.{key}: {error}") from error
    return sets


def _check_set(wanted: TableSet, tables: Mapping[str, Table], others: list[TableSet]) -> None:
    for table in tables.values():
        taken = wanted.name in {table.name, snapshots_table(table.name)}
        if taken or (table.keep_views and is_further_view(table.name, wanted.name)):
            raise ValueError(f"{wanted.name!r} is the view or the raw table of {table.table}; call the set otherwise")
    if len(wanted.tables) < 2:
        raise ValueError("tables: a set has two members at least; a table alone needs none, take the set out")
    for name, count in Counter(wanted.tables).items():
        if name not in tables:
            close = get_close_matches(name, tables, 1)
            meant = f"; did you mean {close[0]!r}?" if close else "; members are named as they are there"
            raise ValueError(f"tables: {name!r} is not in `tables`{meant}")
        if count > 1:
            raise ValueError(f"tables: {name!r} stands {count} times; keep one")
        for other in others:
            if name in other.tables:
                raise ValueError(
                    f"tables: {name!r} is in the set {other.name!r} too, and its view can only move with one of them; "
                    "take it out of the other, or make one set of both"
                )
        if tables[name].engine != "point_in_time":
            raise ValueError(
                f"tables: {name!r} has engine {tables[name].engine!r}, whose snapshots begin when a scan does; only "
                "snapshots of one instant can move together, so give it `engine: point_in_time`"
            )
    first = tables[wanted.tables[0]]
    for name in wanted.tables[1:]:
        if cadence_name(tables[name].schedule) != cadence_name(first.schedule):
            raise ValueError(
                f"tables: {first.table!r} has the schedule {first.schedule!r} and {name!r} has "
                f"{tables[name].schedule!r}; members have their instants in common, so give them one schedule"
            )


def _explain(error: ValidationError) -> list[str]:
    """One line for each finding: the key, what was found, what to write instead."""
    lines = []
    for finding in error.errors():
        key = ".".join(str(part) for part in finding["loc"]) or "(file)"
        if finding["type"] == "extra_forbidden":
            lines.append(f"{key}: there is no such key; take it out, or mend its spelling")
        elif finding["type"] == "missing":
            lines.append(f"{key}: this key is required")
        else:
            message = finding["msg"].removeprefix("Value error, ")
            lines.append(f"{key}: {message} (found {finding['input']!r})")
    return lines
