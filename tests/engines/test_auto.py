"""What `auto` attaches to; what it chooses is shown by `test_engine_choice`, and all of it by the acceptance tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dynamo_assets.engines.auto import AutoEngine
from dynamo_assets.engines.sizing import Limits
from dynamo_assets.engines.snapshot import Snapshot
from dynamo_assets.errors import SlotError
from dynamo_assets.export import ExportRequest
from tests.engines.test_increments import snapshot
from tests.engines.test_point_in_time import DynamoDB

REQUEST = ExportRequest(table="Orders", bucket="exports", slot="2026-11-25T10:00", engine="auto")


class Other:
    """Another engine: a run of Glue may be in flight, and what it is asked for is kept."""

    def __init__(self, running: dict[str, str] | None = None):
        self._running, self.asked, self.guards = running, [], []
        self.limits, self.in_process_below = Limits(timedelta(hours=12)), 1e9

    def in_flight(self, _: ExportRequest) -> Any:
        return None if self._running is None else SimpleNamespace(run_id="jr_1", arguments=self._running)

    def has_begun(self, _: ExportRequest) -> bool:
        return False

    def take_snapshot(self, request: ExportRequest, *, before_start: Callable[[], None], **_: Any) -> Snapshot:
        self.asked.append(request.engine)
        self.guards.append(before_start)
        return Snapshot(snapshot("2026-11-25T10:00:00"))


@pytest.mark.parametrize(
    ("arguments", "engine"),
    [
        ({"--table": "Orders"}, "glue"),
        ({"--table": "Orders", "--native_export": "key"}, "point_in_time"),
        ({"--table": "Orders", "--base_snapshot": "2026-11-25T09:00:00"}, "point_in_time"),
    ],
)
def test_a_glue_run_in_flight_is_attached_to_by_the_engine_that_started_it(
    arguments: dict[str, str], engine: str
) -> None:
    in_process, glue, point_in_time = Other(), Other(arguments), Other()
    auto = AutoEngine(cast("Any", None), *(cast("Any", other) for other in (in_process, glue, point_in_time)))
    taken = auto.take_snapshot(REQUEST, before_start=lambda: pytest.fail("nothing is to begin"), log=lambda _: None)
    assert {"glue": glue, "point_in_time": point_in_time}[engine].asked == [engine]
    assert [*in_process.asked, *glue.asked, *point_in_time.asked] == [engine]
    assert "jr_1 is in flight" in taken.facts["engine_chosen_because"]


def test_a_scan_heeds_the_guard_of_past_slots_until_it_starts_and_an_export_never_does() -> None:
    in_process, glue, point_in_time = Other(), Other(), Other()
    others = (cast("Any", other) for other in (in_process, glue, point_in_time))
    auto = AutoEngine(cast("Any", DynamoDB()), *others)
    over = False

    def guard() -> None:
        if over:
            raise SlotError("Orders: the slot is over")

    auto.take_snapshot(REQUEST, before_start=guard, log=lambda _: None)
    assert glue.guards == [guard], "it may wait for its turn, and the slot be over by then"
    over = True
    auto.take_snapshot(REQUEST, before_start=guard, log=lambda _: None)
    assert (point_in_time.asked, len(glue.asked)) == (["point_in_time"], 1)
    point_in_time.guards[0]()
