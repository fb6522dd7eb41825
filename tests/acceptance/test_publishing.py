"""A person re-points views: back, to where they are held, and on again; and what no publisher can do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from dynamo_assets import cli
from dynamo_assets.definitions import build_definitions
from dynamo_assets.errors import ConfigError, HeldBackError, ManifestError, PublishingError
from dynamo_assets.naming import format_snapshot, parse_snapshot
from dynamo_assets.publishing.views import Views
from tests.acceptance.conftest import Pipeline, failure_of

DIRECT = {"catalog": {"method": "direct"}}


@dataclass
class Reviews:
    """A table with three snapshots of one, two and three rows."""

    pipeline: Pipeline
    table: str
    labels: list[str]

    @property
    def name(self) -> str:
        return self.pipeline.table(self.table).name

    def shown(self) -> tuple[str, int]:
        [row] = self.pipeline.query(f'SELECT max(snapshot_timestamp), count(*) FROM "{self.name}"')
        return str(row[0]), int(row[1])

    def views(self) -> set[str]:
        pages = self.pipeline.clients.glue.get_paginator("get_tables").paginate(DatabaseName=self.pipeline.database)
        return {table["Name"] for page in pages for table in page["TableList"]} - {f"snapshots_{self.name}"}

    def snapshot(self) -> dg.ExecuteInProcessResult:
        """One more row, and one more snapshot."""
        self.pipeline.put(self.table, {"id": str(len(self.labels))})
        result = self.pipeline.run(self.table)
        self.labels = self.pipeline.labels(self.table)
        return result

    def publish_job(self, **config: Any) -> dg.ExecuteInProcessResult:
        job = build_definitions(self.pipeline.settings).resolve_job_def("publish")
        return job.execute_in_process(
            run_config={"ops": {"re_point_view": {"config": {"target": self.table, **config}}}},
            instance=self.pipeline.instance,
            raise_on_error=False,
        )


@pytest.fixture
def make_reviews(make_pipeline, unique) -> Callable[..., Reviews]:
    def make(snapshots: int = 3, **entry: Any) -> Reviews:
        table = unique("Reviews")
        pipeline = make_pipeline({table: {"engine": "in_process", **entry}}, **DIRECT)
        pipeline.create_table(table)
        reviews = Reviews(pipeline, table, [])
        for _ in range(snapshots):
            assert reviews.snapshot().success
        return reviews

    return make


def test_a_view_is_rolled_back_held_there_and_let_go_again(make_reviews) -> None:
    reviews = make_reviews()
    first, second, third = reviews.labels

    result = reviews.publish_job(snapshot_timestamp=second)
    assert result.success
    assert reviews.shown() == (second, 2)
    events = [event for event in result.all_events if event.is_step_materialization]
    [shown] = [event.step_materialization_data.materialization for event in events]
    assert shown.asset_key == dg.AssetKey([reviews.pipeline.database, reviews.name])
    assert shown.metadata["dagster/row_count"].value == 2
    assert shown.metadata["pinned"].value == "no"
    instance, check = reviews.pipeline.instance, dg.AssetCheckKey(shown.asset_key, "view")
    [said] = instance.event_log_storage.get_asset_check_execution_history(check, limit=1)
    [stored] = instance.fetch_materializations(shown.asset_key, limit=1).records
    assert said.evaluation is not None
    assert said.evaluation.target_materialization_data is not None, "the UI would call it not evaluated"
    assert said.evaluation.target_materialization_data.storage_id == stored.storage_id
    assert reviews.snapshot().success
    assert reviews.shown() == (reviews.labels[-1], 4), "what is not pinned moves on with the next snapshot"

    reviews.pipeline.publish(reviews.table, snapshot=first, pin=True, reason="the shop's year ends", by="ada")
    result = reviews.snapshot()
    assert result.success
    assert reviews.shown() == (first, 1), "a pinned view stays"
    [view] = result.asset_materializations_for_node(f"{reviews.pipeline.database}__{reviews.name}")
    pinned = str(view.metadata["pinned"].value)
    assert all(part in pinned for part in (first, "ada", "the shop's year ends", "--unpin"))
    assert view.metadata["snapshot_timestamp"].value == first

    with pytest.raises(PublishingError, match=f"pinned at {first}.*by ada.*year ends"):
        reviews.pipeline.publish(reviews.table, snapshot=third)
    assert reviews.shown() == (first, 1)

    assert reviews.publish_job(unpin=True).success
    assert reviews.shown() == (reviews.labels[-1], 5), "let go, it shows the newest verified one"


def test_what_is_not_complete_or_not_known_is_refused_and_nothing_changes(make_reviews) -> None:
    reviews = make_reviews(1)
    before = reviews.shown()
    later = format_snapshot(parse_snapshot(reviews.labels[0]) + timedelta(days=1))
    for order, error, message in (
        ({"snapshot": later}, ManifestError, "no complete snapshot"),
        ({"snapshot": "yesterday"}, PublishingError, "'yesterday' is no snapshot_timestamp"),
        ({"pin": True, "unpin": True}, PublishingError, "not both"),
        ({"accept": True}, PublishingError, "needs the snapshot"),
    ):
        with pytest.raises(error, match=message):
            reviews.pipeline.publish(reviews.table, **order)
    with pytest.raises(ConfigError, match=f"did you mean '{reviews.table}'"):
        reviews.pipeline.publish(f"{reviews.table}x")
    assert "did you mean" in failure_of(reviews.publish_job(target="Revews" + reviews.table[7:]))
    assert reviews.shown() == before


def test_a_publish_that_fails_leaves_view_and_pin_as_they_were(make_reviews, monkeypatch: pytest.MonkeyPatch) -> None:
    reviews = make_reviews(2)
    first, second = reviews.labels
    pins = reviews.pipeline.pins
    for pinned_before in (False, True):
        if pinned_before:
            reviews.pipeline.publish(reviews.table, snapshot=second, pin=True)
        before = pins.of(reviews.name)
        with monkeypatch.context() as patched:
            patched.setattr(Views, "read", lambda *_: (_ for _ in ()).throw(RuntimeError("the network is gone")))
            with pytest.raises(PublishingError, match=r"the network is gone.*Moved back to what they showed before"):
                reviews.pipeline.publish(reviews.table, snapshot=first, pin=True)
        assert reviews.shown() == (second, 2)
        assert pins.of(reviews.name) == before


def test_of_two_publishers_the_one_with_the_older_snapshot_cannot_move_the_view_back(
    make_reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run has looked which snapshot is newest, and is slow; meanwhile another one takes and publishes a newer one."""
    reviews = make_reviews(1)
    reviews.pipeline.put(reviews.table, {"id": "second"})
    for asset in (f"s3/{reviews.name}_export", f"{reviews.pipeline.database}/snapshots_{reviews.name}"):
        assert reviews.pipeline.run(reviews.table, select=asset).success
    publish, others = Views.publish, []

    def slowly(views: Views, manifest: Any, **options: Any) -> None:
        if not others:
            other = threading.Thread(target=lambda: others.append(reviews.snapshot()), name="faster run")
            others.append(other)
            other.start()
            # It takes and registers its snapshot, and then waits for this one to have ended with the view.
            assert waits.wait(60)
        publish(views, manifest, **options)

    waits = threading.Event()
    from dynamo_assets.publishing import target

    pause = target.pause

    def told(seconds: float) -> None:
        waits.set()
        pause(min(seconds, 0.2))

    monkeypatch.setattr(target, "pause", told)
    monkeypatch.setattr(Views, "publish", slowly)
    assert reviews.pipeline.run(reviews.table, select=f"{reviews.pipeline.database}/{reviews.name}").success
    others[0].join(60)
    assert others[1].success
    assert reviews.shown() == (reviews.labels[-1], 3)


