"""The freshness sensor, one for all tables, and the freshness checks it keeps, which a person can run too."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import dagster as dg
from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.automation.freshness import FRESHNESS, Known, evaluation, judge, look, observation
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.errors import DynamoAssetsError
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.naming import view_asset_key
from dynamo_assets.settings import Settings, Table

INTERVAL_SECONDS = 300
"""Each tick lists once and reads one catalog entry for each table; both are billed by the call."""
READERS = 16
"""Tables looked at at once; with 500 tables a tick must stay within the sensor's 60 seconds."""


def freshness_sensor(settings: Settings) -> dg.SensorDefinition:
    """Reports each table's latest and published snapshot, when they change or a limit is crossed."""

    @dg.sensor(
        name="snapshot_freshness",
        minimum_interval_seconds=INTERVAL_SECONDS,
        description="Observes each view: its latest and published `snapshot_timestamp`, their age and lag.",
    )
    def _sensor(context: dg.SensorEvaluationContext, aws: AwsClients) -> dg.SensorResult | dg.SkipReason:
        now = datetime.now(UTC)
        before = read_cursor(context.cursor)
        after, errors = look_at_all(settings.tables, before, settings, aws, now)
        for name, error in errors.items():
            context.log.error(f"{name}: {error}")
        events = [
            event
            for table in settings.tables
            if table.name not in errors and (known := after[table.name]) != before.get(table.name)
            for event in events_of(table, known, settings.catalog.database, now)
        ]
        if len(errors) == len(settings.tables):
            raise dg.Failure(f"No table could be read; the first error: {next(iter(errors.values()))}")
        cursor = json.dumps({name: known.to_json() for name, known in after.items()})
        if not events:
            context.update_cursor(cursor)
            return dg.SkipReason(f"{len(after)} tables looked at, nothing changed")
        return dg.SensorResult(asset_events=events, cursor=cursor)

    return _sensor


def freshness_checks(settings: Settings) -> dg.AssetChecksDefinition | None:
    """The freshness checks of all tables that have limits, to be run by hand; None where no table has any."""
    database = settings.catalog.database
    limited = {dg.AssetKey(view_asset_key(database, table.name)): table for table in settings.tables if table.freshness}
    if not limited:
        return None

    @dg.multi_asset_check(
        name=FRESHNESS,
        specs=[
            dg.AssetCheckSpec(FRESHNESS, asset=key, description="The published snapshot is younger than the limits.")
            for key in limited
        ],
        can_subset=True,
    )
    def _checks(context: dg.AssetCheckExecutionContext, aws: AwsClients) -> Iterator[dg.AssetCheckResult]:
        now = datetime.now(UTC)
        wanted = {key.asset_key for key in context.selected_asset_check_keys}
        tables = [table for key, table in limited.items() if key in wanted]
        known, errors = look_at_all(tables, {}, settings, aws, now)
        for table in tables:
            if table.name in errors:
                raise dg.Failure(f"{table.table}: {errors[table.name]}")
            assert table.freshness is not None
            key = dg.AssetKey(view_asset_key(database, table.name))
            event = evaluation(key, known[table.name], table.freshness, now)
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name=FRESHNESS,
                passed=event.passed,
                severity=event.severity,
                description=event.description,
                metadata=event.metadata,
            )

    return _checks


def look_at_all(
    tables: Sequence[Table], before: Mapping[str, Known], settings: Settings, aws: AwsClients, now: datetime
) -> tuple[dict[str, Known], dict[str, Exception]]:
    """What is known of each table now, and the errors of those that could not be read: they keep what was known."""
    catalog = Catalog(aws.glue, settings.catalog.database)
    manifests = ManifestStore(aws.s3, settings.layout)

    def one(table: Table) -> Known | Exception:
        try:
            known = look(table.name, before.get(table.name, Known()), catalog, manifests)
        except (DynamoAssetsError, ClientError, BotoCoreError) as error:
            return error
        return judge(known, table.freshness, now)

    with ThreadPoolExecutor(READERS) as readers:
        found = dict(zip((table.name for table in tables), readers.map(one, tables), strict=True))
    errors = {name: result for name, result in found.items() if isinstance(result, Exception)}
    known = {
        name: before.get(name, Known()) if isinstance(result, Exception) else result for name, result in found.items()
    }
    return known, errors


def events_of(
    table: Table, known: Known, database: str, now: datetime
) -> Iterator[dg.AssetObservation | dg.AssetCheckEvaluation]:
    """What is reported of one table whose state has changed."""
    key = dg.AssetKey(view_asset_key(database, table.name))
    yield observation(key, known, now)
    if table.freshness is not None:
        yield evaluation(key, known, table.freshness, now)


def read_cursor(cursor: str | None) -> dict[str, Known]:
    """What the last tick knew; a cursor of another version's form counts as none."""
    try:
        return {name: Known.from_json(entry) for name, entry in json.loads(cursor or "{}").items()}
    except (ValueError, TypeError, AttributeError):
        return {}
