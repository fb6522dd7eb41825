"""The defects of the pipeline that this one replaces, by their numbers there; `ELSEWHERE` says where the others are."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.crawlers import crawler_definition
from dynamo_assets.aws.views import published_label
from dynamo_assets.naming import crawler_name, format_snapshot, parse_snapshot
from dynamo_assets.publishing.choice import Choice
from dynamo_assets.verification.verify import Verifier
from tests.acceptance.conftest import ROLE, Pipeline, failure_of

TESTS = Path(__file__).parents[1]
ELSEWHERE = {
    4: [
        "acceptance/test_formats.py::test_4_an_empty_table_is_a_view_of_no_rows_in_every_format",
        "acceptance/test_direct_catalog.py::test_an_empty_table_is_a_view_of_no_rows",
    ],
    5: ["acceptance/faults/test_crawls.py::test_another_crawl_that_ends_just_before_ours_begins_does_not_count"],
    7: [
        "aws/test_athena.py::test_a_query_has_a_time_limit_and_is_cancelled_at_it",
        "acceptance/faults/test_crawls.py::test_a_crawl_that_fails_or_hangs_publishes_nothing_and_the_next_one_does",
    ],
    8: ["configuration/test_load.py::test_tables_that_would_overwrite_each_other_are_refused_and_both_named"],
    9: [
        "acceptance/test_formats.py::test_9_a_change_of_format_is_one_table_and_every_snapshot_can_be_read",
        "acceptance/test_formats.py::test_9_csv_and_json_are_not_mixed_and_the_view_stays_as_it_was",
    ],
    10: [
        "export/test_scan_plan.py::test_segments_fit_the_size_the_parallelism_and_the_rate",
        "glue_scripts/test_export_table.py::test_units_run_on_executors_and_an_executor_s_error_is_the_run_s",
        "faults/test_rate_on_spark.py::test_executors_together_keep_the_rate_and_use_it",
    ],
    11: ["configuration/test_load.py::test_what_is_wrong_is_named_with_its_key_and_the_fix"],
    13: [
        "acceptance/faults/test_killed.py::test_a_run_killed_at_any_stage_leaves_the_view_whole_and_the_way_free",
        "acceptance/test_retention.py::test_what_dead_attempts_left_goes_after_a_day_and_not_before",
    ],
    14: [
        "infrastructure/test_template.py::test_14_no_action_and_no_resource_is_a_wildcard_unless_aws_demands_it",
        "acceptance/test_permissions.py::test_every_call_is_allowed_and_everything_that_is_allowed_is_called",
    ],
    15: ["acceptance/test_retention.py::test_what_is_beyond_both_limits_goes_and_all_else_stays"],
    16: [
        "engines/test_sizing.py::test_a_run_is_sized_to_its_table_and_says_why",
        "acceptance/test_whole_path.py::test_a_materialization_tells_what_a_person_wants_to_know",
    ],
}
ITEMS = [{"id": "1", "stars": 5}, {"id": "2", "stars": 2}]
MakePipeline = Callable[..., Pipeline]


@pytest.fixture
def reviews(make_pipeline: MakePipeline, unique) -> tuple[Pipeline, str, str]:
    """A pipeline of one table of two items, its name and its catalog name."""
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": "in_process"}})
    pipeline.create_table(table, ITEMS)
    return pipeline, table, pipeline.table(table).name


def _parquet(rows: int) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": [str(n) for n in range(rows)]}), buffer)
    return buffer.getvalue()


def _run_well(pipeline: Pipeline, table: str, **options) -> None:
    result = pipeline.run(table, **options)
    assert result.success, failure_of(result)


def test_every_defect_has_a_test_and_those_named_elsewhere_exist() -> None:
    here = {number for name in globals() if name.startswith("test_") for number in re.findall(r"\d+", name)}
    assert {str(number) for number in range(1, 18)} - here - {str(number) for number in ELSEWHERE} == set()
    for path, _, name in (each.partition("::") for tests in ELSEWHERE.values() for each in tests):
        tree = ast.parse((TESTS / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (path, name)


def test_1_the_latest_of_1500_snapshots_is_found(reviews) -> None:
    pipeline, table, name = reviews
    _run_well(pipeline, table)
    newest = pipeline.latest(table)
    begin = parse_snapshot(newest.snapshot_timestamp) - timedelta(days=70)
    layout = pipeline.settings.layout

    def add(n: int) -> None:
        old = replace(newest, snapshot_timestamp=format_snapshot(begin + timedelta(hours=n)))
        pipeline.clients.s3.put_object(
            Bucket=layout.bucket, Key=layout.manifest_key(name, old.snapshot_timestamp), Body=old.to_json()
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(1499)))

    assert len(pipeline.labels(table)) == 1500
    assert pipeline.manifests.latest(name) == newest.snapshot_timestamp
    pipeline.query(f'DROP VIEW "{name}"')
    catalog = Catalog(pipeline.clients.glue, pipeline.database)
    choice = Choice.of(catalog, Verifier(pipeline.settings, pipeline.clients))
    assert choice.newest(pipeline.table(table)) == newest


def test_2_a_half_written_snapshot_is_never_published_nor_registered(reviews) -> None:
    pipeline, table, name = reviews
    _run_well(pipeline, table)
    layout, label = pipeline.settings.layout, pipeline.labels(table)[-1]
    half = format_snapshot(parse_snapshot(label) + timedelta(minutes=1))
    pipeline.clients.s3.put_object(
        Bucket=layout.bucket, Key=layout.snapshot_prefix(name, half) + "part-0.parquet", Body=_parquet(7)
    )

    _run_well(pipeline, table, select=f"{pipeline.database}/snapshots_{name}")
    _run_well(pipeline, table, select=f"{pipeline.database}/{name}")

    assert pipeline.query(f'SELECT count(*) FROM "{name}"') == [(2,)]
    assert pipeline.query(f'SELECT DISTINCT snapshot_timestamp FROM "snapshots_{name}"') == [(label,)]


def test_3_two_runs_of_one_slot_never_double_rows(reviews) -> None:
    pipeline, table, name = reviews
    for _ in range(3):
        _run_well(pipeline, table)
    labels = pipeline.labels(table)
    assert len(set(labels)) == 3
    counts = pipeline.query(f'SELECT snapshot_timestamp, count(*) FROM "snapshots_{name}" GROUP BY 1 ORDER BY 1')
    assert counts == [(label, 2) for label in labels]
    assert pipeline.query(f'SELECT count(*) FROM "{name}"') == [(2,)]


def test_4_a_table_that_is_empty_and_one_that_was_emptied_are_views_of_no_rows(reviews) -> None:
    """Where the check `volume` lets it: by default it keeps a drop to zero out, until a person accepts it."""
    pipeline, table, name = reviews
    pipeline = pipeline.with_table_settings(table, verification={"volume": "off"})
    dynamodb, keys = pipeline.endpoint.client("dynamodb"), [item["id"] for item in ITEMS]
    _run_well(pipeline, table)
    for key in keys:
        dynamodb.delete_item(TableName=table, Key={"id": {"S": key}})
    shown = []
    for _ in range(2):
        _run_well(pipeline, table)
        assert pipeline.query(f'SELECT count(*), count(stars) FROM "{name}"') == [(0, 0)]
        sql = Catalog(pipeline.clients.glue, pipeline.database).view_sql(name)
        shown.append(published_label(sql or ""))
    assert shown == pipeline.labels(table)[1:]


def _make_crawls_long(pipeline: Pipeline, name: str, files: int = 400) -> None:
    """Gives the crawler so much to read that it still runs when the pipeline gets to it."""
    layout, body = pipeline.settings.layout, _parquet(1)
    folder = layout.snapshot_prefix(name, "2026-01-01T00:00:00")

    def add(n: int) -> None:
        pipeline.clients.s3.put_object(Bucket=layout.bucket, Key=f"{folder}part-{n}.parquet", Body=body)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(files)))


def _start_crawl(pipeline: Pipeline, name: str) -> datetime:
    """Starts the table's crawler as somebody else would, and returns when that crawl began."""
    definition = crawler_definition(
        name, "parquet", database=pipeline.database, role_arn=ROLE, layout=pipeline.settings.layout
    )
    glue = pipeline.clients.glue
    glue.create_crawler(**definition)
    glue.start_crawler(Name=definition["Name"])
    crawler = glue.get_crawler(Name=definition["Name"])["Crawler"]
    assert crawler["State"] == "RUNNING", "the crawl was over before the test began"
    return glue.list_crawls(CrawlerName=definition["Name"])["Crawls"][0]["StartTime"]