def test_the_last_snapshots_have_views_of_their_own_and_all_of_them_a_history(make_reviews) -> None:
    reviews = make_reviews(3, keep_views=1)
    name, labels = reviews.name, reviews.labels
    minute = labels[-1][:16].translate(str.maketrans("", "", "-:")).lower()
    assert reviews.views() == {name, f"{name}_{minute}", f"{name}_history"}
    query = reviews.pipeline.query
    assert query(f'SELECT count(*), min(snapshot_timestamp) FROM "{name}_{minute}"') == [(3, labels[-1])]
    history = query(f'SELECT snapshot_timestamp, count(*) FROM "{name}_history" GROUP BY 1 ORDER BY 1')
    assert history == [(label, n) for n, label in enumerate(labels, 1)]

    # An older view of ours, one of somebody else's that only looks like it, and a history that lacks a rejected one.
    sql = f'SELECT "id", "snapshot_timestamp" FROM "{reviews.pipeline.database}"."snapshots_{name}" WHERE 1 = 1'
    query(f'CREATE OR REPLACE VIEW "{name}_20200101t0000" AS {sql}')
    query(f'CREATE OR REPLACE VIEW "{name}_20200102t0000" AS SELECT 1 AS one')
    rejected = replace(reviews.pipeline.records.read(name, labels[0]), passed=False)
    reviews.pipeline.records.write(rejected)
    assert reviews.snapshot().success
    assert {f"{name}_20200102t0000"} == {view for view in reviews.views() if "_2020" in view}
    shown = query(f'SELECT DISTINCT snapshot_timestamp FROM "{name}_history" ORDER BY 1')
    assert shown == [(label,) for label in reviews.labels[1:]]

    reviews.pipeline = reviews.pipeline.with_table_settings(reviews.table, keep_views=0)
    assert reviews.snapshot().success
    assert reviews.views() == {name, f"{name}_20200102t0000"}


