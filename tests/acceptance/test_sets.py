"""Views that move together, through Dagster, on the sandbox: all or none, never back, and who held them back."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dynamo_assets.aws.athena import Athena
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.views import published_snapshot
from dynamo_assets.definitions import build_definitions
from dynamo_assets.errors import ConfigError
from dynamo_assets.naming import job_name, parse_slot
from dynamo_assets.publishing.views import Candidate, Views
from tests.acceptance.conftest import Pipeline, failure_of

HOURLY = "0 * * * *"
HOURS = 3


@dataclass
class Shop:
    """Three tables of one set, each of which got an item half an hour before each of the last full hours."""

    pipeline: Pipeline
    tables: Sequence[str]
    move_clock: Callable[[float], datetime]
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def slot(self, hours_ago: int) -> str:
        return (self.now - timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:00")

    def live(self) -> None:
        self._clock(parse_slot(self.slot(HOURS)) - timedelta(minutes=1))
        for table in self.tables:
            self.pipeline.create_table(table)
            self.recover(table, True)
        for hours_ago in range(HOURS - 1, -1, -1):
            self._clock(parse_slot(self.slot(hours_ago)) - timedelta(minutes=30))
            for table in self.tables:
                self.pipeline.put(table, {"id": self.slot(hours_ago)})
        self._clock(datetime.now(UTC))

    def _clock(self, instant: datetime) -> None:
        self.move_clock(instant.timestamp() - time.time())

    def recover(self, table: str, on: bool) -> None:
        self.pipeline.endpoint.client("dynamodb").update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on}
        )

    @property
    def key(self) -> dg.AssetKey:
        return dg.AssetKey([self.pipeline.database, self.pipeline.settings.sets[0].name])

    def name(self, table: str) -> str:
        return self.pipeline.table(table).name

    def run(self, hours_ago: int, select: dg.AssetSelection | None = None) -> dg.ExecuteInProcessResult:
        """The job of the members' schedule, for a slot."""
        job = build_definitions(self.pipeline.settings).resolve_job_def(job_name(HOURLY))
        keys = None if select is None else list(select.resolve(job.asset_layer.asset_graph))
        return job.execute_in_process(
            partition_key=self.slot(hours_ago),
            asset_selection=keys,
            instance=self.pipeline.instance,
            raise_on_error=False,
        )

    def run_exports(self, hours_ago: int, *tables: str) -> dg.ExecuteInProcessResult:
        keys = [
            dg.AssetKey(key)
            for table in tables
            for key in (
                ["s3", f"{self.name(table)}_export"],
                [self.pipeline.database, f"snapshots_{self.name(table)}"],
            )
        ]
        return self.run(hours_ago, dg.AssetSelection.assets(*keys))

    def publish(self) -> dg.ExecuteInProcessResult:
        """The set alone, with no slot, as a person materializes it."""
        repository = build_definitions(self.pipeline.settings).get_repository_def()
        selection = dg.AssetSelection.assets(self.key).required_multi_asset_neighbors()
        job = dg.define_asset_job("by_hand", selection).resolve(asset_graph=repository.asset_graph)
        return job.execute_in_process(
            instance=self.pipeline.instance, resources={"aws": self.pipeline.clients}, raise_on_error=False
        )

    def shown(self) -> set[str | None]:
        """The instants that the views show."""
        catalog = Catalog(self.pipeline.clients.glue, self.pipeline.database)
        return {published_snapshot(catalog, self.name(table)) for table in self.tables}

    def rows(self) -> list[int]:
        return [self.pipeline.query(f'SELECT count(*) FROM "{self.name(table)}"')[0][0] for table in self.tables]

    def check(self) -> Any:
        """What the UI shows of `moved_together`."""
        key = dg.AssetCheckKey(self.key, "moved_together")
        [record] = self.pipeline.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
        assert record.event is not None
        assert record.event.dagster_event is not None
        return record.event.dagster_event.asset_check_evaluation_data


@pytest.fixture
def make_shop(make_pipeline, unique, dynamodb_clock) -> Callable[..., Shop]:
    def make(members: int = 3) -> Shop:
        tables = [unique(stem) for stem in ("Orders", "Customers", "Payments")]
        pipeline = make_pipeline(
            {table: {"engine": "point_in_time", "schedule": HOURLY} for table in tables},
            sets={unique("shop"): {"tables": tables[:members]}},
            partitions={"start": (datetime.now(UTC) - timedelta(days=2)).date().isoformat()},
        )
        shop = Shop(pipeline, tables, dynamodb_clock)
        shop.live()
        return shop

    return make


