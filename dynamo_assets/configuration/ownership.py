"""What tables, roles, bucket and keys of several accounts have to do with each other."""

from __future__ import annotations

from collections.abc import Iterator

from dynamo_assets.configuration.settings import Settings
from dynamo_assets.errors import ConfigError
from dynamo_assets.naming import table_account

EXPORTING = ("point_in_time", "auto")
"""The engines that may have DynamoDB itself write to the bucket."""


def refuse_owners_that_do_not_fit(settings: Settings) -> None:
    """Raises a `ConfigError` for what no call of AWS could make good."""
    owners = {table_account(table.table) for table in settings.tables}
    for account, entry in settings.accounts.items():
        if entry.role_arn.split(":")[4] != account:
            raise ConfigError(
                f"accounts.{account}.role_arn: {entry.role_arn} is a role of another account; a role for a single "
                "table is the table's own `role_arn`"
            )
        if account not in owners:
            raise ConfigError(
                f"accounts.{account}: no table's ARN has this account; name its tables by their ARNs, such as "
                f'"arn:aws:dynamodb:eu-west-1:{account}:table/Orders", or take the entry out'
            )
    for table in settings.tables:
        if table.role_arn and table.engine in EXPORTING and settings.storage.bucket_owner is None:
            raise ConfigError(
                f"storage.bucket_owner: DynamoDB may export table {table.table} by itself, asked by {table.role_arn}, "
                "and must then be told whose the bucket is; set it to the ID of the bucket's account"
            )
    _refuse_other_partitions(list(_arns(settings)))


def _refuse_other_partitions(arns: list[tuple[str, str]]) -> None:
    for where, arn in arns[1:]:
        first, partition = arns[0][1].split(":")[1], arn.split(":")[1]
        if partition != first:
            raise ConfigError(
                f"{where}: {arn} is of the partition {partition}, and {arns[0][0]} of {first}; partitions know nothing "
                "of each other's accounts, so give each a file and a code location of its own"
            )


def _arns(settings: Settings) -> Iterator[tuple[str, str]]:
    for table in settings.tables:
        if table_account(table.table):
            yield f"tables.{table.table}", table.table
        yield from _given(f"tables.{table.table}.role_arn", table.role_arn)
        yield from _given(f"tables.{table.table}.point_in_time.kms_key", table.point_in_time.kms_key)
    yield from _given("glue.role_arn", settings.glue.role_arn)
    yield from _given("alerts.sns_topic", settings.alerts.sns_topic)
    yield from _given("deploy.kms_key", settings.deploy.kms_key)
    for name in ("table_arns", "table_kms_keys"):
        for arn in getattr(settings.deploy, name):
            yield f"deploy.{name}", arn


def _given(where: str, arn: str | None) -> Iterator[tuple[str, str]]:
    if arn and arn.startswith("arn:"):
        yield where, arn
