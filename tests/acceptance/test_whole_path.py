"""From DynamoDB to the view, through Dagster, on both engines."""

from __future__ import annotations

from decimal import Decimal

import dagster as dg
import pytest

from tests.acceptance.conftest import failure_of

REVIEWS = [{"id": "1", "stars": 5, "text": "good"}, {"id": "2", "stars": 2, "verified": True}]
ENGINES = ["in_process", "glue"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_table_becomes_a_view_of_its_items(make_pipeline, unique, engine: str) -> None:
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": engine}})
    exact = Decimal(12345678901234567890123456789012345678)
    pipeline.create_table(table, [*REVIEWS, {"id": "3", "big": exact, "address": {"city": "Rome"}}])

    result = pipeline.run(table)

    assert result.success, failure_of(result)
    name = pipeline.table(table).name
    assert pipeline.query(f'SELECT count(*) FROM "{name}"') == [(3,)]
    assert pipeline.query(f'SELECT stars, verified FROM "{name}" ORDER BY id') == [(5, None), (2, True), (None, None)]
    assert pipeline.query(f"SELECT big, address.city FROM \"{name}\" WHERE id = '3'") == [(str(exact), "Rome")]


@pytest.mark.parametrize("engine", ENGINES)
def test_two_snapshots_are_four_rows_in_the_raw_table_and_two_in_the_view(make_pipeline, unique, engine: str) -> None:
    """The demonstration of the pipeline that this one replaces."""
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": engine}})
    pipeline.create_table(table, REVIEWS)
    name = pipeline.table(table).name

    for _ in range(2):
        result = pipeline.run(table)
        assert result.success, failure_of(result)

    assert pipeline.query(f'SELECT count(*) FROM "snapshots_{name}"') == [(4,)]
    assert pipeline.query(f'SELECT count(*), max(snapshot_timestamp) FROM "{name}"') == [(2, pipeline.labels(table)[1])]


def test_an_item_added_after_a_snapshot_appears_with_the_next_one_only(make_pipeline, unique) -> None:
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": "in_process"}})
    pipeline.create_table(table, REVIEWS)
    name = pipeline.table(table).name
    assert pipeline.run(table).success

    pipeline.put(table, {"id": "3", "stars": 1, "photo": b"\x00\xff"})

    assert pipeline.query(f'SELECT count(*) FROM "{name}"') == [(2,)]
    result = pipeline.run(table)
    assert result.success, failure_of(result)
    assert pipeline.query(f"SELECT stars, photo FROM \"{name}\" WHERE id = '3'") == [(1, b"\x00\xff")]


def test_a_materialization_tells_what_a_person_wants_to_know(make_pipeline, unique) -> None:
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": "glue"}})
    pipeline.create_table(table, REVIEWS)

    result = pipeline.run(table)

    name = pipeline.table(table).name
    [snapshot] = result.asset_materializations_for_node(f"s3__{name}_export")
    manifest = pipeline.latest(table)
    assert snapshot.metadata["snapshot_timestamp"].value == manifest.snapshot_timestamp
    assert snapshot.metadata["dagster/partition_row_count"].value == 2
    assert snapshot.metadata["dagster/uri"].value == manifest.location
    assert snapshot.metadata["bytes"].value == manifest.bytes
    assert snapshot.metadata["read_units"].value == manifest.read["read_units"] > 0
    [run] = pipeline.glue_runs()
    assert f"/run/{run['Id']}" in str(snapshot.metadata["glue_run"].value)
    # Sized to the table, not as the job's definition has it; expected before the run, counted after it.
    assert (run["NumberOfWorkers"], run["WorkerType"], run["Timeout"]) == (2, "G.1X", 67)
    assert run["Timeout"] * 60 < pipeline.table(table).time_limit.total_seconds()
    facts = {name: entry.value for name, entry in snapshot.metadata.items()}
    assert facts["workers"] == 2
    assert facts["sizing"].startswith("small: 37 bytes take 1 s; 2 workers")
    assert (facts["expected_seconds"], facts["seconds"] > 0) == (90.0, True)
    assert facts["glue_dpu_seconds"] == facts["glue_seconds"] * 2
    assert facts["costs"]["glue"] == pytest.approx(max(60, facts["glue_seconds"]) * 2 / 3600 * 0.44, abs=1e-4)
    assert facts["cost_usd"] == pytest.approx(facts["costs"]["glue"], abs=1e-4)
    assert facts["expected_cost_usd"] == pytest.approx(0.022)
    events = [event for event in result.all_events if event.asset_key == dg.AssetKey(["s3", f"{name}_export"])]
    observed, *_, materialized = [e for e in events if e.is_asset_observation or e.is_step_materialization]
    announced = observed.asset_observation_data.asset_observation
    assert announced.partition == materialized.partition == pipeline.slot(table)
    assert (announced.metadata["expected_seconds"].value, announced.metadata["workers"].value) == (90.0, 2)
    columns = snapshot.metadata["dagster/column_schema"].value.columns
    assert {column.name: column.type for column in columns} == {
        "id": "string",
        "stars": "bigint",
        "text": "string",
        "verified": "boolean",
        "snapshot_timestamp": "string",
    }
    [crawled] = result.asset_materializations_for_node(f"{pipeline.database}__snapshots_{name}")
    assert crawled.metadata["crawler_dpu_hours"].value == crawled.metadata["cost_usd"].value == 0.0
    [view] = result.asset_materializations_for_node(f"{pipeline.database}__{name}")
    # Three queries, of ten megabytes at least.
    assert view.metadata["cost_usd"].value == pytest.approx(3 * 10 / 1024**2 * 5, abs=1e-6)
    assert view.metadata["dagster/row_count"].value == 2
    assert manifest.snapshot_timestamp in str(view.metadata["view_sql"].value)
    lineage = view.metadata["dagster/column_lineage"].value.deps_by_column
    assert lineage["stars"][0].asset_key == dg.AssetKey([pipeline.database, f"snapshots_{name}"])
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    names = ("files", "keys", "volume", "source", "schema", "conversions", "catalog", "view")
    assert checks == dict.fromkeys(names, True)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_past_slot_is_refused_and_nothing_is_started(make_pipeline, unique, engine: str) -> None:
    """Promise 2: a past slot is never filled by scanning the present."""
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": engine, "schedule": "0 * * * *"}})
    pipeline.create_table(table, REVIEWS)

    result = pipeline.run(table, slot="2026-11-02T10:00")

    message = failure_of(result)
    assert "slot 2026-11-02T10:00 is over" in message
    assert pipeline.slot(table) in message
    assert pipeline.labels(table) == []
    assert pipeline.glue_runs() == []
    assert result.retry_attempts_for_node(f"s3__{pipeline.table(table).name}_export") == 0


def test_a_table_that_does_not_exist_is_named(make_pipeline, unique) -> None:
    table = unique("Missing")
    pipeline = make_pipeline({table: {"engine": "in_process"}})
    message = failure_of(pipeline.run(table))
    assert table in message
    assert "does not exist" in message