def test_items_that_had_expired_are_left_out_on_request(make_reviews) -> None:
    reviews = make_reviews(0, ttl_attribute="expires_at")
    now = parse_snapshot(reviews.pipeline.slot(reviews.table) + ":00").timestamp()
    expiries = {"long ago": int(now) - 6 * 365 * 86400, "gone": int(now) - 3600, "to come": int(now) + 10**7}
    for key, seconds in expiries.items():
        reviews.pipeline.put(reviews.table, {"id": key, "expires_at": seconds})
    reviews.pipeline.put(reviews.table, {"id": "text", "expires_at": "never"})

    result = reviews.snapshot()

    assert result.success, failure_of(result)
    ids = reviews.pipeline.query(f'SELECT id FROM "{reviews.name}" ORDER BY id')
    assert ids == [("0",), ("long ago",), ("text",), ("to come",)]
    assert reviews.pipeline.latest(reviews.table).rows == 5
    [view] = [check for check in result.get_asset_check_evaluations() if check.check_name == "view"]
    assert (view.passed, view.metadata["rows_expired"].value) == (True, 1)


def test_the_command_publishes_and_says_what_is_shown(make_reviews, monkeypatch, capsys) -> None:
    reviews = make_reviews(2)
    first, _ = reviews.labels
    monkeypatch.setenv("DYNAMO_ASSETS_CONFIG", str(reviews.pipeline.config_path))
    assert cli.main(["publish", reviews.table, "--snapshot", first, "--pin", "--reason", "a test"]) == 0
    said = capsys.readouterr().out
    assert f"{reviews.pipeline.database}.{reviews.name} shows {first}: 1 rows" in said
    assert "at a command line: a test" in said
    assert reviews.shown() == (first, 1)
    assert cli.main(["publish", "Nothing"]) == 1
    assert "neither a table nor a set" in capsys.readouterr().err
    assert cli.main(["publish", reviews.table, "--unpin"]) == 0

    elsewhere = reviews.pipeline.config_path.with_name("elsewhere.yaml")
    bucket = reviews.pipeline.settings.storage.bucket
    elsewhere.write_text(reviews.pipeline.config_path.read_text().replace(bucket, f"{bucket}-not-deployed"))
    monkeypatch.setenv("DYNAMO_ASSETS_CONFIG", str(elsewhere))
    assert cli.main(["publish", reviews.table]) == 1
    said = capsys.readouterr().err
    assert said.startswith("dynamo-assets: AWS would not do PutObject (NoSuchBucket): ")
    assert "dynamo-assets deploy" in said


def test_a_rejected_snapshot_is_shown_only_when_a_person_accepts_it(make_reviews) -> None:
    reviews = make_reviews(2)
    first, second = reviews.labels
    records = reviews.pipeline.records
    reviews.pipeline.publish(reviews.table, snapshot=first)
    records.write(replace(records.read(reviews.name, second), passed=False))
    with pytest.raises(HeldBackError, match="--accept"):
        reviews.pipeline.publish(reviews.table, snapshot=second)
    reviews.pipeline.publish(reviews.table, snapshot=second, accept=True, by="ada")
    assert reviews.shown() == (second, 2)
    record = records.read(reviews.name, second)
    assert record is not None
    assert (record.passed, record.accepted_by) == (True, "ada")
