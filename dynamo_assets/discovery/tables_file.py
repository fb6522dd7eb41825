"""The text of a tables file for what was found. Names of tables and attributes may hold anything that AWS allows."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dynamo_assets.configuration.settings import Catalog, Glue
from dynamo_assets.configuration.table_settings import TableSettings
from dynamo_assets.discovery.account import FoundTable, UnknownTable
from dynamo_assets.discovery.catalog_names import free_names
from dynamo_assets.discovery.filters import Filters
from dynamo_assets.discovery.owners import owners_of
from dynamo_assets.engines.engine_choice import Situation, choose_engine
from dynamo_assets.engines.sizing import Limits, size_text
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.naming import catalog_name
from dynamo_assets.yaml_text import yaml_scalar

_WIDTH = 118


@dataclass(frozen=True)
class TablesFile:
    """What goes into the file.

    Attributes:
        found: The tables that AWS described, one at least.
        unknown: Those that it did not.
        filters: What was asked for.
        today: The day of it.
    """

    found: Sequence[FoundTable]
    unknown: Sequence[UnknownTable]
    filters: Filters
    today: datetime

    def text(self) -> str:
        """The file."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        _, partition, _, region, account, *_ = self.found[0].description.arn.split(":")
        database, bucket = Catalog().database, f"dynamodb-exports-{account}-{region}"
        asked = f", asked for {self.filters}" if str(self.filters) else ""
        yield from _comment(
            f"The DynamoDB tables of account {account} in {region}, as `dynamo-assets init` found them on "
            f"{self.today:%Y-%m-%d}{asked}. Take out what you do not want to export; every key is explained in "
            "docs/configuration.md. `dynamo-assets deploy --dry-run` shows what would be made in the account."
        )
        yield "#"
        yield "# Editors complete and check it after `dynamo-assets schema > tables.schema.json`, if its first line is"
        yield "# `# yaml-language-server: $schema=tables.schema.json`."
        yield f"storage: {{bucket: {yaml_scalar(bucket)}}}"
        yield f"catalog: {{database: {yaml_scalar(database)}}}   # of the raw tables and the views"
        role = f"arn:{partition}:iam::{account}:role/dynamodb-exports"
        yield f"glue: {{role_arn: {yaml_scalar(role)}}}   # of the Glue jobs and the crawlers; `deploy` makes it"
        # Of yesterday, since until the first tick of today a daily schedule's current slot is yesterday's.
        yield f"partitions: {{start: {self.today - timedelta(days=1):%Y-%m-%d}}}   # the first slot shown"
        yield "defaults:"
        yield "  engine: auto   # each run chooses what suits the table's size, its read rate and the price"
        yield f"  schedule: {yaml_scalar(TableSettings().schedule)}   # UTC; a table may have another"
        yield "tables:"
        names = free_names((table.name for table in self.found), database)
        for table in self.found:
            yield from _entry(table, names[table.name])
        if self.unknown:
            yield ""
            yield from _comment("Not in this file, since AWS did not describe them:", "  ")
        for table in self.unknown:
            yield from _comment(f"{yaml_scalar(table.name)}: {table.problem}", "  ")


def _entry(table: FoundTable, name: str) -> Iterator[str]:
    yield f"  {yaml_scalar(table.name)}:"
    yield from _comment(_figures(table.description), "    ")
    yield from _comment(_engine_today(table), "    ")
    if table.recoverable_from:
        yield from _comment(
            f"Point-in-time recovery is on, since {table.recoverable_from}. With `engine: point_in_time` a snapshot "
            "costs the table no read capacity, and shows the exact instant of its slot.",
            "    ",
        )
    if table.untold:
        yield from _comment(f"AWS would not tell {'; '.join(table.untold)}.", "    ")
    if name != catalog_name(table.name):
        yield f"    name: {yaml_scalar(name)}"
    if owners := owners_of(table.tags or {}):
        yield f"    owners: [{', '.join(map(yaml_scalar, owners))}]"
    if table.ttl_attribute:
        yield from _comment("With this the view leaves out what had expired:", "    ")
        yield f"    # ttl_attribute: {yaml_scalar(table.ttl_attribute)}"


def _figures(table: TableDescription) -> str:
    mode = "on demand" if table.billing_mode == "PAY_PER_REQUEST" else "provisioned"
    size = f"{table.items:,} items, {size_text(table.bytes)}" if table.bytes else "Empty, or not counted yet"
    return f"{size}; {mode}, {table.read_units_per_second:,.0f} read units a second."


def _engine_today(table: FoundTable) -> str:
    """What engine `auto` would do with this table, by its own rules."""
    settings, glue = TableSettings(), Glue()
    choice = choose_engine(
        Situation(
            table=table.description,
            request=ExportRequest(table=table.name, bucket=""),
            limits=Limits(settings.time_limit, glue.worker_type, glue.max_workers, glue.fixed_workers),
            in_process_below=settings.point_in_time.in_process_below_bytes,
            unrecoverable="" if table.recoverable_from else "point-in-time recovery is off",
        )
    )
    return f"Today `auto` means {choice.engine}: {choice.reason}."


def _comment(text: str, indent: str = "") -> Iterator[str]:
    """As many lines as it takes. What AWS or a person wrote may break lines, or the direction of what is shown."""
    printable = "".join(each if " " <= each <= "~" else " " for each in text)
    yield from textwrap.wrap(
        printable,
        width=_WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_on_hyphens=False,
        break_long_words=False,
    )
