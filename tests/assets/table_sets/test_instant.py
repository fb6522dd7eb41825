from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.assets.table_sets.instant import Instants, instants_of
from dynamo_assets.aws.views import view_query
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.publishing.choice import Choice

MEMBERS = [Table(table=name, name=name.lower(), engine="point_in_time") for name in ("Orders", "Customers", "Payments")]
T1, T2, T3 = (f"2026-11-23T1{hour}:00:00" for hour in (1, 2, 3))


class Lake:
    """What the catalog and S3 say of the members.

    Args:
        complete: Of each table the labels that have a manifest.
        unregistered: Of each table those among them that have no partition.
        shown: Of each table what its view shows.
        rejected: Of each table those that did not pass their checks.
    """

    def __init__(
        self,
        complete: Mapping[str, set[str]],
        unregistered: Mapping[str, set[str]] | None = None,
        shown: Mapping[str, str] | None = None,
        rejected: Mapping[str, set[str]] | None = None,
    ):
        self.database = "db"
        self.records: Any = self
        self._rejected = rejected or {}
        self._complete = complete
        self._unregistered = unregistered or {}
        self._shown = shown or {}

    def labels(self, name: str, *, after: str | None) -> Iterator[str]:
        return (label for label in sorted(self._complete.get(name, set())) if label > (after or ""))

    def has_label(self, table: str, label: str) -> bool:
        name = table.removeprefix("snapshots_")
        return label in self._complete.get(name, set()) - self._unregistered.get(name, set())

    def view_sql(self, name: str) -> str | None:
        return view_query("db", name, ['"id"'], self._shown[name]) if name in self._shown else None

    def state(self, name: str, label: str) -> str:
        return "rejected" if label in self._rejected.get(name, set()) else "verified"

    def read(self, name: str, label: str) -> Any:
        return SimpleNamespace(passed=self.state(name, label) == "verified", reasons=lambda: "files: one is gone.")

    def look(self, slot: str | None = None) -> Instants:
        lake: Any = self
        return instants_of(MEMBERS, Choice(lake, lake, lake), slot=slot)


def _all(*labels: str) -> dict[str, set[str]]:
    return {table.name: set(labels) for table in MEMBERS}


def test_the_newest_instant_that_all_have_is_shown() -> None:
    assert Lake(_all(T1, T2)).look() == Instants(T2, T2, {})


def test_a_member_that_lacks_the_newest_instant_is_named_with_what_it_lacks() -> None:
    found = Lake({**_all(T1, T2), "payments": {T1}}, unregistered={"orders": {T2}}).look()
    assert (found.common, found.newest) == (T1, T2)
    assert found.held_back == {
        "Orders": f"its snapshot of {T2} is complete, and not registered in snapshots_orders",
        "Payments": f"it has no complete snapshot of {T2}",
    }


def test_a_member_whose_snapshot_did_not_pass_its_checks_is_named_with_the_reason() -> None:
    found = Lake(_all(T1, T2), rejected={"orders": {T2}}).look()
    assert (found.common, found.newest) == (T1, T2)
    assert found.held_back == {
        "Orders": f"its snapshot of {T2} did not pass its checks: files: one is gone.",
    }


def test_a_slot_that_nobody_has_is_lacked_by_all() -> None:
    found = Lake(_all(T1)).look(slot="2026-11-23T13:00")
    assert (found.common, found.newest, set(found.held_back)) == (T1, T3, {"Orders", "Customers", "Payments"})


def test_a_slot_older_than_what_is_shown_wants_nothing() -> None:
    lake = Lake(_all(T1, T2), shown=dict.fromkeys(_all(), T2))
    assert lake.look(slot="2026-11-23T11:00") == Instants(T2, T2, {})


def test_views_left_at_several_instants_come_together_at_the_newest_of_them() -> None:
    lake = Lake(_all(T1, T2), shown={"orders": T2, "customers": T1})
    assert lake.look().common == T2


def test_a_member_whose_view_is_further_than_what_all_have_is_not_moved_back() -> None:
    found = Lake({**_all(T1), "orders": {T1, T2}}, shown={"orders": T2, "customers": T1, "payments": T1}).look()
    assert found.common is None
    assert set(found.held_back) == {"Customers", "Payments"}


def test_a_set_with_no_snapshot_has_no_instant() -> None:
    assert Lake({}).look() == Instants(None, None, {})


_labels = st.sets(st.sampled_from([T1, T2, T3]))
_names = [table.name for table in MEMBERS]


@given(
    complete=st.fixed_dictionaries(dict.fromkeys(_names, _labels)),
    unregistered=st.fixed_dictionaries(dict.fromkeys(_names, _labels)),
    shown=st.dictionaries(st.sampled_from(_names), st.sampled_from([T1, T2, T3])),
    rejected=st.fixed_dictionaries(dict.fromkeys(_names, _labels)),
)
def test_whatever_members_have_the_instant_is_everybodys_and_never_older_than_what_is_shown(
    complete: dict[str, set[str]],
    unregistered: dict[str, set[str]],
    shown: dict[str, str],
    rejected: dict[str, set[str]],
) -> None:
    found = Lake(complete, unregistered, shown, rejected).look()
    everybodys = set.intersection(*(complete[name] - unregistered[name] - rejected[name] for name in _names))
    candidates = {label for label in everybodys if label >= max(shown.values(), default="")}
    assert found.common == max(candidates, default=None)
    assert bool(found.held_back) == (found.newest is not None and found.common != found.newest)
