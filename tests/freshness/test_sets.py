"""What the sensor says of a set: the instant its views show, and the newest one that all members have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.freshness.known import Known
from dynamo_assets.freshness.sets import known_of_set, newest_of_all
from dynamo_assets.naming import parse_snapshot
from tests.freshness.lake import Lake, ago

MEMBERS = [Table(table="Orders", name="orders"), Table(table="Customers", name="customers")]
T1, T2, T3 = "2026-11-23T10:00:00", "2026-11-23T11:00:00", "2026-11-23T12:00:00"


class _Manifests:
    """What `labels` would list."""

    def __init__(self, **labels: list[str]):
        self._labels = labels

    def labels(self, name: str, *, after: str | None = None) -> Iterator[str]:
        return iter([label for label in self._labels[name] if label > (after or "")])


@pytest.mark.parametrize(
    ("orders", "customers", "newest"),
    [([T1, T2], [T1, T2], T2), ([T1, T2, T3], [T1, T2], T2), ([T1, T3], [T1, T2], T1), ([T1], [T2], None)],
)
def test_the_newest_instant_of_a_set_is_one_that_all_members_have(
    orders: list[str], customers: list[str], newest: str | None
) -> None:
    manifests: Any = _Manifests(orders=orders, customers=customers)
    latest = {"orders": orders[-1], "customers": customers[-1]}
    for since in (None, T1):
        assert newest_of_all(latest, since, manifests) == newest
    assert newest_of_all({**latest, "payments": None}, None, manifests) is None


def test_members_that_show_different_instants_are_named() -> None:
    known = [Known(T2, T2, view="ours", rows=2), Known(T2, T1, view="ours", rows=3)]
    manifests: Any = _Manifests()
    of_set = known_of_set(list(zip(MEMBERS, known, strict=True)), Known(), None, manifests)
    assert (of_set.published, of_set.latest, of_set.rows) == (T1, T2, 5)
    assert of_set.apart == f"Orders shows {T2}, Customers shows {T1}"
    of_set = known_of_set(list(zip(MEMBERS, [known[0], known[0]], strict=True)), Known(), None, manifests)
    assert (of_set.published, of_set.apart) == (T2, "")


def test_a_set_is_observed_and_judged_by_the_strictest_limits_of_its_members(
    make_lake: Callable[..., Lake],
) -> None:
    point_in_time = {"engine": "point_in_time", "schedule": "0 * * * *"}
    lake = make_lake(
        tables=[
            {"table": "Orders", "name": "orders", "freshness": {"warn": "1h", "fail": "9h"}, **point_in_time},
            {"table": "Customers", "name": "customers", "freshness": {"warn": "2h", "fail": "3h"}, **point_in_time},
        ],
        sets=[{"name": "shop", "tables": ["Orders", "Customers"]}],
    )
    old, new = ago(hours=4), ago(minutes=10)
    for table in ("Orders", "Customers"):
        lake.snapshot(table, old, rows=10)
        lake.show(table, old)
    first = lake.tick()
    assert first.names == {"orders", "customers", "shop"}
    assert not first.checked("shop").passed
    assert "warn after 1 h, fail after 3 h" in str(first.checked("shop").description)
    assert (first.value("shop", "rows"), first.value("shop", "one_instant")) == (20, True)

    lake.snapshot("Orders", new)
    assert lake.tick().names == {"orders"}, "of the new instant one member has none"
    lake.snapshot("Customers", new)
    lake.reject("Customers", new, "a key stands twice.")
    lake.pin("shop", old)
    tick = lake.tick()
    assert tick.value("shop", "latest_snapshot_timestamp") == parse_snapshot(new).timestamp()
    assert tick.value("shop", "lag_minutes") == pytest.approx(230, abs=1)
    assert "rejected by its checks: Customers: volume: a key stands twice." in str(tick.checked("shop").description)
    for name in ("shop", "orders", "customers"):
        assert "`dynamo-assets publish shop --unpin`" in str(tick.checked(name).description)
        assert tick.value(name, "pinned") is True
    lake.unpin("shop")
    for table in ("Orders", "Customers"):
        lake.show(table, new)
    assert lake.tick().checked("shop").passed
