"""A Dagster process that is killed, or told to end, at each stage of a run.

While a Glue run goes on: tests/acceptance/test_restart.py. At any request of an export: tests/faults/test_kill.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from dynamo_assets.export import holding
from tests.acceptance.faults.answers import Wanted, to
from tests.acceptance.faults.test_crawls import Hanging
from tests.acceptance.faults.test_queries import ENDLESS, VIEW, in_its_place
from tests.acceptance.faults.watched import Watched
from tests.faults.commands import Commands
from tests.faults.moments import Act, Moment, killed_after, killed_before
from tests.faults.proxy import Behaviour, Exchange, Request

STAGES: dict[str, tuple[Callable[[Request], bool], Act]] = {
    "while it exports": (
        lambda request: request.method == "PUT" and "/snapshot_timestamp=" in request.key,
        killed_after,
    ),
    "after the manifest": (lambda request: request.method == "PUT" and "_manifests/" in request.key, killed_after),
    "while it crawls": (to("glue.StartCrawler"), killed_after),
    "before the view's query": (VIEW, killed_before),
    "while the view's query runs": (VIEW, killed_after),
}


RunUntil = Callable[..., int]


@pytest.fixture
def watched(watch, monkeypatch: pytest.MonkeyPatch) -> Watched:
    # A claim of the killed process is as old at once as it else is after two minutes.
    monkeypatch.setattr(holding, "STALE_SECONDS", -1.0)
    return watch(method="crawler")


@pytest.fixture
def run_until(watched: Watched, dagster: Commands, tmp_path: Path) -> RunUntil:
    """Runs the table's job in a process of its own until the moment has come; gives its exit code."""

    def run(moment: Moment, behaviour: Behaviour | None = None) -> int:
        home = tmp_path / f"home-{watched.items}"
        home.mkdir()
        with watched.faults(behaviour or moment):
            environment = {**watched.proxy.environment(), **watched.pipeline.environment(home)}
            running = dagster.start(watched.pipeline.command(watched.table), environment)
            moment.aim_at(running.pid)
            code, said = running.wait()
        assert moment.request is not None, said
        return code

    return run


def test_a_run_killed_at_any_stage_leaves_the_view_whole_and_the_way_free(
    watched: Watched, run_until: RunUntil
) -> None:
    for stage, (wanted, act) in STAGES.items():
        before = watched.before_fault()
        assert run_until(Moment(wanted, act)) == -SIGKILL, stage
        watched.assert_nothing_runs()
        shown = watched.shown()
        if stage == "while the view's query runs":
            # Athena was told already: the view is replaced, by a snapshot that is complete and was counted.
            assert shown.label == watched.pipeline.labels(watched.table)[-1], stage
            assert shown.rows == watched.items
        else:
            assert shown == before, stage
        watched.runs_well()
        registered = watched.pipeline.query(f'SELECT DISTINCT snapshot_timestamp FROM "snapshots_{watched.name}"')
        assert sorted(label for (label,) in registered) == watched.pipeline.labels(watched.table), stage


def test_a_run_told_to_end_stops_its_crawl_and_its_query(watched: Watched, run_until: RunUntil) -> None:
    def told_after(moment: Moment, exchange: Exchange) -> None:
        answer = exchange.forward()
        moment.send(SIGTERM)
        exchange.send(answer)

    def told_after_an_endless_one(moment: Moment, exchange: Exchange) -> None:
        in_its_place(ENDLESS)(exchange)
        moment.send(SIGTERM)

    crawl, query = Moment(to("glue.StartCrawler"), told_after), Moment(VIEW, told_after_an_endless_one)
    hanging = Hanging()
    stages = (
        (crawl, to("glue.GetCrawler", "glue.StopCrawler"), "glue.StopCrawler"),
        (query, to(), "athena.StopQueryExecution"),
    )
    for moment, hangs, stops in stages:
        before = watched.before_fault()
        asked: list[str] = []

        def noted(exchange: Exchange, moment: Moment = moment, hangs: Wanted = hangs, asked: list[str] = asked) -> None:
            asked.append(exchange.request.operation)
            (hanging if hangs(exchange.request) else moment)(exchange)

        assert run_until(moment, noted) != 0
        assert stops in asked
        watched.assert_nothing_runs()
        assert watched.shown() == before
        watched.runs_well()