def test_5_and_6_a_crawl_already_running_is_waited_for_and_does_not_count(reviews) -> None:
    pipeline, table, name = reviews
    _run_well(pipeline, table, select=f"s3/{name}_export")
    _make_crawls_long(pipeline, name)
    foreign = _start_crawl(pipeline, name)

    _run_well(pipeline, table, select=f"{pipeline.database}/snapshots_{name}")

    crawls = pipeline.clients.glue.list_crawls(CrawlerName=crawler_name(pipeline.database, name))["Crawls"]
    assert [crawl["State"] for crawl in crawls] == ["COMPLETED", "COMPLETED"]
    ours = max(crawl["StartTime"] for crawl in crawls)
    assert ours > foreign
    assert ours >= datetime.fromisoformat(pipeline.latest(table).finished_at)


def test_7_a_glue_run_has_a_time_limit_and_is_stopped_at_it(make_pipeline: MakePipeline, unique) -> None:
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": "glue", "time_limit": "1s"}})
    pipeline.create_table(table, ITEMS)

    message = failure_of(pipeline.run(table))

    assert table in message
    assert "time limit of 0:00:01" in message
    [run] = pipeline.glue_runs()
    assert run["JobRunState"] in {"STOPPING", "STOPPED"}
    assert pipeline.labels(table) == []