def _label(slot: str) -> str:
    return f"{slot}:00"


def test_all_views_of_a_set_show_one_instant_and_a_backfill_moves_none_back(make_shop) -> None:
    shop = make_shop()
    for hours_ago, shown in ((1, 1), (2, 1), (0, 0)):
        result = shop.run(hours_ago)
        assert result.success, failure_of(result)
        assert shop.shown() == {_label(shop.slot(shown))}
        assert shop.rows() == [HOURS - shown] * 3
        [own] = [event for event in result.asset_materializations_for_node(_step(shop)) if event.asset_key == shop.key]
        assert own.metadata["snapshot_timestamp"].value == _label(shop.slot(shown))
        assert all(table in str(own.metadata["members"].value) for table in shop.tables)
        assert "not a transaction" in str(own.metadata["accuracy"].value)
        assert own.metadata["rows_of_all_members"].value == 3 * (HOURS - shown)
    views = {event.asset_key.path[-1] for event in result.asset_materializations_for_node(_step(shop))}
    assert views == {shop.key.path[-1], *(shop.name(table) for table in shop.tables)}
    assert shop.check().passed
    assert {check.check_name for check in result.get_asset_check_evaluations() if check.passed} == {
        *("files", "keys", "volume", "source", "schema", "conversions", "catalog", "view"),
        "moved_together",
    }


def test_a_set_is_rolled_back_and_held_as_one(make_shop) -> None:
    shop = make_shop()
    shop.pipeline = shop.pipeline.with_method("direct")
    for hours_ago in (2, 1):
        assert shop.run(hours_ago).success
    name = shop.pipeline.settings.sets[0].name
    older = _label(shop.slot(2))
    with pytest.raises(ConfigError, match=f"is in the set '{name}'"):
        shop.pipeline.publish(shop.tables[0], snapshot=older)

    published = shop.pipeline.publish(name, snapshot=older, pin=True, by="ada")

    assert shop.shown() == {older}
    assert [shown.rows for shown in published.shown] == [1] * 3
    result = shop.run(0)
    assert result.success, failure_of(result)
    assert shop.shown() == {older}, "a set that is pinned stays"
    assert "pinned" in shop.check().description
    assert "by ada" in shop.check().description

    shop.pipeline.publish(name, unpin=True)
    assert shop.shown() == {_label(shop.slot(0))}


def test_a_set_whose_raw_tables_no_crawler_keeps_moves_as_well(make_shop) -> None:
    shop = make_shop()
    shop.pipeline = shop.pipeline.with_method("direct")
    for hours_ago in (1, 2, 0):
        result = shop.run(hours_ago)
        assert result.success, failure_of(result)
    assert shop.shown() == {_label(shop.slot(0))}
    assert shop.rows() == [HOURS] * 3


def test_a_member_that_fails_leaves_all_views_as_they_were_and_the_set_says_who_it_was(make_shop) -> None:
    shop = make_shop()
    _, customers, _ = shop.tables
    assert shop.run(2).success
    shop.recover(customers, False)

    result = shop.run(1)

    assert not result.success
    assert shop.shown() == {_label(shop.slot(2))}
    assert not any(event.is_step_start and event.step_key == _step(shop) for event in result.all_events)
    check = shop.check()
    assert not check.passed
    assert f"{customers} held the set back at slot {shop.slot(1)}" in check.description
    assert "point-in-time recovery is off" in check.description
    assert check.metadata["slot"].value == shop.slot(1)
    [observed] = shop.pipeline.instance.fetch_observations(shop.key, limit=1).records
    assert observed.asset_observation is not None
    assert observed.asset_observation.description == check.description

    alone = shop.run(1, dg.AssetSelection.assets(shop.key).required_multi_asset_neighbors())
    assert f"{customers} held the set back: it has no complete snapshot of {_label(shop.slot(1))}" in failure_of(alone)
    assert shop.shown() == {_label(shop.slot(2))}
    assert customers in shop.check().description

    by_hand = shop.publish()
    assert by_hand.success, "all views show one instant, whoever is further"
    assert (shop.check().passed, shop.check().severity) == (False, dg.AssetCheckSeverity.WARN)
    assert shop.shown() == {_label(shop.slot(2))}


def test_what_fails_in_the_past_of_a_set_holds_nothing_back(make_shop) -> None:
    shop = make_shop()
    assert shop.run(1).success
    shop.recover(shop.tables[1], False)
    assert not shop.run(2).success
    assert shop.check().passed


