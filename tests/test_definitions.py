from __future__ import annotations

import json
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import boto3
import botocore.client
import botocore.session
import dagster as dg
import pytest

from dynamo_assets.configuration.load import load_settings
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.definitions import build_definitions
from dynamo_assets.retention.job import tables_with_retention

ROOT = Path(__file__).parent.parent


def _settings(tmp_path: Path, tables: str) -> Settings:
    path = tmp_path / "tables.yaml"
    path.write_text(f"storage: {{bucket: exports-bucket}}\ntables:\n{tables}")
    return load_settings(path, {})


def _rows(count: int) -> str:
    return "".join(
        f"  Table-{n}: {{schedule: '{n % 5} * * * *', freshness: {{warn: 2h, fail: 6h}}}}\n" for n in range(count)
    )


KINDS = (
    "engine: glue_connector, format: csv, retention: {keep_last: 3}",
    "engine: in_process, keep_views: 2, verification: {volume: block}",
    "engine: point_in_time, point_in_time: {full_every: '0 0 * * 0'}",
    "checks: [{sql: 'SELECT count(*) FROM {view}', expect: 0}], ttl_attribute: expires_at, volume: {drop: 50%}",
)
"""Settings that make definitions of their own."""


def _rows_of_every_kind(count: int) -> str:
    rows = "".join(
        f"  Table-{n}: {{schedule: '{n % 5} * * * *', freshness: {{warn: 2h, fail: 6h}}, {KINDS[n % 4]}}}\n"
        for n in range(count)
    )
    # Members of a set share a schedule: 2, 22, 42, ... do.
    sets = f"sets: {{shop: {{tables: [{', '.join(f'Table-{n}' for n in range(2, min(count, 100), 20))}]}}}}\n"
    topic = "alerts: {sns_topic: 'arn:aws:sns:us-east-1:123456789012:data-alerts'}\n"
    return rows + sets + topic


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("AWS was called while definitions were loaded")

    monkeypatch.setattr(boto3, "client", refuse)
    monkeypatch.setattr(boto3, "resource", refuse)
    monkeypatch.setattr(boto3, "Session", refuse)
    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", refuse)
    monkeypatch.setattr(botocore.session.Session, "create_client", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_loading_500_tables_calls_no_aws_api(tmp_path: Path, no_aws: None) -> None:
    repository = build_definitions(_settings(tmp_path, _rows_of_every_kind(500))).get_repository_def()
    repository.load_all_definitions()
    assert len(repository.asset_graph.get_all_asset_keys()) == 4 * 500 + 1


def test_loading_the_code_location_reads_the_tables_file_and_calls_no_aws_api(
    tmp_path: Path, no_aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tables.yaml"
    path.write_text("storage: {bucket: exports-bucket}\ntables: {Orders: {}}")
    monkeypatch.setenv("DYNAMO_ASSETS_CONFIG", str(path))
    from dynamo_assets.definitions import defs

    keys = {key.to_user_string() for key in defs().get_repository_def().asset_graph.get_all_asset_keys()}
    assert keys == {
        "dynamodb/Orders",
        "s3/orders_export",
        "dynamodb_exports/snapshots_orders",
        "dynamodb_exports/orders",
    }


def test_an_engine_that_is_chosen_in_the_run_has_a_pool_of_its_own_and_loading_asks_nothing(
    tmp_path: Path, no_aws: None
) -> None:
    repository = build_definitions(_settings(tmp_path, "  Orders: {engine: auto}\n")).get_repository_def()
    asset = repository.asset_graph.get(dg.AssetKey(["s3", "orders_export"]))
    assert asset.pools == {"auto_exports"}
    assert asset.kinds == {"s3", "parquet"}


def test_every_table_is_a_row_from_the_source_to_the_view(tmp_path: Path) -> None:
    graph = build_definitions(_settings(tmp_path, _rows(3))).get_repository_def().asset_graph
    for n in range(3):
        row = [
            dg.AssetKey(key)
            for key in (
                ["dynamodb", f"Table-{n}"],
                ["s3", f"table_{n}_export"],
                ["dynamodb_exports", f"snapshots_table_{n}"],
                ["dynamodb_exports", f"table_{n}"],
            )
        ]
        assert [graph.get(key).parent_keys for key in row] == [set(), {row[0]}, {row[1]}, {row[2]}]
        assert not graph.get(row[0]).is_materializable
        assert [graph.get(key).partitions_def is not None for key in row] == [False, True, True, False]


SHOP = """\
  Orders: {engine: point_in_time, freshness: {warn: 2h, fail: 6h}}
  Customers: {engine: point_in_time, freshness: {warn: 3h, fail: 4h}}
  Payments: {engine: point_in_time}
  Alone: {engine: point_in_time}
sets: {shop: {tables: [Orders, Customers, Payments]}}
"""


def test_a_set_stands_below_the_views_of_its_members_which_one_step_moves(tmp_path: Path) -> None:
    graph = build_definitions(_settings(tmp_path, SHOP)).get_repository_def().asset_graph
    own = graph.get(dg.AssetKey(["dynamodb_exports", "shop"]))
    views = {dg.AssetKey(["dynamodb_exports", name]) for name in ("orders", "customers", "payments")}
    assert own.parent_keys == views
    assert own.execution_set_asset_keys == {own.key, *views}
    for view in views:
        assert graph.get(view).parent_keys == {dg.AssetKey(["dynamodb_exports", f"snapshots_{view.path[-1]}"])}
        assert graph.get(view).partitions_def is None
    alone = graph.get(dg.AssetKey(["dynamodb_exports", "alone"]))
    assert alone.execution_set_asset_keys == {alone.key}
    assert {key.name for key in graph.asset_check_keys if key.asset_key == own.key} == {"moved_together", "freshness"}
    assert {key.name for key in graph.asset_check_keys if key.asset_key in views} == {"view", "freshness"}


def test_a_set_is_as_fresh_as_its_strictest_member_has_to_be(tmp_path: Path) -> None:
    repository = build_definitions(_settings(tmp_path, SHOP)).get_repository_def()
    policy = repository.asset_graph.get(dg.AssetKey(["dynamodb_exports", "shop"])).freshness_policy
    assert policy == dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=4), warn_window=timedelta(hours=2))


