"""A pipeline of one table behind a proxy, and what must be so after any fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple

import dagster as dg
import pytest

from dynamo_assets.aws.glue_jobs import IN_FLIGHT
from dynamo_assets.aws.waiting import wait_until
from dynamo_assets.naming import crawler_name
from tests.acceptance.conftest import Pipeline, failure_of
from tests.faults.proxy import Behaviour, Proxy, pass_on

A_MOMENT = timedelta(seconds=30)


class Shown(NamedTuple):
    """What a view shows: one snapshot's label, and how many rows."""

    label: str
    rows: int


@dataclass
class Watched:
    """A table whose view shows a good snapshot, and faults that happen to the next one.

    Attributes:
        pipeline: Of this table alone.
        proxy: Between runs and the sandbox; whoever looks at what they left goes to the sandbox itself.
        table: Its name.
        items: How many it has.
    """

    pipeline: Pipeline
    proxy: Proxy
    table: str
    items: int = 0

    @property
    def name(self) -> str:
        return self.pipeline.table(self.table).name

    def aws(self, service: str) -> Any:
        return self.pipeline.endpoint.client(service)

    def grow(self) -> None:
        """Another item, so that a snapshot which is shown is told by its rows, too."""
        self.pipeline.put(self.table, {"id": f"{self.items:03}", "n": self.items})
        self.items += 1

    def shown(self) -> Shown:
        [(label, rows)] = self.pipeline.query(f'SELECT max(snapshot_timestamp), count(*) FROM "{self.name}"')
        return Shown(str(label), int(rows))

    @contextmanager
    def faults(self, behaviour: Behaviour) -> Iterator[None]:
        """Has whoever finds AWS by the environment go through the proxy."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AWS_ENDPOINT_URL", self.proxy.url)
            self.proxy.reset()
            self.proxy.behaviour = behaviour
            try:
                yield
            finally:
                self.proxy.reset()

    def run(self, behaviour: Behaviour = pass_on, **settings: Any) -> dg.ExecuteInProcessResult:
        """The table's run of the current slot, with some settings of the table changed."""
        pipeline = self.pipeline.with_table_settings(self.table, **settings) if settings else self.pipeline
        with self.faults(behaviour):
            return pipeline.run(self.table)

    def runs_well(self, **settings: Any) -> None:
        """A run that publishes a newer snapshot, of all items that are there now."""
        before = self.pipeline.labels(self.table)
        result = self.run(**settings)
        assert result.success, failure_of(result)
        shown = self.shown()
        assert shown.rows == self.items
        assert shown.label == self.pipeline.labels(self.table)[-1]
        assert shown.label > max(before, default="")

    def meets(
        self, fault: Behaviour, says: Sequence[str], *, next_run: dict[str, Any] | None = None, **settings: Any
    ) -> dg.ExecuteInProcessResult:
        """A run that meets a fault, then `after_fault`."""
        before = self.before_fault()
        result = self.run(fault, **settings)
        self.after_fault(before, result, says, next_run=next_run)
        return result

    def before_fault(self) -> Shown:
        self.grow()
        return self.shown()

    def after_fault(
        self,
        before: Shown,
        result: dg.ExecuteInProcessResult,
        says: Sequence[str],
        *,
        next_run: dict[str, Any] | None = None,
    ) -> None:
        """Fails unless the fault did no more harm than it had to.

        Args:
            before: What the view showed before it.
            result: The run that met it.
            says: What its message must say beside the table: why, and what to do.
            next_run: Settings of the run after it.
        """
        message = failure_of(result)
        for part in (self.name, *says):
            assert part.lower() in message.lower(), message
        assert self.shown() == before, "the view shows something else than the last good snapshot"
        self.assert_nothing_runs()
        self.runs_well(**next_run or {})

    def assert_nothing_runs(self) -> None:
        """Fails unless all that was started in AWS has ended, or does so in a moment since it was told to."""
        wait_until(lambda: self.running() == [] or None, what=f"the end of {self.running()}", timeout=A_MOMENT)

    def running(self) -> list[str]:
        """Glue runs, crawls and queries that have not ended."""
        glue, athena = self.aws("glue"), self.aws("athena")
        settings = self.pipeline.settings
        jobs = [settings.glue.job_name, settings.glue.connector_job_name]
        runs = [run for job in jobs for run in glue.get_job_runs(JobName=job)["JobRuns"]]
        found = [f"Glue run {run['Id']}" for run in runs if run["JobRunState"] in IN_FLIGHT]
        crawlers = glue.batch_get_crawlers(CrawlerNames=[crawler_name(settings.catalog.database, self.name)])
        found += [f"crawl by {each['Name']}" for each in crawlers["Crawlers"] if each["State"] != "READY"]
        for query in athena.list_query_executions(WorkGroup=settings.athena.workgroup)["QueryExecutionIds"]:
            state = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"]
            found += [f"query {query}"] if state in {"QUEUED", "RUNNING"} else []
        return found

    def with_limits(self, **sections: dict[str, Any]) -> Watched:
        """The same, after sections of its tables file have been edited: `athena={"time_limit": ...}`."""
        settings = self.pipeline.settings
        changed = {key: getattr(settings, key).model_copy(update=changes) for key, changes in sections.items()}
        return replace(self, pipeline=replace(self.pipeline, settings=settings.model_copy(update=changed)))
