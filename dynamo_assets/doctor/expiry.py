"""DynamoDB's time to live, against what the view leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.doctor.case import Case
from dynamo_assets.doctor.finding import Finding, ok, warning

TTL = "time to live"


def examine_expiry(case: Case, table: Table) -> Iterator[Finding]:
    """What DynamoDB says, and what follows."""
    client = case.aws.dynamodb_of(table)
    answer = case.inquiry.ask(
        "dynamodb:DescribeTimeToLive", lambda: client.describe_time_to_live(TableName=table.table)
    )
    yield judged(table, answer["TimeToLiveDescription"] if answer else {})


def judged(table: Table, description: Mapping[str, Any]) -> Finding:
    """What follows of DynamoDB's description."""
    on = description.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
    found, wanted = (description.get("AttributeName") if on else None), table.ttl_attribute
    if wanted is None:
        shown = (
            f"on, by {found}: its view shows expired items until DynamoDB deletes them; ttl_attribute leaves them out"
        )
        return ok(TTL, shown if found else "off", table.table)
    if found is None:
        return warning(
            TTL,
            f"off, and ttl_attribute is {wanted!r}: its view leaves out items that DynamoDB never deletes",
            "Turn it on for the table, or take ttl_attribute out",
            table.table,
        )
    if found != wanted:
        return warning(
            TTL,
            f"DynamoDB goes by {found!r}, and ttl_attribute is {wanted!r}: its view shows or leaves out other items",
            f"Set ttl_attribute to {found}",
            table.table,
        )
    return ok(TTL, f"on, by {found}; its view leaves expired items out", table.table)
