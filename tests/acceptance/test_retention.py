"""Old snapshots go, and nothing else: through Dagster, on the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dynamo_assets import cli
from dynamo_assets.export import holding
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.naming import format_snapshot, parse_slot
from dynamo_assets.publishing.pins import Pin, Pins
from dynamo_assets.retention import job
from dynamo_assets.retention.protection import Protection
from dynamo_assets.retention.removal import Removal
from dynamo_assets.verification.records import Records
from tests.acceptance.conftest import Pipeline, failure_of
from tests.acceptance.old_snapshots import NOW, OldSnapshots, label

ITEMS = [{"id": "1", "stars": 5}, {"id": "2", "stars": 2}]


@pytest.fixture
def make_old(make_pipeline: Callable[..., Pipeline], unique) -> Callable[..., OldSnapshots]:
    """A table of two items with one snapshot of now, published."""

    def make(retention: dict[str, int], **entry: Any) -> OldSnapshots:
        table = unique("Reviews")
        pipeline = make_pipeline({table: {"engine": "in_process", "retention": retention, **entry}})
        pipeline.create_table(table, ITEMS)
        result = pipeline.run(table)
        assert result.success, failure_of(result)
        return OldSnapshots(pipeline, table)

    return make


def test_what_is_beyond_both_limits_goes_and_all_else_stays(make_old) -> None:
    old = make_old({"keep_last": 3, "keep_days": 10})
    labels = old.add([label(days) for days in (30, 20, 12, 11, 5)])
    newest = old.newest

    result = old.run()

    assert result.success
    gone, kept = labels[:3], [*labels[3:], newest.snapshot_timestamp]
    for each in gone:
        assert old.of(each) == [], "partition, files, manifest and claim"
    assert old.rows() == dict.fromkeys(kept, 2)
    assert old.pipeline.labels(old.table) == kept
    assert old.pipeline.query(f'SELECT count(*) FROM "{old.name}"') == [(2,)]
    shown = old.observed(result)
    assert (shown["snapshots"], shown["rows"], shown["dry_run"]) == (3, 6, False)
    assert all(f"{each} went: 2 rows" in shown["all"] for each in gone)
    assert old.keys("_retired/", "_claims/retention") == []
    assert old.run().success
    assert old.pipeline.labels(old.table) == kept, "a second run finds nothing more"


def test_a_dry_run_changes_nothing_and_lists_what_a_run_then_removes(make_old) -> None:
    old = make_old({"keep_days": 10})
    labels = old.add([label(days) for days in (30, 20, 5)])
    old.point_view_to(labels[0])
    before, rows = old.keys(), old.rows()

    result = old.run(dry_run=True)

    assert (old.keys(), old.rows()) == (before, rows)
    assert not [e for e in result.all_events if e.event_type_value == "ASSET_OBSERVATION"], "nothing would go"
    old.point_view_to(labels[2])
    shown = old.observed(old.run(dry_run=True))
    assert (shown["snapshots"], shown["rows"], shown["dry_run"]) == (2, 4, True)
    assert [line for line in shown["all"].splitlines() if "would go: 2 rows" in line]
    assert old.keys() == before
    assert old.run().success
    assert old.pipeline.labels(old.table) == [labels[2], old.newest.snapshot_timestamp]


def test_the_published_snapshot_and_what_the_view_may_move_to_stay_however_old(make_old) -> None:
    old = make_old({"keep_last": 1})
    labels = old.add([label(days) for days in (400, 300, 200)])
    old.point_view_to(labels[1])

    result = old.run()

    assert result.success
    assert old.pipeline.labels(old.table) == [*labels[1:], old.newest.snapshot_timestamp]
    assert old.pipeline.query(f'SELECT count(*) FROM "{old.name}"') == [(2,)]
    protected = old.observed(result)["protected"]
    assert protected == {
        labels[1]: "the view shows it",
        labels[2]: f"the view shows {labels[1]}, and may move to this one yet",
    }


def test_what_is_pinned_or_has_a_view_of_its_own_stays(make_old) -> None:
    old = make_old({"keep_last": 1}, keep_views=3)
    pinned, gone, kept, also_kept = old.add([label(days) for days in (90, 80, 70, 60)])
    newest = old.newest.snapshot_timestamp
    for each in (pinned, gone, kept, also_kept):
        old.verified(each)
    layout = old.pipeline.settings.layout
    pin = Pin(name=old.name, snapshot_timestamp=pinned, pinned_at="2026-11-01T00:00:00Z")
    Pins(old.pipeline.clients.s3, layout).set(pin)

    result = old.run()

    assert old.pipeline.labels(old.table) == [pinned, kept, also_kept, newest]
    assert old.of(gone) == [], "the record of its verification has gone with it"
    assert "pinned since" in str(old.observed(result)["protected"][pinned])
    assert "view of its own" in str(old.observed(result)["protected"][kept])


def test_a_view_that_is_pointed_to_a_snapshot_after_the_decision_saves_it(make_old, monkeypatch) -> None:
    old = make_old({"keep_last": 1})
    labels = old.add([label(days) for days in (40, 30, 20)])
    decided = Removal.sizes

    def point_then_go_on(self: Removal, going: Any) -> Any:
        assert list(going) == labels
        old.point_view_to(labels[1])
        return decided(self, going)

    monkeypatch.setattr(Removal, "sizes", point_then_go_on)
    assert old.run().success
    assert old.pipeline.labels(old.table) == [*labels[1:], old.newest.snapshot_timestamp]
    assert old.rows()[labels[1]] == 2


def test_a_view_that_is_pointed_to_a_snapshot_whose_removal_has_begun_gets_it_back(make_old, monkeypatch) -> None:
    old = make_old({"keep_last": 1})
    labels = old.add([label(days) for days in (40, 30)])
    retire = Removal._retire

    def retire_then_point(self: Removal, going: Any) -> Any:
        retired = retire(self, going)
        old.point_view_to(labels[0])
        old.catalog.unregister(old.raw, [labels[0]])
        return retired

    monkeypatch.setattr(Removal, "_retire", retire_then_point)
    assert old.run().success
    assert old.pipeline.labels(old.table) == [*labels, old.newest.snapshot_timestamp]
    assert old.pipeline.query(f'SELECT count(*) FROM "{old.name}"') == [(2,)]
    assert old.keys("_retired/") == []


class Died(BaseException):
    """As a killed process: nothing is caught, nothing is given back but what `finally` gives back."""


MOMENTS = ["copied", "incomplete", "unregistered", "half the files", "files", "claims"]


def _die_at(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """Ends the first removal at a moment of it."""
    delete, unregister = Removal.delete, Removal._unregister

    def dying_delete(self: Removal, keys: list[str]) -> None:
        kind = keys[0].split("/")[0] if keys else ""
        if moment == "copied" and kind == "_manifests":
            raise Died
        if moment == "half the files" and kind.startswith("snapshots_"):
            delete(self, keys[: len(keys) // 2])
            raise Died
        delete(self, keys)
        reached = {"_manifests": "incomplete", "_claims": "claims"}.get(kind, "files" if kind else "")
        if moment == reached:
            raise Died

    def dying_unregister(self: Removal, labels: list[str]) -> None:
        unregister(self, labels)
        if moment == "unregistered":
            raise Died

    monkeypatch.setattr(Removal, "delete", dying_delete)
    monkeypatch.setattr(Removal, "_unregister", dying_unregister)


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupted_removal_is_never_seen_and_the_next_run_ends_it(make_old, monkeypatch, moment: str) -> None:
    old = make_old({"keep_last": 1})
    labels = old.add([label(days) for days in (40, 30)])
    newest = old.newest.snapshot_timestamp
    with monkeypatch.context() as patched:
        _die_at(patched, moment)
        with pytest.raises(Died):
            job.RetentionRun(old.pipeline.settings, old.pipeline.clients, NOW).apply(old.pipeline.table(old.table))
    assert old.keys("_retired/"), "the removal had begun"

    # The catalog asset registers what is complete, so never one that has lost files.
    assert old.pipeline.run(old.table, select=f"{old.pipeline.database}/{old.raw}").success
    complete = [*labels, newest] if moment == "copied" else [newest]
    assert old.pipeline.labels(old.table) == complete
    assert old.rows() == dict.fromkeys(complete, 2)

    result = old.run()

    assert result.success
    assert [each for each in labels if old.of(each)] == []
    assert old.rows() == {newest: 2}
    assert old.keys("_retired/", "_claims/retention") == []
    assert old.observed(result)["snapshots"] == 2


def test_a_removal_that_began_is_left_alone_when_the_snapshot_was_taken_again(make_old) -> None:
    old = make_old({"keep_days": 10})
    [again] = old.add([label(5)])
    layout = old.pipeline.settings.layout
    old.put(layout.retired_key(old.name, again), old.newest.to_json())
    assert old.run().success
    assert old.rows()[again] == 2
    assert old.keys("_retired/") == []


def test_a_view_that_shows_what_is_half_removed_is_an_error_and_nothing_more_goes(make_old, monkeypatch) -> None:
    old = make_old({"keep_last": 1})
    [half] = old.add([label(40)])
    layout = old.pipeline.settings.layout
    with monkeypatch.context() as patched:
        _die_at(patched, "files")
        with pytest.raises(Died):
            job.RetentionRun(old.pipeline.settings, old.pipeline.clients, NOW).apply(old.pipeline.table(old.table))
    old.point_view_to(half)
    message = failure_of(old.run())
    assert f"{half} must stay, and was being removed by then" in message
    assert "point it to another snapshot" in message
    assert old.keys("_retired/") == [layout.retired_key(old.name, half)]
    old.point_view_to(old.newest.snapshot_timestamp)
    assert old.run().success
    assert old.of(half) == []


def test_where_nobody_can_tell_what_the_view_shows_nothing_goes(make_old) -> None:
    old = make_old({"keep_last": 1})
    labels = old.add([label(40), label(30)])
    old.pipeline.query(f'CREATE OR REPLACE VIEW "{old.name}" AS SELECT * FROM "{old.raw}"')
    before = old.keys()
    message = failure_of(old.run())
    assert old.table in message
    assert "was made by hand" in message
    assert old.keys() == before
    assert old.pipeline.labels(old.table)[:2] == labels


def test_a_table_that_fails_stops_no_other_and_is_named(make_pipeline, unique) -> None:
    good, bad = unique("Good"), unique("Bad")
    settings = {"engine": "in_process", "retention": {"keep_last": 1}}
    pipeline = make_pipeline({bad: settings, good: settings})
    for table in (good, bad):
        pipeline.create_table(table, ITEMS)
        assert pipeline.run(table).success
    tables = {table: OldSnapshots(pipeline, table) for table in (good, bad)}
    for old in tables.values():
        old.add([label(40)])
    pipeline.query(f'CREATE OR REPLACE VIEW "{tables[bad].name}" AS SELECT 1 AS one')

    result = tables[good].run()

    message = failure_of(result)
    assert "Retention of 1 of 2 tables failed" in message
    assert bad in message
    assert good not in message
    assert (len(pipeline.labels(good)), len(pipeline.labels(bad))) == (1, 2)
    assert tables[good].observed(result)["snapshots"] == 1
    assert "has no `retention`" in failure_of(tables[good].run(tables=["Other"]))
    assert tables[good].run(tables=[good]).success


def test_a_snapshot_without_limits_stays_for_ever(make_old) -> None:
    old = make_old({})
    labels = old.add([label(4000), label(3000)])
    assert old.run().success
    assert old.pipeline.labels(old.table)[:2] == labels


def _attempt(old: OldSnapshots, each: str, *, native: bool = False) -> None:
    """What an attempt left that died before its manifest."""
    layout = old.pipeline.settings.layout
    old.put(layout.claim_key(old.name, each), b"{}")
    old.put(f"{layout.snapshot_prefix(old.name, each)}part-0.parquet")
    old.put(f"{layout.units_prefix(old.name, each)}part-0.parquet")
    if native:
        old.put(f"{layout.native_export_prefix(old.name, each)}AWSDynamoDB/0/_started")


def _days_later(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    monkeypatch.setattr(job, "utc_now", lambda: NOW + timedelta(days=days))
    # S3's clock, which judges claims, cannot be moved.
    monkeypatch.setattr(holding, "STALE_SECONDS", -1.0)


def test_what_dead_attempts_left_goes_after_a_day_and_not_before(make_old, monkeypatch) -> None:
    old = make_old({"keep_last": 30})
    complete = old.add([label(20), label(4)])
    dead = [label(30), label(10), label(0.1)]
    for each in dead:
        _attempt(old, each, native=True)
    before = old.keys()

    _days_later(monkeypatch, 0.9)
    assert old.run().success
    assert old.keys() == before
    _days_later(monkeypatch, 1.1)
    shown = old.observed(old.run(dry_run=True))
    assert (shown["left_by_dead_attempts"], shown["snapshots"]) == (3, 0)
    assert old.keys() == before
    shown = old.observed(old.run())
    assert (shown["left_by_dead_attempts"], shown["bytes"]) == (3, 9)
    assert [each for each in dead if old.of(each)] == []
    assert old.rows() == dict.fromkeys([*complete, old.newest.snapshot_timestamp], 2)


def test_an_attempt_may_last_as_long_as_the_tables_time_limit(make_old, monkeypatch) -> None:
    old = make_old({"keep_last": 30}, time_limit="3d")
    _attempt(old, label(0.1))
    _days_later(monkeypatch, 2.9)
    assert old.run().success
    assert len(old.of(label(0.1))) == 3
    _days_later(monkeypatch, 3.1)
    assert old.run().success
    assert old.of(label(0.1)) == []


def test_an_attempt_that_lives_is_left_alone(make_old, monkeypatch) -> None:
    """Its files are old, as is its native export, and its claim was renewed a moment ago."""
    old = make_old({"keep_last": 30})
    living = label(2)
    _attempt(old, living, native=True)
    before = old.of(living)
    found: list[str] = []
    real = Removal.held

    def held(self: Removal, labels: Any, *, complete: bool) -> Any:
        found.extend(labels)
        return real(self, labels, complete=complete)

    monkeypatch.setattr(Removal, "held", held)
    # By the machine's clock more than a day has passed; by S3's, which judges claims, none has.
    _days_later(monkeypatch, 1.1)
    monkeypatch.setattr(holding, "STALE_SECONDS", 3600.0)
    assert old.run().success
    assert found == [living], "it was about to be removed"
    assert old.of(living) == before


@pytest.mark.parametrize("keep", [False, True])
def test_the_native_export_of_a_complete_snapshot_goes_unless_it_is_to_be_kept(
    make_old, monkeypatch, keep: bool
) -> None:
    old = make_old({"keep_days": 10}, point_in_time={"keep_native_export": keep})
    gone, kept = old.add([label(30), label(5)])
    layout = old.pipeline.settings.layout
    for each in (gone, kept):
        old.put(f"{layout.native_export_prefix(old.name, each)}AWSDynamoDB/0/manifest-summary.json")
    _days_later(monkeypatch, 1.1)
    assert old.run().success
    assert old.of(gone) == [], "with its snapshot it goes in any case"
    assert len(old.keys("_native_exports/")) == keep
    assert old.rows()[kept] == 2


def test_more_snapshots_than_a_listing_shows_are_worked_through_with_few_calls(make_old) -> None:
    old = make_old({"keep_last": 30, "keep_days": 90})
    labels = old.add(label(92.52 - number / 24) for number in range(1100))
    going = labels[:61]
    assert going[-1] < label(90) < labels[61]

    with old.counted_calls() as calls:
        assert old.run(dry_run=True).success
    assert calls.pop("GetObject") == len(going) + 1, "the rows and bytes of what would go, and whether there is a pin"
    assert sum(calls.values()) <= 15, calls
    with old.counted_calls() as calls:
        assert old.run().success
    assert old.pipeline.labels(old.table) == [*labels[len(going) :], old.newest.snapshot_timestamp]
    batches = -(-len(going) // 25)
    assert calls["BatchDeletePartition"] == batches
    assert calls["DeleteObjects"] == 5 * batches
    assert sum(calls.values()) <= 6 * len(going) + 12 * batches + 20, calls

    with old.counted_calls() as calls:
        assert old.run().success
    assert sum(calls.values()) <= 16, calls
    assert calls["ListObjectsV2"] <= 10


def test_many_snapshots_go_at_once(make_old) -> None:
    old = make_old({"keep_last": 10})
    labels = old.add(label(1 + 60 / 24 - number / 24) for number in range(60))
    result = old.run()
    assert result.success
    assert old.pipeline.labels(old.table) == [*labels[-9:], old.newest.snapshot_timestamp]
    assert len(old.keys("snapshots_", "_manifests/", "_claims/")) == 30
    assert sorted(old.catalog.labels(old.raw)) == old.pipeline.labels(old.table)
    assert old.observed(result)["snapshots"] == 51


def test_what_the_next_increment_starts_from_stays(make_history) -> None:
    history = make_history(hours=5, point_in_time={"full_every": "0 0 29 2 *"}, retention={"keep_last": 1})
    history.write()
    for hours_ago in (4, 3, 2):
        assert history.pipeline.run(history.table, slot=history.slot(hours_ago)).success
    old = OldSnapshots(history.pipeline, history.table)
    first, base, newest = old.pipeline.labels(history.table)
    # A scan came last, as after a change of the engine; and slot 2's snapshot is being made again, from slot 3's.
    old.add([format_snapshot(history.now)], engine="glue")
    old.point_view_to(format_snapshot(history.now))
    layout = old.pipeline.settings.layout
    middle = format_snapshot(parse_slot(history.slot(3)) + timedelta(minutes=30))
    old.put(f"{layout.native_export_prefix(old.name, middle)}AWSDynamoDB/0/_started")

    result = old.run()

    assert result.success
    assert old.of(first) == []
    assert set(old.observed(result)["protected"]) == {base, newest}
    assert old.pipeline.run(history.table, slot=history.slot(1), select=f"s3/{old.name}_export").success
    made = old.pipeline.manifests.read(old.name, f"{history.slot(1)}:00")
    assert made.read["base"] == newest
    assert made.rows == len(history.states[history.slot(1)])


def test_the_command_lists_and_removes(make_old, monkeypatch, capsys) -> None:
    old = make_old({"keep_last": 1})
    [gone] = old.add([label(40)])
    monkeypatch.setenv("DYNAMO_ASSETS_CONFIG", str(old.pipeline.config_path))
    assert cli.main(["retention", "--dry-run", "--table", old.table]) == 0
    assert f"{gone} would go: 2 rows" in capsys.readouterr().out
    assert old.of(gone)
    assert cli.main(["retention"]) == 0
    assert f"{gone} went: 2 rows" in capsys.readouterr().out
    assert old.of(gone) == []
    assert cli.main(["retention", "--table", "Other"]) == 1
    assert "'Other' has no `retention`" in capsys.readouterr().err


def test_what_cannot_be_deleted_is_told_and_tried_again(make_old, monkeypatch) -> None:
    old = make_old({"keep_last": 1})
    [gone] = old.add([label(40)])
    refused = [{"Key": "some/key", "Code": "AccessDenied", "Message": "no"}]
    with monkeypatch.context() as patched:
        patched.setattr("dynamo_assets.retention.removal.delete_objects", lambda *_: refused)
        assert "some/key could not be deleted: AccessDenied" in failure_of(old.run())
    assert isinstance(old.pipeline.manifests, ManifestStore)
    assert old.run().success
    assert old.of(gone) == []


def test_a_table_without_a_view_keeps_its_newest(make_old) -> None:
    old = make_old({"keep_days": 10})
    old.add([label(40), label(30)])
    old.pipeline.query(f'DROP VIEW "{old.name}"')
    table, s3, layout = old.pipeline.table(old.table), old.pipeline.clients.s3, old.pipeline.settings.layout
    pins, records = Pins(s3, layout), Records(s3, layout)
    assert Protection(table, old.catalog, old.pipeline.manifests, NOW, pins, records, [table.name]).shown() is None
    assert old.run().success
    assert old.pipeline.labels(old.table) == [old.newest.snapshot_timestamp]
