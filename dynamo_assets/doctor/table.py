"""The table itself: there, active, at which rate, encrypted by what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.doctor.case import Case, Described
from dynamo_assets.doctor.finding import Finding, ok, problem
from dynamo_assets.doctor.keys import examine_key
from dynamo_assets.doctor.usage import is_scanned_here, is_scanned_on_glue
from dynamo_assets.engines.sizing import duration_text, size_text
from dynamo_assets.export.scan_plan import plan_scan
from dynamo_assets.export.table_description import TableDescription

TABLE, RATE, TABLE_KEY = "table", "read rate", "table's KMS key"


def describe(case: Case, table: Table) -> Mapping[str, Any] | None:
    """A table as DynamoDB describes it; None where there is none.

    Raises:
        UntoldError: DynamoDB did not say.
    """
    client = case.aws.dynamodb_of(table)
    answer: Any = case.inquiry.ask(
        "dynamodb:DescribeTable",
        lambda: client.describe_table(TableName=table.table),
        {"ResourceNotFoundException"},
    )
    return answer["Table"] if answer else None


def missing(case: Case, table: Table) -> Finding:
    """That there is no such table."""
    return problem(
        TABLE,
        f"there is no table {table.table} in {case.aws.dynamodb_of(table).meta.region_name}",
        "Check its name, the region and the credentials, or give its ARN",
        table.table,
    )


def examine_state(described: Described) -> Iterator[Finding]:
    """Whether it can be read as it is.

    Raises:
        PlanError: It cannot.
    """
    description = TableDescription.from_answer(described.answer)
    counted = (
        f"about {description.items:,} item(s), {size_text(description.bytes)}" if description.bytes else "not counted"
    )
    yield ok(TABLE, f"{described.answer['TableStatus']}, {counted}", described.table.table)


def examine_rate(case: Case, described: Described) -> Iterator[Finding]:
    """The read capacity there is, and how much of it an export may use.

    Raises:
        PlanError: The engine cannot read as slowly as that.
    """
    table = described.table
    if not (is_scanned_here(table) or is_scanned_on_glue(table)):
        yield ok(RATE, "its exports read none of its capacity", table.table)
        return
    request = case.settings.export_request(table, slot=None, attempt="")
    description = TableDescription.from_answer(described.answer)
    plan = plan_scan(description, request, parallelism=1)
    if table.engine == "glue_connector":
        plan.connector_percentage()
    mode = "provisioned" if description.billing_mode == "PROVISIONED" else "on demand"
    reads = f": {duration_text(plan.expected_seconds)} for all of it" if description.bytes else ""
    yield ok(
        RATE,
        f"{mode}, {description.read_units_per_second:,.0f} read units/s, of which an export may use "
        f"{plan.read_units_per_second:,.0f}{reads}",
        table.table,
    )


def examine_table_key(case: Case, described: Described) -> Iterator[Finding]:
    """Whether the key that encrypts the table can be used."""
    table, sse = described.table.table, described.answer.get("SSEDescription", {})
    key = sse.get("KMSMasterKeyArn", "")
    if since := sse.get("InaccessibleEncryptionDateTime"):
        yield problem(
            TABLE_KEY,
            f"DynamoDB cannot use {key} since {since}: the table cannot be read",
            "Enable the key, or give DynamoDB its grants back",
            table,
        )
    elif sse.get("SSEType") == "KMS" and key:
        yield from examine_key(case, key, TABLE_KEY, key, table)
