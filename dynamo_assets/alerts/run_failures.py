"""The sensor that tells the topic of runs that failed.

Dagster's own run status sensors call their function for one run, and go on to the next where it raises: a message that
SNS did not take would be lost, and a backfill of which each run fails would be as many mails. This one keeps its place
until SNS has taken the message, and one message has all runs since the last.
"""

import dagster as dg

from dynamo_assets.alerts.failed_run import FailedRun, message_of
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings

NAME = "run_failure_alerts"
INTERVAL_SECONDS = 60
RUNS = 200
"""So many runs' ends are looked at in one tick; the rest in the next."""


def run_failure_sensor(settings: Settings) -> dg.SensorDefinition | None:
    """Tells the topic of each run of this code location that failed; None where there is no topic.

    It is on from the start: who gives a topic wants to be told.
    """
    alerts = settings.alerts
    topic = alerts.sns_topic
    if topic is None:
        return None

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Tells {topic} of runs that failed: which tables, why, and where to look.",
    )
    def _sensor(context: dg.SensorEvaluationContext, aws: AwsClients) -> dg.SkipReason:
        place = _place(context.cursor)
        if place is None:
            newest = context.instance.fetch_run_status_changes(dg.DagsterEventType.RUN_FAILURE, limit=1).records
            context.update_cursor(str(newest[0].storage_id if newest else 0))
            return dg.SkipReason("From now on runs that fail are told of")
        records = context.instance.fetch_run_status_changes(
            dg.RunStatusChangeRecordsFilter(dg.DagsterEventType.RUN_FAILURE, after_storage_id=place),
            limit=RUNS,
            ascending=True,
        ).records
        if not records:
            return dg.SkipReason("No run has failed")
        events = {record.event_log_entry.run_id: record.event_log_entry.dagster_event for record in records}
        failed = _failed_runs(context, {run_id: event for run_id, event in events.items() if event})
        if failed:
            # What this raises leaves the cursor where it is, so that the next tick tells of the same runs.
            message_of(failed, alerts).send(aws.sns_of(topic), alerts)
        context.update_cursor(str(max(record.storage_id for record in records)))
        return dg.SkipReason(f"{len(failed)} runs failed; {topic} was told" if failed else "None of them is ours")

    return _sensor


def _failed_runs(context: dg.SensorEvaluationContext, events: dict[str, dg.DagsterEvent]) -> list[FailedRun]:
    found = context.instance.get_runs(dg.RunsFilter(run_ids=list(events)))
    runs = {run.run_id: run for run in found if is_ours(run, context)}
    return [FailedRun.of(context.instance, runs[run_id], event) for run_id, event in events.items() if run_id in runs]


def is_ours(run: dg.DagsterRun, context: dg.SensorEvaluationContext) -> bool:
    """Whether it is a run of this code location, as Dagster's own sensors tell it.

    One that was not launched but executed by a command has no origin: whoever typed that sees how it ends.
    """
    origin = run.remote_job_origin and run.remote_job_origin.repository_origin
    ours = context.code_location_origin
    if origin is None or ours is None:
        return origin is None and ours is None
    at = (origin.code_location_origin.location_name, origin.repository_name)
    return at == (ours.location_name, context.repository_name)


def _place(cursor: str | None) -> int | None:
    return int(cursor) if cursor and cursor.isdecimal() else None
