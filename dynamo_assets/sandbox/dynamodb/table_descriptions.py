"""What DynamoDB says of a table, with the figures that moto has as constants or not at all.

`ItemCount` and `TableSizeBytes` are those of now, where AWS's are some hours old.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler, DynamoResult

from dynamo_assets.sandbox.dynamodb.clock import clock, to_datetime
from dynamo_assets.sandbox.dynamodb.errors import invalid
from dynamo_assets.sandbox.dynamodb.table_writes import log_of

_moto_create_table = DynamoHandler.create_table
_moto_update_table = DynamoHandler.update_table
_moto_describe = Table.describe


def create_table(handler: DynamoHandler) -> ActionResult:
    """CreateTable, with the maximum throughput of an on-demand table."""
    body = handler.body
    _check_throughput(body, body.get("BillingMode", "PROVISIONED"))
    _moto_create_table(handler)
    return _described_after(handler)


def update_table(handler: DynamoHandler) -> ActionResult:
    """UpdateTable, with the maximum throughput of an on-demand table, and a table's change to and from on-demand."""
    body = handler.body
    table = handler.dynamodb_backend.get_table(body["TableName"])
    was, becomes = table.billing_mode, body.get("BillingMode", table.billing_mode)
    _check_throughput(body, becomes)
    if becomes == "PROVISIONED" != was and "ProvisionedThroughput" not in body:
        raise invalid(
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be "
            "specified when BillingMode is PROVISIONED"
        )
    _moto_update_table(handler)
    if becomes == "PAY_PER_REQUEST" != was:
        vars(table)["on_demand_since"] = clock.micros()
    return _described_after(handler)


def _check_throughput(body: dict[str, Any], billing_mode: str) -> None:
    if "OnDemandThroughput" in body and billing_mode != "PAY_PER_REQUEST":
        raise invalid(
            "One or more parameter values were invalid: Neither MaxReadRequestUnits nor MaxWriteRequestUnits can be "
            "specified when BillingMode is PROVISIONED"
        )


def _described_after(handler: DynamoHandler) -> ActionResult:
    table = handler.dynamodb_backend.get_table(handler.body["TableName"])
    # -1 stands for "no maximum", in requests and in descriptions.
    maximum = vars(table).get("on_demand_throughput", {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1})
    vars(table)["on_demand_throughput"] = maximum | handler.body.get("OnDemandThroughput", {})
    return DynamoResult(table.describe())


def describe(table: Table, base_key: str = "TableDescription") -> dict[str, Any]:
    """`Table.describe`, made true."""
    description = _moto_describe(table, base_key)
    facts, log = description[base_key], log_of(table)
    facts["TableId"] = log.table_id
    facts["CreationDateTime"] = to_datetime(log.created)
    facts["ItemCount"] = log.item_count
    facts["TableSizeBytes"] = log.size_bytes
    on_demand = table.billing_mode == "PAY_PER_REQUEST"
    since = vars(table).get("on_demand_since", log.created if on_demand else None)
    if since is None:
        # AWS leaves it out for a table that never was on-demand.
        del facts["BillingModeSummary"]
    else:
        facts["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] = to_datetime(since)
    throughput = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0} if on_demand else table.throughput
    facts["ProvisionedThroughput"] = {"NumberOfDecreasesToday": 0, **throughput}
    for warm, provisioned in (
        ("ReadUnitsPerSecond", "ReadCapacityUnits"),
        ("WriteUnitsPerSecond", "WriteCapacityUnits"),
    ):
        # What a table is warm for is never less than what is provisioned, and never goes down.
        table.warm_throughput[warm] = max(table.warm_throughput.get(warm, 0), throughput[provisioned])
    maximum = vars(table).get("on_demand_throughput", {})
    if on_demand and any(units >= 0 for units in maximum.values()):
        facts["OnDemandThroughput"] = maximum
    return description
