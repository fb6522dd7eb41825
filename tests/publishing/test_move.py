from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from dynamo_assets.errors import CatalogError, ExportError, PublishingError, QueryError
from dynamo_assets.naming import Layout
from dynamo_assets.publishing import target
from dynamo_assets.publishing.move import Move
from dynamo_assets.publishing.target import Target
from dynamo_assets.publishing.views import Candidate
from dynamo_assets.sandbox.endpoint import Endpoint
from dynamo_assets.verification.finding import Finding

SHOP = Target("shop", "shop", (), is_set=True)


def test_two_runs_move_a_set_one_after_the_other(aws: Endpoint, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s3: Any = aws.client("s3")
    layout, told, order = Layout(bucket), threading.Event(), []
    monkeypatch.setattr(target, "pause", lambda _: told.wait(0.05))

    def tell(line: str) -> None:
        order.append(line)
        told.set()

    def second() -> None:
        with SHOP.alone(s3, layout, attempt="second", log=tell):
            order.append("second moves")

    with SHOP.alone(s3, layout, attempt="first", log=order.append):
        thread = threading.Thread(target=second)
        thread.start()
        assert told.wait(30)
        order.append("first moves")
    thread.join(30)

    assert "holds the views of set shop" in order[0]
    assert order[1:] == ["first moves", "second moves"]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket), "both gave it back"


def test_a_failure_gives_the_set_back(aws: Endpoint, bucket: str) -> None:
    s3: Any = aws.client("s3")
    with pytest.raises(KeyboardInterrupt), SHOP.alone(s3, Layout(bucket), attempt="first", log=print):
        raise KeyboardInterrupt
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


class Shown:
    """Views that remember what they show, in the place of Athena and the catalog.

    Args:
        refusing: The views that cannot be re-pointed.
        miscounting: The views that count other rows than their snapshots have.
        stuck: The views that the catalog will not restore.
    """

    def __init__(self, refusing: str = "", miscounting: str = "", stuck: str = ""):
        self.now: dict[str, str | None] = {"orders": "old", "customers": "new", "payments": None}
        self.catalog: Any = self
        self._refusing, self._miscounting, self._stuck = refusing, miscounting, stuck

    def table(self, name: str) -> Any:
        return self.now[name] and {"shows": self.now[name]}

    def restore(self, name: str, before: Any) -> None:
        if name == self._stuck:
            raise CatalogError("Glue will not")
        self.now[name] = before and before["shows"]

    def shows(self, manifest: Any) -> bool:
        return self.now[manifest.name] == manifest.snapshot_timestamp

    def publish(self, manifest: Any, *, log: Any) -> None:
        if manifest.name == self._refusing:
            raise QueryError("Athena will not")
        self.now[manifest.name] = manifest.snapshot_timestamp

    def read(self, candidate: Candidate) -> Any:
        manifest = candidate.manifest
        passed = manifest.name != self._miscounting
        return SimpleNamespace(manifest=manifest, finding=Finding("view", passed, "Athena counts 6 rows, and not 7"))

    def move(self, **hold: Any) -> list[Any]:
        manifests: Any = [
            SimpleNamespace(table=name.title(), name=name, snapshot_timestamp="new", rows=7) for name in self.now
        ]
        views: Any = self
        free: Any = SimpleNamespace(**{"confirm": lambda: None, **hold})
        candidates = [Candidate(manifest, 7, ()) for manifest in manifests]
        return Move(views, manifests, free, log=lambda _: None).make(candidates)


BEFORE = {"orders": "old", "customers": "new", "payments": None}


def test_views_that_show_the_instant_already_are_counted_and_left_alone() -> None:
    views = Shown(refusing="customers")
    assert len(views.move()) == 3
    assert set(views.now.values()) == {"new"}


@pytest.mark.parametrize(
    ("views", "message"),
    [
        (Shown(refusing="payments"), "Payments could not be re-pointed: Athena will not.*Moved back .*: Orders"),
        (
            Shown(miscounting="customers"),
            "Customers: its view was re-pointed, and then: .*6 rows.*Moved back .*: Orders",
        ),
    ],
    ids=["athena-refuses", "a-view-counts-other-rows"],
)
def test_where_one_fails_all_show_what_they_showed(views: Shown, message: str) -> None:
    with pytest.raises(PublishingError, match=message):
        views.move()
    assert views.now == BEFORE


def test_a_view_that_cannot_be_moved_back_is_named_and_the_others_are_moved_back() -> None:
    views = Shown(miscounting="payments", stuck="orders")
    with pytest.raises(PublishingError, match=r"NOT moved back: Orders \(Glue will not\).*then materialize the view"):
        views.move()
    assert views.now == {**BEFORE, "orders": "new"}


def test_a_run_that_has_lost_its_turn_moves_nothing() -> None:
    def lost() -> None:
        raise ExportError("another one may take it over")

    views = Shown()
    with pytest.raises(PublishingError, match=r"another one may take it over.*No view was changed"):
        views.move(confirm=lost)
    assert views.now == BEFORE


def test_a_run_that_is_cancelled_moves_its_views_back() -> None:
    views = Shown()

    def cancelled(_: Any) -> Any:
        raise dg.DagsterExecutionInterruptedError

    views.read = cancelled  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(dg.DagsterExecutionInterruptedError):
        views.move()
    assert views.now == BEFORE
