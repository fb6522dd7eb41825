"""Two runs of one table at once: whichever is slower, rows are not mixed and the view does not go back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.acceptance.conftest import failure_of
from tests.acceptance.faults.answers import Wanted
from tests.acceptance.faults.test_queries import VIEW
from tests.acceptance.faults.watched import Watched
from tests.faults.commands import Commands, Running
from tests.faults.proxy import Exchange, Request, pass_on

LIMIT_SECONDS = 120
PRECONDITION_FAILED = 412


@dataclass
class Held:
    """The first wanted request does not arrive until it is released, or until another run has to wait for its turn.

    Attributes:
        wanted: Which request.
        arrived: Set when it has come.
        released: Set when it may go on.
        kept_waiting: Set when another run has asked for its turn meanwhile, and was refused.
    """

    wanted: Wanted
    arrived: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    kept_waiting: threading.Event = field(default_factory=threading.Event)

    def __call__(self, exchange: Exchange) -> None:
        if not self.arrived.is_set() and self.wanted(exchange.request):
            self.arrived.set()
            assert self.released.wait(LIMIT_SECONDS)
        elif self.arrived.is_set() and not self.released.is_set() and _asks_for_its_turn(exchange.request):
            answer = exchange.forward()
            if answer.status == PRECONDITION_FAILED:
                self.kept_waiting.set()
                self.released.set()
            exchange.send(answer)
            return
        pass_on(exchange)


def _asks_for_its_turn(request: Request) -> bool:
    """Whether it makes a claim of views: neither one of a snapshot's label, nor one that renews its own."""
    return request.header("If-None-Match") == "*" and "_claims/views/" in request.key


@pytest.fixture
def watched(watch) -> Watched:
    return watch()


def _start(watched: Watched, dagster: Commands, home: Path) -> Running:
    home.mkdir()
    environment = {**watched.proxy.environment(), **watched.pipeline.environment(home)}
    return dagster.start(watched.pipeline.command(watched.table), environment)


def _race(watched: Watched, dagster: Commands, home: Path, held: Held) -> tuple[int, str]:
    """Holds one run up, lets another run past it, then lets the first go on; gives what became of the first."""
    with watched.faults(held), ThreadPoolExecutor(1) as pool:
        slow = _start(watched, dagster, home)
        assert held.arrived.wait(LIMIT_SECONDS)
        watched.grow()
        fast = pool.submit(watched.pipeline.run, watched.table)
        fast.add_done_callback(lambda _: held.released.set())
        ended = slow.wait()
        result = fast.result()
    assert result.success, failure_of(result)
    return ended


def test_a_snapshot_that_is_complete_later_than_a_newer_one_does_not_move_the_view_back(
    watched: Watched, dagster: Commands, tmp_path: Path
) -> None:
    held = Held(lambda request: request.method == "PUT" and "_manifests/" in request.key)

    code, said = _race(watched, dagster, tmp_path / "slow", held)

    assert code == 0, said
    labels = watched.pipeline.labels(watched.table)
    assert len(labels) == 3
    assert watched.shown() == (labels[-1], watched.items)
    counts = watched.pipeline.query(
        f'SELECT snapshot_timestamp, count(*) FROM "snapshots_{watched.name}" GROUP BY 1 ORDER BY 1'
    )
    assert counts == [(labels[0], 2), (labels[1], 2), (labels[2], 3)]
    watched.assert_nothing_runs()
    watched.runs_well()


def test_a_view_s_query_that_comes_later_than_that_of_a_newer_snapshot_does_not_move_the_view_back(
    watched: Watched, dagster: Commands, tmp_path: Path
) -> None:
    """Whoever publishes holds the view from its look to its query's end; the faster run has to wait for that."""
    held = Held(VIEW)

    code, said = _race(watched, dagster, tmp_path / "slow", held)

    assert code == 0, said
    assert held.kept_waiting.is_set(), "the faster run was not in the way of the slower one"
    assert watched.shown() == (watched.pipeline.labels(watched.table)[-1], watched.items)
    watched.assert_nothing_runs()
