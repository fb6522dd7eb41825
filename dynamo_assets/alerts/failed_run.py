"""A run that failed, as a person is told of it: which tables, why, and where to look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from dynamo_assets.alerts.message import Message, entries, listed, one_line, run_url
from dynamo_assets.configuration.settings import Alerts

STEPS = 100
"""So many failed steps of one run are looked at."""
SHOWN_STEPS = 20


@dataclass(frozen=True)
class FailedStep:
    """One step that failed.

    Attributes:
        subject: The table or set, where the failure says so; the step's key otherwise.
        reason: The failure's own words, without a stack.
        links: Pages of the AWS console, by name.
    """

    subject: str
    reason: str
    links: Mapping[str, str]

    @classmethod
    def of(cls, event: dg.DagsterEvent) -> FailedStep:
        """From the event that Dagster has kept."""
        failure = event.step_failure_data
        metadata = failure.user_failure_data.metadata if failure.user_failure_data else {}
        subject = next((str(metadata[key].value) for key in ("table", "set") if key in metadata), event.step_key or "")
        reason = failure.user_failure_data.description if failure.user_failure_data else None
        if not reason and failure.error:
            reason = (failure.error.cause or failure.error).message
        links = {key: str(entry.value) for key, entry in metadata.items() if isinstance(entry, dg.UrlMetadataValue)}
        return cls(subject, one_line((reason or "Dagster kept no reason").removeprefix(f"{subject}: ")), links)

    def lines(self) -> Iterator[str]:
        """As it stands in a message."""
        yield f"- {self.subject}: {self.reason}"
        for name, url in self.links.items():
            yield f"  {name}: {url}"


@dataclass(frozen=True)
class FailedRun:
    """One run that failed.

    Attributes:
        run: The run.
        steps: Its failed steps; none where it never came to one.
        reason: Why the run ended, where no step says.
    """

    run: dg.DagsterRun
    steps: Sequence[FailedStep]
    reason: str

    @classmethod
    def of(cls, instance: dg.DagsterInstance, run: dg.DagsterRun, event: dg.DagsterEvent) -> FailedRun:
        """From what Dagster has kept of a run, and its last event."""
        found = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE, limit=STEPS).records
        events = [record.event_log_entry.dagster_event for record in found]
        data: Any = event.event_specific_data
        error = getattr(data, "error", None)
        reason = one_line(error.message if error else event.message or "Dagster gave no reason")
        return cls(run, [FailedStep.of(event) for event in events if event], reason)

    @property
    def what(self) -> str:
        """The job and its slot."""
        slot = self.run.tags.get("dagster/partition")
        return f"{self.run.job_name} at slot {slot}" if slot else self.run.job_name

    @property
    def subjects(self) -> list[str]:
        """The tables of its failed steps, each once."""
        return list(dict.fromkeys(step.subject for step in self.steps))

    def paragraph(self, alerts: Alerts) -> str:
        """As it stands in a message."""
        again = " Dagster runs it again." if self.run.tags.get("dagster/will_retry") == "true" else ""
        lines = [f"Run {self.run.run_id} of {self.what} failed.{again}"]
        for step in self.steps[:SHOWN_STEPS]:
            lines += step.lines()
        if len(self.steps) > SHOWN_STEPS:
            lines.append(f"- and {len(self.steps) - SHOWN_STEPS} more steps")
        if not self.steps:
            lines.append(f"- {self._of_selected()}{self.reason}")
        if url := run_url(alerts, self.run.run_id):
            lines.append(url)
        return "\n".join(lines)

    def _of_selected(self) -> str:
        keys = sorted(key.to_user_string() for key in self.run.asset_selection or ())
        return f"{listed(keys, 10)}: " if keys else ""


def message_of(runs: Sequence[FailedRun], alerts: Alerts) -> Message:
    """One message of all runs that failed since the last one."""
    if len(runs) == 1:
        subjects = runs[0].subjects
        subject = f"Failed: {runs[0].what}" + (f": {listed(subjects)}" if subjects else "")
    else:
        subject = f"{len(runs)} runs failed: {listed(list(dict.fromkeys(run.what for run in runs)))}"
    return Message("run_failure", subject, entries([run.paragraph(alerts) for run in runs]))
