"""Everything that is examined, in its order. What cannot be examined stops nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from dynamo_assets.aws.cancellation import all_side_by_side
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.doctor.case import Case, Described
from dynamo_assets.doctor.duration import DURATION, examine_duration, examine_freshness, expected_size
from dynamo_assets.doctor.expiry import TTL, examine_expiry
from dynamo_assets.doctor.finding import Finding, problem, unknown
from dynamo_assets.doctor.history import examine_retention
from dynamo_assets.doctor.identity import identify
from dynamo_assets.doctor.inquiry import Inquiry, UntoldError, examined
from dynamo_assets.doctor.jobs import JOB, concurrent_runs, described, examine_job, wanted_jobs
from dynamo_assets.doctor.keys import KEY, arns_of_keys, examine_keys
from dynamo_assets.doctor.names import NAMES, examine_locations, examine_names
from dynamo_assets.doctor.needs import needs_of_dagster, needs_of_glue
from dynamo_assets.doctor.permissions import examine_permissions
from dynamo_assets.doctor.queries import DATABASE, WORKGROUP, examine_database, examine_queries
from dynamo_assets.doctor.recovery import RECOVERY, examine_recovery, recovery_of
from dynamo_assets.doctor.report import Report
from dynamo_assets.doctor.role import ROLE, examine_role
from dynamo_assets.doctor.schedule import examine_concurrency, shortest_interval
from dynamo_assets.doctor.stack import STACK, examine_stack
from dynamo_assets.doctor.storage import (
    BUCKET,
    ENCRYPTION,
    PUBLIC_ACCESS,
    examine_bucket,
    examine_encryption,
    examine_public_access,
)
from dynamo_assets.doctor.table import (
    RATE,
    TABLE,
    TABLE_KEY,
    describe,
    examine_rate,
    examine_state,
    examine_table_key,
    missing,
)
from dynamo_assets.doctor.table_options import examine_settings
from dynamo_assets.doctor.topic import TOPIC, examine_topic
from dynamo_assets.doctor.usage import is_exported_by_dynamodb, needs_the_role
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.infrastructure.parameters import stack_name
from dynamo_assets.infrastructure.stack import Stack

PERMISSIONS, GLUE_PERMISSIONS = "permissions", "permissions of the Glue role"
OVERALL: tuple[tuple[str, Callable[[Case], Iterable[Finding]]], ...] = (
    (STACK, examine_stack),
    (BUCKET, examine_bucket),
    (ENCRYPTION, examine_encryption),
    (PUBLIC_ACCESS, examine_public_access),
    (KEY, examine_keys),
    (WORKGROUP, examine_queries),
    (DATABASE, examine_database),
    (ROLE, examine_role),
    (TOPIC, examine_topic),
    (NAMES, examine_locations),
)
"""By what is said where one of them cannot go on."""


def examine(settings: Settings, aws: AwsClients, tables: Sequence[Table], now: datetime, principal: str = "") -> Report:
    """Examines everything.

    Args:
        settings: What `tables.yaml` says.
        aws: Where.
        tables: Of these the tables themselves are looked at.
        now: The wall clock.
        principal: The ARN of the role or user whose permissions are examined; the caller's where empty.
    """
    identity, intervals = identify(aws), _intervals(tables, now)
    if identity.place is None:
        cannot = unknown("AWS", "nothing there can be examined", "Mend credentials or region first")
        local = [
            *_concurrency(settings, {}, now),
            *(each for table in tables for each in _told(settings, table, intervals)),
        ]
        return Report("", "", "", (*identity.findings, cannot, *local))
    inquiry = Inquiry()
    case = Case(
        settings, aws, inquiry, identity.place, identity.caller, tuple(tables), _own(settings, aws, inquiry), now
    )
    overall = [finding for subject, look in OVERALL for finding in examined(subject, look(case))]
    overall += _jobs(case)
    of_tables = all_side_by_side(
        [lambda table=table: list(_table(case, table, intervals[table.schedule])) for table in tables]
    )
    # The last, since what was answered until here is evidence where IAM simulates nothing.
    permissions = list(_permissions(case, principal))
    findings = (*identity.findings, *permissions, *overall, *(finding for each in of_tables for finding in each))
    return Report(identity.place.account, identity.place.region, identity.caller, findings)


def _intervals(tables: Sequence[Table], now: datetime) -> dict[str, timedelta | None]:
    return {cron: shortest_interval(cron, now) for cron in dict.fromkeys(table.schedule for table in tables)}


def _own(settings: Settings, aws: AwsClients, inquiry: Inquiry) -> Mapping[str, str]:
    with suppress(UntoldError):  # that is a finding of the stack's
        stack = Stack(aws.cloudformation, stack_name(settings))
        return inquiry.ask("cloudformation:DescribeStackResources", stack.resources) or {}
    return {}


def _jobs(case: Case) -> Iterator[Finding]:
    allowed: dict[str, int] = {}
    for wanted in wanted_jobs(case.settings):
        yield from examined(JOB, examine_job(case, wanted))
        with suppress(UntoldError):
            if job := described(case, wanted.name):
                allowed[wanted.name] = concurrent_runs(job)
    yield from _concurrency(case.settings, allowed, case.now)


def _concurrency(settings: Settings, allowed: Mapping[str, int], now: datetime) -> Iterator[Finding]:
    for wanted in wanted_jobs(settings):
        yield from examine_concurrency(settings, wanted.name, allowed.get(wanted.name), now)


def _permissions(case: Case, principal: str) -> Iterator[Finding]:
    settings, place = case.settings, case.place
    keys = arns_of_keys(case)
    of_dagster = needs_of_dagster(settings, place, keys)
    found = examined(PERMISSIONS, examine_permissions(case, PERMISSIONS, principal or case.caller, of_dagster))
    needed = {action for need in of_dagster for action in need.actions}
    yield from found if principal else with_evidence(list(found), needed, case.inquiry)
    if needs_the_role(settings) and settings.glue.role_arn:
        of_glue = needs_of_glue(settings, place, keys)
        yield from examined(
            GLUE_PERMISSIONS, examine_permissions(case, GLUE_PERMISSIONS, settings.glue.role_arn, of_glue)
        )


def with_evidence(findings: Sequence[Finding], needed: Collection[str], inquiry: Inquiry) -> Iterator[Finding]:
    """Where IAM does not say what a caller may do, the calls that it has made until here say something."""
    denied = sorted(inquiry.denied.intersection(needed))
    allowed = sorted(inquiry.allowed.intersection(needed).difference(denied))
    for finding in findings:
        if finding.level == "unknown" and allowed:
            text = f"{finding.found}. These credentials were allowed, just now: {', '.join(allowed)}"
            yield replace(finding, found=text)
        else:
            yield finding
    if denied and any(finding.level == "unknown" for finding in findings):
        yield problem(
            PERMISSIONS,
            f"these credentials were denied, just now, what this configuration needs: {', '.join(denied)}",
            "Allow it, or run the doctor as the role of Dagster's processes, or name that: --principal ARN",
        )


def _told(settings: Settings, table: Table, intervals: Mapping[str, timedelta | None]) -> Iterator[Finding]:
    """What can be said of a table without AWS."""
    interval = intervals[table.schedule]
    yield from examine_settings(settings, table)
    yield from examine_freshness(table, interval, 0)
    yield from examine_retention(table, interval)


def _table(case: Case, table: Table, interval: timedelta | None) -> Iterator[Finding]:
    name = table.table
    try:
        answer = describe(case, table)
    except UntoldError as error:
        yield unknown(TABLE, error.found, error.advice, name)
        yield from _told(case.settings, table, {table.schedule: interval})
        answer = None
    else:
        if answer is None:
            yield missing(case, table)
            yield from _told(case.settings, table, {table.schedule: interval})
    if answer is not None:
        yield from _reading(case, Described(table, answer), interval)
    yield from examined(NAMES, examine_names(case, table), name)


def _reading(case: Case, of: Described, interval: timedelta | None) -> Iterator[Finding]:
    table, name = of.table, of.table.table
    state = list(examined(TABLE, examine_state(of), name))
    yield from state
    earliest: datetime | None = None
    try:
        earliest = recovery_of(case, table)
    except UntoldError as error:
        yield unknown(RECOVERY, error.found, error.advice, name)
    else:
        yield from _recovery(case, table, earliest, interval)
    wrong = list(examine_settings(case.settings, table))
    yield from wrong
    if state[0].level == "ok" and not wrong:
        yield from examined(RATE, examine_rate(case, of), name)
        engine, size = expected_size(case.settings, table, TableDescription.from_answer(of.answer), earliest)
        yield from examined(DURATION, examine_duration(table, engine, size, interval), name)
    yield from examined(TABLE_KEY, examine_table_key(case, of), name)
    yield from examined(TTL, examine_expiry(case, table), name)
    yield from examine_retention(table, interval)


def _recovery(case: Case, table: Table, earliest: datetime | None, interval: timedelta | None) -> Iterator[Finding]:
    if not is_exported_by_dynamodb(table):
        return
    sets = [table_set.name for table_set in case.settings.sets if table.table in table_set.tables]
    yield from examine_recovery(table, earliest, interval, next(iter(sets), None))
