"""How often a run's log is read, and that none of it is lost; CloudWatch's answers are played, and so is the clock."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.stub import Stubber

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.job_logs import OUTPUT_GROUP, RunLog
from dynamo_assets.sandbox.endpoint import Endpoint


@dataclass
class Played:
    """A log stream whose pages are given by the test, and the clock that its reader looks at."""

    stub: Stubber
    logs: Any
    now: float = 1000.0
    lines: list[str] = field(default_factory=list)

    def reader(self) -> RunLog:
        return RunLog(self.logs, "jr_1", self.lines.append, lambda: self.now)

    def page(self, token: str, following: str, *messages: str) -> None:
        events: list[Any] = [{"timestamp": 0, "message": message} for message in messages]
        asked: dict[str, Any] = {"logGroupName": OUTPUT_GROUP, "logStreamName": "jr_1", "startFromHead": True}
        if token:
            asked["nextToken"] = token
        self.stub.add_response("get_log_events", {"events": events, "nextForwardToken": following}, asked)


@pytest.fixture
def played(aws: Endpoint) -> Iterator[Played]:
    logs = AwsClients().logs
    with Stubber(logs) as stub:
        yield Played(stub, logs)
        stub.assert_no_pending_responses()


def test_a_run_of_an_hour_has_its_log_read_twice_a_minute_and_a_young_one_sooner(played: Played, monkeypatch) -> None:
    read_at: list[float] = []
    monkeypatch.setattr(played.logs, "get_log_events", lambda **_: _nothing(read_at, played.now - 1000.0))
    log = played.reader()
    for second in range(1, 3601):
        played.now = 1000.0 + second
        log.look()
    pauses = [after - before for before, after in itertools.pairwise(read_at)]
    assert read_at[:4] == [1, 2, 3, 4]
    assert max(pauses) == 30
    assert len([at for at in read_at if at > 120]) == 116
    assert len([at for at in read_at if at <= 120]) < 25


def _nothing(read_at: list[float], now: float) -> dict[str, Any]:
    read_at.append(now)
    return {"events": [], "nextForwardToken": "f/0"}


def test_at_the_end_the_log_is_read_to_its_end_however_short_ago_it_was_read(played: Played) -> None:
    log = played.reader()
    played.page("", "f/1", "first")
    played.page("f/1", "f/1")
    played.now += 1
    log.look()
    log.look()
    # An empty page need not be the last: at the end, only a token that comes back says so.
    played.page("f/1", "f/2", "second\nthird\n")
    played.page("f/2", "f/3")
    played.page("f/3", "f/4", "last")
    played.page("f/4", "f/4")
    log.finish()
    assert played.lines == ["first", "second", "third", "last"]


def test_lines_that_came_before_a_failure_are_passed_on_and_the_failure_is_told_once(played: Played) -> None:
    log = played.reader()
    played.page("", "f/1", "first")
    played.stub.add_client_error("get_log_events", "AccessDeniedException", "no")
    played.now += 1
    log.look()
    played.stub.add_client_error("get_log_events", "AccessDeniedException", "no")
    log.finish()
    assert played.lines[0] == "first"
    [told] = played.lines[1:]
    assert told.startswith("The log of Glue run jr_1 cannot be read; the run goes on: ")


def test_a_throttled_reading_is_made_later_and_told_of_only_at_the_end(played: Played) -> None:
    log = played.reader()
    played.stub.add_client_error("get_log_events", "ThrottlingException", "Rate exceeded")
    played.now += 1
    log.look()
    assert played.lines == []
    played.page("", "f/1", "first")
    played.stub.add_client_error("get_log_events", "ThrottlingException", "Rate exceeded")
    log.finish()
    assert played.lines[0] == "first"
    assert "Rate exceeded" in played.lines[1]


def test_what_the_listener_raises_goes_through(played: Played) -> None:
    def refuse(_: str) -> None:
        raise RuntimeError("storage is gone")

    played.page("", "f/1", "first")
    with pytest.raises(RuntimeError, match="storage"):
        RunLog(played.logs, "jr_1", refuse).finish()