def test_a_member_with_rows_too_many_holds_the_set_back_before_any_view_is_touched(make_shop) -> None:
    shop = make_shop()
    _, _, payments = shop.tables
    assert shop.run(2).success
    assert shop.run_exports(1, *shop.tables).success
    stray = io.BytesIO()
    pq.write_table(pa.table({"id": ["stray"]}), stray)
    layout, name = shop.pipeline.settings.layout, shop.name(payments)
    key = layout.snapshot_prefix(name, _label(shop.slot(1))) + "stray.parquet"
    shop.pipeline.clients.s3.put_object(Bucket=layout.bucket, Key=key, Body=stray.getvalue())

    message = failure_of(shop.publish())

    assert f"{payments} held the set back: view: Athena counts 3 rows" in message
    assert "No view was touched" in message
    assert shop.shown() == {_label(shop.slot(2))}
    assert payments in shop.check().description


@pytest.mark.parametrize("shown_before", [True, False], ids=["to-what-they-showed", "to-no-view"])
def test_a_member_that_athena_will_not_re_point_moves_the_others_back(
    make_shop, monkeypatch: pytest.MonkeyPatch, shown_before: bool
) -> None:
    """While the views move, somebody puts a table where the last member's view is, and Athena refuses."""
    shop = make_shop()
    orders, customers, payments = shop.tables
    if shown_before:
        assert shop.run(2).success
    assert shop.run_exports(1, *shop.tables).success
    glue, database, name = shop.pipeline.clients.glue, shop.pipeline.database, shop.name(payments)
    before = {table: _definition(shop, table) for table in (orders, customers)}
    made: list[str] = []
    query = Athena.query

    def meanwhile(self: Athena, sql: str, *, subject: str) -> Any:
        if sql.startswith("CREATE"):
            made.append(subject)
            if subject == payments:
                if shown_before:
                    glue.delete_table(DatabaseName=database, Name=name)
                taken: Any = {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {"Columns": []}}
                glue.create_table(DatabaseName=database, TableInput=taken)
        return query(self, sql, subject=subject)

    monkeypatch.setattr(Athena, "query", meanwhile)
    message = failure_of(shop.publish())

    assert sorted(made) == sorted(shop.tables)
    assert f"{payments} could not be re-pointed" in message
    assert f"Moved back to what they showed before: {orders}, {customers}" in message
    assert {table: _definition(shop, table) for table in (orders, customers)} == before
    if shown_before:
        assert shop.pipeline.query(f'SELECT count(*) FROM "{shop.name(orders)}"') == [(1,)]
    assert f"{payments} could not be re-pointed" in shop.check().description


def test_ctrl_c_while_views_move_moves_all_of_them_back(make_shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = make_shop()
    assert shop.run(2).success
    assert shop.run_exports(1, *shop.tables).success
    read = Views.read

    def interrupted(self: Views, candidate: Candidate) -> Any:
        if candidate.manifest.table == shop.tables[1]:
            assert shop.shown() == {_label(shop.slot(1))}
            raise KeyboardInterrupt
        return read(self, candidate)

    monkeypatch.setattr(Views, "read", interrupted)
    assert not shop.publish().success

    assert shop.shown() == {_label(shop.slot(2))}


def test_a_table_that_joins_a_set_moves_with_the_next_instant_that_all_have(make_shop) -> None:
    shop = make_shop(members=2)
    orders, customers, payments = shop.tables
    assert shop.run_exports(1, orders, customers).success
    assert shop.publish().success
    assert shop.shown() == {_label(shop.slot(1)), None}
    [old] = shop.pipeline.settings.sets
    wider = old.model_copy(update={"tables": [*old.tables, payments]})
    shop.pipeline = replace(shop.pipeline, settings=shop.pipeline.settings.model_copy(update={"sets": [wider]}))

    assert f"{payments} held the set back" in failure_of(shop.publish())
    assert shop.shown() == {_label(shop.slot(1)), None}

    assert shop.run_exports(1, payments).success
    assert shop.publish().success
    assert shop.shown() == {_label(shop.slot(1))}
    assert shop.run(0).success
    assert shop.shown() == {_label(shop.slot(0))}


def _definition(shop: Shop, table: str) -> Any:
    found = Catalog(shop.pipeline.clients.glue, shop.pipeline.database).table(shop.name(table))
    times = {"CreateTime", "UpdateTime", "VersionId"}
    return found and {key: value for key, value in found.items() if key not in times}


def _step(shop: Shop) -> str:
    return "__".join(shop.key.path)
