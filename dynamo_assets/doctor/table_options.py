"""A table's settings, as an export takes them."""

from __future__ import annotations

from collections.abc import Iterator

from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.doctor.finding import Finding, problem, warning
from dynamo_assets.doctor.usage import is_exported_by_dynamodb
from dynamo_assets.export.request import READ_BACK_FORMATS

SETTINGS = "settings"


def examine_settings(settings: Settings, table: Table) -> Iterator[Finding]:
    """What an export would refuse, or do otherwise than is meant."""
    try:
        settings.export_request(table, slot=None, attempt="")
    except ValueError as error:
        found = str(error).removeprefix(f"table {table.table}: ")
        yield problem(SETTINGS, found, "Mend it in tables.yaml", table.table)
        return
    chained = is_exported_by_dynamodb(table) and table.point_in_time.full_every
    if chained and table.format not in READ_BACK_FORMATS:
        yield warning(
            SETTINGS,
            f"of {table.format} files no next snapshot can be made: full_every has no effect",
            f"Take full_every out, or choose a format of {', '.join(READ_BACK_FORMATS)}",
            table.table,
        )
