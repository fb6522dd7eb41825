"""Of what a point-in-time snapshot is made, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.engines.increments import MAX_WINDOW, MIN_WINDOW, Chain, Full, Increment, windows
from dynamo_assets.errors import ManifestError
from dynamo_assets.export import ExportRequest, Manifest, ManifestStore
from dynamo_assets.naming import format_snapshot, parse_snapshot

KEYS = {"id": "S"}
NOW = "2026-11-25T10:00:00"
REQUEST = ExportRequest(table="Orders", bucket="exports")


def snapshot(label: str, **more: Any) -> Manifest:
    facts = {
        "table": "Orders",
        "name": "orders",
        "snapshot_timestamp": label,
        "slot": None,
        "engine": "point_in_time",
        "format": "parquet",
        "location": "",
        "started_at": "",
        "finished_at": "",
        "rows": 0,
        "bytes": 0,
        "files": (),
        "columns": (),
        "read": {},
        "keys": KEYS,
        "shape": REQUEST.shape,
    }
    return Manifest(**{**facts, **more})


class Snapshots:
    """The manifests of one table."""

    def __init__(self, *manifests: Manifest):
        self._found = {manifest.snapshot_timestamp: manifest for manifest in manifests}

    def add(self, manifest: Manifest) -> None:
        self._found[manifest.snapshot_timestamp] = manifest

    def labels(self, name: str, *, after: str) -> Iterator[str]:
        assert name == "orders"
        return iter(sorted(label for label in self._found if label > after))

    def has(self, _: str, label: str) -> bool:
        return label in self._found

    def read(self, name: str, label: str) -> Manifest:
        if not self._found[label].table:
            raise ManifestError(name)
        return self._found[label]


def next_link(
    *manifests: Manifest, due: str | None = None, reachable: str = "2026-11-01T00:00:00", **options: Any
) -> Increment | Full:
    store = cast("ManifestStore", Snapshots(*manifests))
    chain = Chain(store, lambda _: (due and parse_snapshot(due)) or None)
    request = ExportRequest(**{"table": "Orders", "bucket": "exports", **options})
    return chain.next_link(request, parse_snapshot(NOW), reachable=parse_snapshot(reachable), keys=KEYS)


def base_of(link: Increment | Full) -> str:
    assert isinstance(link, Increment)
    return link.base.snapshot_timestamp


def test_the_base_is_the_newest_snapshot_of_the_engine_that_is_old_enough() -> None:
    found = [
        snapshot("2026-11-25T07:00:00"),
        snapshot("2026-11-25T08:00:00"),
        snapshot("2026-11-25T08:30:07", engine="glue"),
        snapshot("2026-11-25T09:00:00", table=""),
        snapshot("2026-11-25T09:50:00"),
        snapshot("2026-11-25T11:00:00"),
    ]
    assert base_of(next_link(*found)) == "2026-11-25T08:00:00"
    assert base_of(next_link(snapshot("2026-11-25T09:45:00"))) == "2026-11-25T09:45:00"
    assert base_of(next_link(snapshot("2026-11-18T10:00:00"))) == "2026-11-18T10:00:00"


@pytest.mark.parametrize("label", ["2026-11-25T09:45:01", "2026-11-18T09:59:59", "2026-11-25T10:00:00"])
def test_without_a_snapshot_to_start_from_a_full_export_is_expected(label: str) -> None:
    reason = "there is no snapshot to start from in the 7 days before"
    assert next_link(snapshot(label)) == next_link() == Full(reason, expected=True)


def test_a_full_export_is_due_where_the_chain_began_before_the_last_tick() -> None:
    merged = snapshot("2026-11-25T09:00:00", read={"full": "2026-11-22T00:00:00"})
    assert base_of(next_link(merged, due="2026-11-22T00:00:00")) == "2026-11-25T09:00:00"
    late = next_link(merged, due="2026-11-22T00:00:01")
    assert late == Full("one was due at 2026-11-22T00:00:01, and the last one is of 2026-11-22T00:00:00", expected=True)
    full = snapshot("2026-11-25T09:00:00")
    assert base_of(next_link(full, due="2026-11-25T09:00:00")) == "2026-11-25T09:00:00"
    assert isinstance(next_link(full, due=NOW), Full)


def test_a_base_that_recovery_does_not_reach_means_a_full_export() -> None:
    link = next_link(snapshot("2026-11-25T09:00:00"), reachable="2026-11-25T09:00:01")
    assert isinstance(link, Full)
    assert not link.expected
    assert link.reason.startswith("point-in-time recovery reaches back to 2026-11-25T09:00:01")
    assert base_of(next_link(snapshot("2026-11-25T09:00:00"), reachable="2026-11-25T09:00:00"))


@pytest.mark.parametrize(
    ("base", "options", "reason"),
    [
        ({"format": "json"}, {}, "files of format json are not read back: only parquet and orc are"),
        ({}, {"format": "csv"}, "files of format csv are not read back"),
        ({"keys": {"id": "N"}}, {}, r"the table's keys were id (N) at 2026-11-25T09:00:00 and are id (S) now"),
        ({"keys": {}}, {}, "the table's keys were unknown"),
        ({}, {"nested": "json"}, "nested had another value at 2026-11-25T09:00:00"),
        ({}, {"columns": {"n": "double"}}, "columns had another value"),
        ({"shape": {**REQUEST.shape, "columns": {"id": "string"}}}, {"columns": {"id": "string"}}, "'id' is forced"),
    ],
)
def test_a_base_that_changes_cannot_be_merged_with_means_a_full_export(
    base: dict[str, Any], options: dict[str, Any], reason: str
) -> None:
    link = next_link(snapshot("2026-11-25T09:00:00", **base), **options)
    assert isinstance(link, Full)
    assert not link.expected
    assert reason in link.reason


def test_a_base_may_have_another_format_that_is_read_back() -> None:
    assert base_of(next_link(snapshot("2026-11-25T09:00:00", format="orc"))) == "2026-11-25T09:00:00"


@given(st.integers(0, 31 * 24 * 3600), st.integers(15 * 60, 7 * 24 * 3600))
def test_windows_lie_back_to_back_within_dynamodbs_limits(offset: int, seconds: int) -> None:
    begin = parse_snapshot(NOW) + timedelta(seconds=offset)
    found = windows(begin, begin + timedelta(seconds=seconds))
    assert (found[0][0], found[-1][1]) == (begin, begin + timedelta(seconds=seconds))
    assert all(until == following for (_, until), (following, _) in pairwise(found))
    assert all(MIN_WINDOW <= until - start <= MAX_WINDOW for start, until in found)
    assert len(found) == max(1, -(-seconds // (24 * 3600)))
    assert all(parse_snapshot(format_snapshot(until)) == until for _, until in found)
