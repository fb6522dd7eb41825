"""Whether what a table is going to be called in the Data Catalog is free, or ours already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dynamo_assets.assets.raw_table import RawTable
from dynamo_assets.aws.catalog import Catalog, lies_at
from dynamo_assets.aws.crawlers import crawler_definition
from dynamo_assets.aws.views import published_label
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.doctor.case import Case
from dynamo_assets.doctor.finding import Finding, ok, problem
from dynamo_assets.errors import CatalogError
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.naming import crawler_name, is_further_view, snapshots_table
from dynamo_assets.verification.records import Records

NAMES = "names"
RENAME = "Rename or drop it, or give the table another `name:` in tables.yaml"
MISSING = frozenset({"EntityNotFoundException"})
MAX_PAGES = 50
"""Of a hundred tables each: others may have put any number into the database."""


def examine_names(case: Case, table: Table) -> Iterator[Finding]:
    """The raw table, the view, the further views and the crawler."""
    settings = case.settings
    catalog = Catalog(case.aws.glue, settings.catalog.database)
    found = [*_raw_table(case, catalog, table), *_views(case, catalog, table), *_crawler(case, table)]
    yield from found
    if not found:
        yield ok(
            NAMES, f"{settings.catalog.database}.{table.name} and what belongs to it are free, or ours", table.table
        )


def examine_locations(case: Case) -> Iterator[Finding]:
    """Whether other tables lie where snapshots go: after a crawl there must be one. The database is listed once."""
    settings = case.settings
    if settings.catalog.method != "crawler":
        return
    catalog = Catalog(case.aws.glue, settings.catalog.database)
    answer = case.inquiry.ask("glue:GetTables", lambda: catalog.listed(max_pages=MAX_PAGES), MISSING)
    listed = answer[0] if answer else []
    for table in case.tables:
        location = settings.layout.uri(settings.layout.snapshots_prefix(table.name))
        crawler = crawler_name(settings.catalog.database, table.name)
        others = [
            each["Name"]
            for each in listed
            if each["Name"] != snapshots_table(table.name)
            and lies_at(each, location)
            # What the crawler has made beside its table is dropped by the next run.
            and each.get("Parameters", {}).get("UPDATED_BY_CRAWLER") != crawler
        ]
        if others:
            found = f"{', '.join(others)} of {settings.catalog.database} lie at {location}, too, and a run refuses that"
            yield problem(NAMES, found, "Drop them from the Data Catalog, or set catalog.method to direct", table.table)


def _raw_table(case: Case, catalog: Catalog, table: Table) -> Iterator[Finding]:
    manifests = ManifestStore(case.aws.s3, case.settings.layout)
    raw = RawTable(catalog, table.name, manifests, Records(case.aws.s3, case.settings.layout))
    try:
        case.inquiry.ask("glue:GetTable", raw.own)
    except CatalogError as error:
        found = str(error).removeprefix(f"{table.name}: ").partition(". ")[0]
        yield problem(NAMES, found, RENAME, table.table)


def _views(case: Case, catalog: Catalog, table: Table) -> Iterator[Finding]:
    """A view that shows a snapshot of the raw table is ours, and so are the further ones that read it."""
    view = case.inquiry.ask("glue:GetTable", lambda: catalog.table(table.name), MISSING)
    if view and (foreign := why_foreign(catalog, view, table, must_show_one=True)):
        found = f"{catalog.database}.{table.name} {foreign}, and the first run would replace it"
        yield problem(NAMES, found, RENAME, table.table)
    if not table.keep_views:
        return
    names = case.inquiry.ask("glue:GetTables", lambda: catalog.names(table.name), MISSING) or []
    for name in filter(lambda name: is_further_view(table.name, name), names):
        further = case.inquiry.ask("glue:GetTable", lambda name=name: catalog.table(name))
        if further and (foreign := why_foreign(catalog, further, table, must_show_one=False)):
            found = f"{catalog.database}.{name} {foreign}, and keep_views makes views of such names"
            yield problem(NAMES, found, RENAME, table.table)


def why_foreign(catalog: Catalog, described: Mapping[str, Any], table: Table, *, must_show_one: bool) -> str:
    """Why what has a view's name is none of this table's views; empty where it is one.

    Args:
        catalog: The database.
        described: As Glue describes it.
        table: The table.
        must_show_one: Whether it must show a single snapshot.
    """
    try:
        sql = catalog.sql_of(described)
    except CatalogError:
        return f"is no Athena view ({described.get('TableType')})"
    reads_it = f'"{snapshots_table(table.name)}" WHERE' in sql
    if reads_it and (published_label(sql) or not must_show_one):
        return ""
    return "is a view that somebody else has made"


def _crawler(case: Case, table: Table) -> Iterator[Finding]:
    settings = case.settings
    if settings.catalog.method != "crawler":
        return
    name = crawler_name(settings.catalog.database, table.name)
    answer = case.inquiry.ask("glue:GetCrawler", lambda: case.aws.glue.get_crawler(Name=name), MISSING)
    if answer and not is_ours(answer["Crawler"], settings, table):
        yield problem(
            NAMES,
            f"crawler {name} exists, crawls {_paths(answer['Crawler']) or 'nothing of S3'}, and would be changed",
            RENAME,
            table.table,
        )


def is_ours(crawler: Mapping[str, Any], settings: Settings, table: Table) -> bool:
    """Whether a crawler crawls the folder of the table's snapshots, and nothing else."""
    wanted = crawler_definition(
        table.name,
        table.format,
        database=settings.catalog.database,
        role_arn=settings.glue.role_arn,
        layout=settings.layout,
    )
    return _paths(crawler) == _paths(wanted)


def _paths(crawler: Mapping[str, Any]) -> str:
    return ", ".join(target["Path"] for target in crawler.get("Targets", {}).get("S3Targets", []))