def test_7_a_crawl_has_a_time_limit_and_is_stopped_at_it(make_pipeline: MakePipeline, unique) -> None:
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": "in_process"}}, catalog={"time_limit": "1s"})
    pipeline.create_table(table, ITEMS)
    name = pipeline.table(table).name
    _run_well(pipeline, table, select=f"s3/{name}_export")
    _make_crawls_long(pipeline, name, files=1000)

    message = failure_of(pipeline.run(table, select=f"{pipeline.database}/snapshots_{name}"))

    crawler = crawler_name(pipeline.database, name)
    assert crawler in message
    assert "time limit of 0:00:01" in message
    assert pipeline.clients.glue.get_crawler(Name=crawler)["Crawler"]["State"] in {"STOPPING", "READY"}


def test_12_a_failed_glue_run_gives_its_own_reason_and_a_link(make_pipeline: MakePipeline, unique) -> None:
    table = unique("Missing")
    pipeline = make_pipeline({table: {"engine": "glue"}})

    result = pipeline.run(table)

    message = failure_of(result)
    [run] = pipeline.glue_runs()
    assert run["JobRunState"] == "FAILED"
    assert f"{table}: run {run['Id']}" in message
    assert "does not exist" in message
    assert "https://us-east-1.console.aws.amazon.com/gluestudio/home?region=us-east-1#/job/" in message
    [failure] = [event for event in result.all_events if event.is_step_failure]
    given = failure.step_failure_data.user_failure_data
    assert given is not None
    metadata = given.metadata
    assert run["Id"] in str(metadata["glue_run"].value)
    assert "does not exist" in str(metadata["reason"].value)


def test_17_a_new_attribute_neither_stales_the_view_nor_stays_out_of_it(reviews) -> None:
    pipeline, table, name = reviews
    _run_well(pipeline, table)
    pipeline.put(table, {"id": "3", "stars": 4, "photo": "p.png"})

    # The catalog has the new column and the view not yet: with SELECT * it would be stale now.
    _run_well(pipeline, table, select=f"s3/{name}_export")
    _run_well(pipeline, table, select=f"{pipeline.database}/snapshots_{name}")
    assert pipeline.query(f"SELECT * FROM \"{name}\" WHERE id = '1'") == [("1", 5, pipeline.labels(table)[0])]

    _run_well(pipeline, table, select=f"{pipeline.database}/{name}")
    assert pipeline.query(f"SELECT photo FROM \"{name}\" WHERE id = '3'") == [("p.png",)]
    sql = Catalog(pipeline.clients.glue, pipeline.database).view_sql(name)
    assert sql is not None
    assert published_label(sql) == pipeline.labels(table)[1]
    assert "*" not in sql
