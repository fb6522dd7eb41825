"""The freshness sensor, one for all tables and sets."""

from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg
from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.freshness.alert import News, told_now
from dynamo_assets.freshness.known import Cursor
from dynamo_assets.freshness.look import Look, Seen
from dynamo_assets.freshness.report import events_of

NAME = "snapshot_freshness"
INTERVAL_SECONDS = 300
"""Each tick lists the database, and lists S3 once for each table; both are billed by the call."""


def freshness_sensor(settings: Settings) -> dg.SensorDefinition:
    """Reports what each view shows and which snapshots there are, when that changes or a limit is crossed."""

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=INTERVAL_SECONDS,
        description="Observes each view: its latest and published `snapshot_timestamp`, their age and lag, whether it "
        "is pinned; and keeps the freshness checks.",
    )
    def _sensor(context: dg.SensorEvaluationContext, aws: AwsClients) -> dg.SensorResult | dg.SkipReason:
        now = datetime.now(UTC)
        seen = Look(settings, aws, now, context.log.error).at_all(Cursor.from_text(context.cursor))
        if not seen.known:
            raise dg.Failure(f"No table could be read; the first error: {next(iter(seen.errors.values()))}")
        events = [
            event
            for watched, known in seen.known.items()
            if known != (before := seen.before.get(watched))
            for event in events_of(watched, known, before, now)
        ]
        cursor = _tell(seen, settings, aws, now, context.log.error).to_text()
        if events:
            changed = len({event.asset_key for event in events})
            reason = dg.SkipReason(f"{changed} of {len(seen.known)} views have changed")  # else: "an empty result"
            return dg.SensorResult(asset_events=events, cursor=cursor, skip_reason=reason)
        context.update_cursor(cursor)
        return dg.SkipReason(f"{len(seen.known)} views looked at, nothing changed")

    return _sensor


def _tell(seen: Seen, settings: Settings, aws: AwsClients, now: datetime, log: Callable[[str], None]) -> Cursor:
    """Tells the topic, where there is one, and returns the cursor that knows it.

    Where SNS does not take the message the cursor does not know it, and the next tick says the same again: what was
    seen is reported all the same.
    """
    topic = settings.alerts.sns_topic
    if topic is None:
        return Cursor(seen.cursor.tables, seen.cursor.sets)
    if news := News.of(seen.known, seen.cursor.told):
        message = news.message(seen.known, settings.alerts, aws.region_name(), now)
        try:
            message.send(aws.sns_of(topic), settings.alerts)
        except (ClientError, BotoCoreError) as error:
            log(f"{topic} could not be told, which the next tick tries again: {error}")
            return seen.cursor
    return Cursor(seen.cursor.tables, seen.cursor.sets, told_now(seen.known, seen.cursor.told))