def test_the_job_of_a_sets_members_moves_the_set(tmp_path: Path) -> None:
    repository = build_definitions(_settings(tmp_path, SHOP)).get_repository_def()
    keys = repository.get_job("export_daily_at_1000").asset_layer.executable_asset_keys
    assert dg.AssetKey(["dynamodb_exports", "shop"]) in keys
    assert len(set(keys)) == 3 * 4 + 1
    checks = repository.get_job("export_daily_at_1000").asset_layer.asset_graph.asset_check_keys
    assert "freshness" not in {key.name for key in checks}, "the sensor keeps them: as a step they would wait for all"


def test_runs_that_fail_are_told_of_from_the_start_where_there_is_a_topic(tmp_path: Path) -> None:
    tables = "  Orders: {}\n"
    assert not build_definitions(_settings(tmp_path, tables)).get_repository_def().has_sensor_def("run_failure_alerts")
    topic = "alerts: {sns_topic: 'arn:aws:sns:us-east-1:123456789012:data-alerts'}\n"
    sensor = (
        build_definitions(_settings(tmp_path, tables + topic)).get_repository_def().get_sensor_def("run_failure_alerts")
    )
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


def test_tables_of_one_cadence_share_a_job_and_a_schedule_that_is_off(tmp_path: Path) -> None:
    repository = build_definitions(_settings(tmp_path, _rows(10))).get_repository_def()
    jobs = [job.name for job in repository.get_all_jobs() if job.name.startswith("export_")]
    assert sorted(jobs) == ["export_hourly", *(f"export_hourly_at_0{n}" for n in range(1, 5))]
    assert len(repository.schedule_defs) == 5
    assert all(schedule.default_status == dg.DefaultScheduleStatus.STOPPED for schedule in repository.schedule_defs)


def test_tables_with_retention_share_a_job_whose_schedule_is_off(tmp_path: Path) -> None:
    tables = "  Kept: {}\n  Orders: {retention: {keep_last: 3}}\n  Payments: {retention: {}}\n"
    repository = build_definitions(_settings(tmp_path, tables)).get_repository_def()
    assert [table.table for table in tables_with_retention(_settings(tmp_path, tables))] == ["Orders", "Payments"]
    assert (repository.get_job("retention").description or "").startswith("Retention of Orders, Payments:")
    schedule = repository.get_schedule_def("retention_schedule")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    kept = build_definitions(_settings(tmp_path, "  Kept: {}\n")).get_repository_def()
    assert not kept.has_job("retention")
    assert kept.has_job("erase"), "items may be erased from any table"


def test_two_spellings_of_one_cadence_share_a_job(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "  A-1: {schedule: '0 0 * * 0'}\n  B-2: {schedule: '0 0 * * 7'}\n")
    repository = build_definitions(settings).get_repository_def()
    assert [job.name for job in repository.get_all_jobs() if job.name.startswith("export_")] == [
        "export_weekly_on_sunday_at_0000"
    ]


def test_a_tick_asks_for_the_slot_of_its_own_time(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    repository = build_definitions(_settings(tmp_path, "  Orders: {schedule: '0 * * * *'}\n")).get_repository_def()
    schedule = repository.get_schedule_def("export_hourly_schedule")
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2026, 11, 23, 10, 0, tzinfo=UTC), repository_def=repository
    )
    requests = schedule.evaluate_tick(context).run_requests
    assert requests is not None
    assert [request.partition_key for request in requests] == ["2026-11-23T10:00"]


def test_table_names_that_look_like_each_other_to_dagster_load_together(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "  my-table: {}\n  my.table: {name: my_table_eu}\n")
    repository = build_definitions(settings).get_repository_def()
    repository.load_all_definitions()
    assert dg.AssetKey(["dynamodb", "my.table"]) in repository.asset_graph.get_all_asset_keys()


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "dagster_dg_cli.cli", "check", "defs"],
        ["-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"],
    ],
    ids=["dg", "dagster"],
)
def test_dagsters_own_commands_load_the_repository_as_it_is(command: list[str], tmp_path: Path) -> None:
    import os

    environment = {
        **os.environ,
        "AWS_ACCOUNT_ID": "123456789012",
        "AWS_REGION": "eu-west-1",
        "DAGSTER_HOME": str(tmp_path),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.dumps("Error") not in done.stdout
