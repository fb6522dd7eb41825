"""The Athena workgroup and the database, and whether a query runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dynamo_assets.aws.athena import Athena
from dynamo_assets.doctor.case import Case
from dynamo_assets.doctor.finding import Finding, ok, problem, unknown, warning
from dynamo_assets.doctor.inquiry import examined

WORKGROUP, DATABASE, QUERY = "workgroup", "database", "query"
PATIENCE = timedelta(minutes=1)


def examine_queries(case: Case) -> Iterator[Finding]:
    """The workgroup, and a query in it: the proof of all that it takes, also for those who may not look at it."""
    found = list(examined(WORKGROUP, examine_workgroup(case)))
    yield from found
    if any(finding.level == "problem" for finding in found):
        yield unknown(QUERY, "not tried, since the workgroup cannot run one", "Mend the workgroup")
    else:
        yield from examined(QUERY, examine_query(case))


def examine_workgroup(case: Case) -> Iterator[Finding]:
    """Whether it exists and can run a query."""
    name = case.settings.athena.workgroup
    answer = case.inquiry.ask(
        "athena:GetWorkGroup",
        lambda: case.aws.athena.get_work_group(WorkGroup=name),
        {"InvalidRequestException"},  # Athena has no code of its own for what is not there
    )
    if answer is None:
        yield problem(WORKGROUP, f"there is no workgroup {name}", "`dynamo-assets deploy` makes it")
    else:
        yield from _judged(case, name, answer["WorkGroup"])


def _judged(case: Case, name: str, group: Any) -> Iterator[Finding]:
    configuration = group.get("Configuration", {})
    results = configuration.get("ResultConfiguration", {})
    managed = configuration.get("ManagedQueryResultsConfiguration", {}).get("Enabled", False)
    layout, location = case.settings.layout, results.get("OutputLocation", "")
    wanted = layout.uri(layout.athena_results_prefix())
    if group.get("State", "ENABLED") != "ENABLED":
        yield problem(WORKGROUP, f"{name} is {group['State']}: it runs no query", "Turn it on in the Athena console")
    elif not location and not managed:
        yield problem(
            WORKGROUP,
            f"{name} has no output location, so Athena refuses every query",
            f"Set it to {wanted}",
        )
    elif not configuration.get("EnforceWorkGroupConfiguration") and not managed:
        yield warning(
            WORKGROUP,
            f"{name} does not enforce its settings: clients may put results elsewhere, unencrypted",
            "Have it override client-side settings",
        )
    elif location and not location.startswith(wanted.removesuffix("_athena_results/")):
        yield warning(
            WORKGROUP,
            f"{name} puts results at {location}, which the policies of the template do not allow to write",
            f"Set it to {wanted}, or allow that place, too",
        )
    else:
        yield ok(WORKGROUP, f"{name} puts results at {location or 'a place of its own'}")


def examine_query(case: Case) -> Iterator[Finding]:
    """`SELECT 1`: it scans nothing, costs nothing, and leaves a result of some bytes, which expires."""
    settings = case.settings
    athena = Athena(
        case.aws.session(),
        workgroup=settings.athena.workgroup,
        database=settings.catalog.database,
        time_limit=min(settings.athena.time_limit, PATIENCE),
    )
    # What it raises is a finding: it says why and what to do.
    athena.query("SELECT 1", subject=QUERY)
    case.inquiry.allowed.update({"athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults"})
    yield ok(QUERY, "SELECT 1 ran, and its result was read")


def examine_database(case: Case) -> Iterator[Finding]:
    """Whether it exists."""
    name = case.settings.catalog.database
    answer = case.inquiry.ask(
        "glue:GetDatabase", lambda: case.aws.glue.get_database(Name=name), {"EntityNotFoundException"}
    )
    if answer is None:
        yield problem(DATABASE, f"there is no database {name} in the Data Catalog", "`dynamo-assets deploy` makes it")
    else:
        yield ok(DATABASE, f"{name} is there")
