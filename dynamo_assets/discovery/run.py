"""From an account's tables to a new tables file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dynamo_assets.discovery.account import Account, FoundTable, UnknownTable
from dynamo_assets.discovery.filters import Filters
from dynamo_assets.discovery.new_file import require_absent, write_new
from dynamo_assets.discovery.tables_file import TablesFile
from dynamo_assets.errors import DiscoveryError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def discover(
    dynamodb: DynamoDBClient, filters: Filters, output: Path, today: datetime, tell: Callable[[str], None]
) -> None:
    """Writes a tables file for what the account has.

    Args:
        dynamodb: Of the account and the region.
        filters: Which tables are wanted.
        output: The file; it must not exist.
        today: The day of it.
        tell: Is told what was written.

    Raises:
        DiscoveryError: There is no such table, none could be described, or the file cannot be made.
    """
    require_absent(output)
    tables = Account(dynamodb).tables(filters)
    found = [table for table in tables if isinstance(table, FoundTable)]
    unknown = [table for table in tables if isinstance(table, UnknownTable)]
    if not found:
        raise DiscoveryError(_nothing(unknown, filters, dynamodb.meta.region_name))
    write_new(output, TablesFile(found, unknown, filters, today).text())
    told = f", and {len(unknown)} more that AWS did not describe: they are named at its end" if unknown else ""
    tell(f"{output}: {_tables(len(found))} of {dynamodb.meta.region_name}{told}")
    tell("Read it, then see what would be made for it: dynamo-assets deploy --dry-run")


def _nothing(unknown: list[UnknownTable], filters: Filters, region: str) -> str:
    asked = f" that {filters} takes" if str(filters) else ""
    if not unknown:
        see_to = "region, credentials and filters" if asked else "region and credentials"
        return f"there is no DynamoDB table in {region} of this account{asked}; see to {see_to}. Nothing was written"
    problems = "".join(f"\n  {table.name}: {table.problem}" for table in unknown[:10])
    return (
        f"{_tables(len(unknown))} in {region}{asked}, of which none could be described; nothing was written:{problems}"
        + (f"\n  and {len(unknown) - 10} more" if len(unknown) > 10 else "")
    )


def _tables(count: int) -> str:
    return f"{count} table" if count == 1 else f"{count} tables"
