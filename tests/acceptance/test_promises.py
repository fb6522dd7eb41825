"""The promises of this project, by their numbers; `ELSEWHERE` says which tests elsewhere hold it to them, too."""

from __future__ import annotations

import ast
import io
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.session import Session

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.waiting import wait_until
from dynamo_assets.errors import DynamoAssetsError
from dynamo_assets.export.claim import utc_now
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.naming import format_snapshot, parse_snapshot
from tests.acceptance.conftest import Pipeline, failure_of
from tests.acceptance.old_snapshots import OldSnapshots, label
from tests.acceptance.test_erase import erase, objects

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "dynamo_assets"
DIRECT = {"catalog": {"method": "direct"}}
A_WHILE = timedelta(seconds=60)

ELSEWHERE = {
    1: {
        "acceptance/test_defects.py": [
            "test_2_a_half_written_snapshot_is_never_published_nor_registered",
        ],
        "acceptance/test_checks.py": [
            "test_files_that_are_not_the_manifests_keep_a_snapshot_out",
            "test_a_view_that_shows_other_rows_once_it_has_moved_shows_again_what_it_showed",
        ],
        "acceptance/faults/test_killed.py": [
            "test_a_run_killed_at_any_stage_leaves_the_view_whole_and_the_way_free",
        ],
        "acceptance/faults/test_two_runs.py": [
            "test_a_view_s_query_that_comes_later_than_that_of_a_newer_snapshot_does_not_move_the_view_back",
            "test_a_snapshot_that_is_complete_later_than_a_newer_one_does_not_move_the_view_back",
        ],
        "acceptance/test_direct_widening.py": [
            "test_between_the_widened_table_and_the_new_view_a_query_fails_and_shows_nothing_else",
        ],
        "acceptance/test_sets.py": [
            "test_all_views_of_a_set_show_one_instant_and_a_backfill_moves_none_back",
        ],
    },
    2: {
        "acceptance/test_whole_path.py": [
            "test_a_past_slot_is_refused_and_nothing_is_started",
        ],
        "acceptance/test_point_in_time.py": [
            "test_five_instants_filled_in_any_order_are_the_states_that_were",
            "test_the_label_is_the_slots_instant",
            "test_a_slot_before_the_window_is_refused_with_the_reason_and_nothing_is_started",
        ],
        "acceptance/test_incremental.py": [
            "test_between_full_exports_snapshots_are_made_of_changes",
        ],
    },
    3: {
        "acceptance/test_values.py": [
            "test_a_hostile_corpus_comes_back_equal",
            "test_a_hostile_corpus_comes_back_equal_from_glue",
            "test_the_files_themselves_hold_every_value",
        ],
        "acceptance/test_point_in_time.py": [
            "test_a_hostile_corpus_comes_back_equal",
        ],
        "acceptance/test_large_tables.py": [
            "test_items_of_400_kb_and_maps_of_50000_keys_come_back_equal",
            "test_1900_attributes_have_their_columns_in_athena",
        ],
        "acceptance/test_erase.py": [
            "test_items_are_gone_from_every_snapshot_in_every_format_and_all_else_is_as_it_was",
        ],
    },
    4: {
        "acceptance/test_restart.py": [
            "test_a_retry_after_a_killed_process_attaches_to_the_glue_run_in_flight",
        ],
        "acceptance/test_whole_path.py": [
            "test_two_snapshots_are_four_rows_in_the_raw_table_and_two_in_the_view",
        ],
        "acceptance/test_connector.py": [
            "test_its_snapshots_and_those_of_engine_glue_are_one_table",
        ],
        "acceptance/test_point_in_time.py": [
            "test_a_complete_snapshot_is_not_exported_again",
        ],
        "acceptance/test_point_in_time_restart.py": [
            "test_two_runs_of_one_slot_share_one_export_and_leave_one_snapshot",
        ],
        "acceptance/test_failures.py": [
            "test_a_complete_snapshot_that_was_not_reported_is_adopted_by_the_retry",
        ],
        "acceptance/test_erase.py": [
            "test_an_erasure_that_is_killed_between_any_two_writes_is_ended_by_the_next",
        ],
    },
    5: {
        "acceptance/test_retention.py": [
            "test_the_published_snapshot_and_what_the_view_may_move_to_stay_however_old",
            "test_what_is_pinned_or_has_a_view_of_its_own_stays",
            "test_a_table_without_a_view_keeps_its_newest",
            "test_what_the_next_increment_starts_from_stays",
            "test_a_view_that_is_pointed_to_a_snapshot_whose_removal_has_begun_gets_it_back",
            "test_an_interrupted_removal_is_never_seen_and_the_next_run_ends_it",
        ],
    },
    6: {
        "acceptance/faults/test_crawls.py": [
            "test_a_crawl_that_fails_or_hangs_publishes_nothing_and_the_next_one_does",
        ],
        "acceptance/faults/test_glue_runs.py": [
            "test_a_glue_run_that_ends_in_any_state_but_success_publishes_nothing_and_the_next_one_does",
        ],
        "acceptance/faults/test_queries.py": [
            "test_a_query_that_fails_is_cancelled_or_never_begins_leaves_the_view_as_it_was",
        ],
        "acceptance/faults/test_throttling.py": [
            "test_a_run_of_which_two_of_three_calls_are_throttled_is_as_any_other",
        ],
        "acceptance/faults/test_source_and_storage.py": [
            "test_where_s3_takes_no_writes_nothing_is_published_and_the_next_run_is_as_any_other",
        ],
        "acceptance/faults/test_killed.py": [
            "test_a_run_told_to_end_stops_its_crawl_and_its_query",
        ],
        "acceptance/test_restart.py": [
            "test_a_terminated_run_stops_its_glue_run",
        ],
        "acceptance/test_defects.py": [
            "test_12_a_failed_glue_run_gives_its_own_reason_and_a_link",
        ],
        "test_failures.py": [
            "test_what_aws_does_not_do_is_told_with_table_call_code_and_advice",
        ],
    },
    7: {
        "test_definitions.py": [
            "test_loading_500_tables_calls_no_aws_api",
            "test_loading_the_code_location_reads_the_tables_file_and_calls_no_aws_api",
        ],
    },
}


def test_every_promise_has_a_test_and_those_named_elsewhere_exist() -> None:
    here = {int(name.split("_")[2]) for name in globals() if name.startswith("test_promise_")}
    assert here | set(ELSEWHERE) == set(range(1, 9))
    for files in ELSEWHERE.values():
        for path, names in files.items():
            tree = ast.parse((TESTS / path).read_text())
            assert set(names) <= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, path


@dataclass
class Reader:
    """Queries a view again and again, as a dashboard does, and keeps each answer that differs from the one before."""

    read: Callable[[], Any]
    answers: list[Any] = field(default_factory=list)
    count: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def _go_on(self) -> None:
        while not self._over.is_set():
            answer = self.read()
            if not self.answers or answer != self.answers[-1]:
                self.answers.append(answer)
            self.count += 1

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Reads meanwhile. An error of the view's is an error here."""
        with ThreadPoolExecutor(1, "reader") as pool:
            reads = pool.submit(self._go_on)
            try:
                yield self
            finally:
                self._over.set()
            reads.result()

    def looks(self) -> None:
        """Waits until it has read what there is now, from before its question to its answer."""
        begun = self.count
        # One answer may be on its way; a second one was asked for after this call.
        enough = lambda: self.count >= begun + 2 or self._over.is_set() or None  # noqa: E731
        wait_until(enough, what="the reader", timeout=A_WHILE, interval_seconds=0.05)


def _stray() -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table({"id": ["9"], "generation": [9]}), content)
    return content.getvalue()


def test_promise_1_a_reader_sees_one_snapshot_after_another_and_never_anything_else(
    make_pipeline, unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes by: runs, a snapshot that is damaged, a rollback, a new column, a table that was emptied."""
    table = unique("Reviews")
    pipeline: Pipeline = make_pipeline({table: {"engine": "in_process"}})
    pipeline.create_table(table)
    dynamodb, name = pipeline.endpoint.client("dynamodb"), pipeline.table(table).name
    expected: list[tuple[Any, ...]] = []

    def write(generation: int, **more: Any) -> None:
        """Each item says of which generation it is: rows of two snapshots in one answer would tell."""
        for n in range(2 + generation):
            pipeline.put(table, {"id": str(n), "generation": generation, **more})

    def read() -> tuple[Any, ...]:
        [row] = pipeline.query(
            "SELECT min(snapshot_timestamp), max(snapshot_timestamp), count(*), min(generation), max(generation) "
            f'FROM "{name}"'
        )
        return row

    def shows(generation: int, at: str) -> None:
        expected.append((at, at, 2 + generation, generation, generation))
        reader.looks()

    def runs(generation: int) -> None:
        result = pipeline.run(table)
        assert result.success, failure_of(result)
        shows(generation, pipeline.labels(table)[-1])

    def damaged(store: ManifestStore, manifest: Manifest) -> str:
        place = pipeline.settings.layout.snapshot_prefix(manifest.name, manifest.snapshot_timestamp)
        bucket = pipeline.settings.storage.bucket
        pipeline.clients.s3.put_object(Bucket=bucket, Key=f"{place}stray.parquet", Body=_stray())
        return writes(store, manifest)

    write(0)
    assert pipeline.run(table).success
    [first] = pipeline.labels(table)
    writes, reader = ManifestStore.write, Reader(read)
    with reader.reading():
        shows(0, first)
        write(1)
        runs(1)
        write(2)
        with monkeypatch.context() as patched:
            patched.setattr(ManifestStore, "write", damaged)
            assert not pipeline.run(table).success
        reader.looks()
        pipeline.publish(table, snapshot=first)
        shows(0, first)
        write(3, added="a new attribute")
        runs(3)
        for n in range(5):
            dynamodb.delete_item(TableName=table, Key={"id": {"S": str(n)}})
        assert not pipeline.run(table).success, "nobody has said that it may be empty"
        reader.looks()
        pipeline.publish(table, snapshot=pipeline.labels(table)[-1], accept=True)
        expected.append((None, None, 0, None, None))
        reader.looks()
        write(4)
        pipeline = pipeline.with_table_settings(table, volume={"rise": None})
        runs(4)
    assert reader.answers == expected


def test_promise_2_what_was_written_before_the_label_s_second_is_in_the_snapshot(reviews) -> None:
    """Items go on being written all the time; each says when its writing had ended."""
    pipeline, table, name = reviews
    over = threading.Event()

    def keep_writing() -> dict[str, datetime]:
        ended: dict[str, datetime] = {}
        while not over.is_set():
            key = f"written-{len(ended)}"
            pipeline.put(table, {"id": key})
            ended[key] = utc_now()
        return ended

    begun = format_snapshot(utc_now())
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(keep_writing)
        try:
            results = [pipeline.run(table) for _ in range(2)]
        finally:
            over.set()
        written = writing.result()
    assert all(result.success for result in results)
    first, second = pipeline.labels(table)
    assert begun <= first < second <= format_snapshot(utc_now())
    for at in (first, second):
        manifest = pipeline.manifests.read(name, at)
        rows = {
            row for (row,) in pipeline.query(f"SELECT id FROM \"snapshots_{name}\" WHERE snapshot_timestamp = '{at}'")
        }
        assert {key for key, when in written.items() if when < parse_snapshot(at)} <= rows
        # Of the first one after it, the writing may have begun before.
        after = [key for key, when in written.items() if when > datetime.fromisoformat(manifest.finished_at)]
        assert rows.isdisjoint(after[1:])
        assert len(rows) == manifest.rows


def test_promise_4_anything_may_be_run_twice(reviews) -> None:
    """Each step by itself, the whole, and what a person does; a slot's first snapshot is touched by none of it."""
    pipeline, table, name = reviews
    assert pipeline.run(table).success
    [first] = pipeline.labels(table)
    layout = pipeline.settings.layout
    places = (layout.snapshot_prefix(name, first), layout.manifest_key(name, first))
    before = objects(pipeline, *places)
    assert len(before) == 2

    steps = (f"s3/{name}_export", f"{pipeline.database}/snapshots_{name}", f"{pipeline.database}/{name}")
    for step in (None, *steps):
        for _ in range(2):
            assert pipeline.run(table, select=step).success
    labels = pipeline.labels(table)
    assert len(labels) == 1 + 2 + 2, "each scan is another snapshot"
    for _ in range(2):
        pipeline.publish(table, snapshot=first, pin=True)
        assert pipeline.run(table, select=steps[2]).success
        assert pipeline.query(f'SELECT DISTINCT snapshot_timestamp FROM "{name}"') == [(first,)]
    for _ in range(2):
        pipeline.publish(table, unpin=True)

    assert objects(pipeline, *places) == before
    counts = f'SELECT snapshot_timestamp, count(*), count(DISTINCT id) FROM "snapshots_{name}" GROUP BY 1 ORDER BY 1'
    assert pipeline.query(counts) == [(each, 2, 2) for each in labels]
    assert pipeline.query(f'SELECT DISTINCT snapshot_timestamp FROM "{name}"') == [(labels[-1],)]
    assert erase(pipeline, table, "1").erased.keys() == set(labels)
    assert not erase(pipeline, table, "1").erased
    assert pipeline.query(counts) == [(each, 1, 1) for each in labels]


def test_promise_5_what_is_published_stays_while_retention_erasure_and_people_work_at_once(
    make_pipeline, unique
) -> None:
    table = unique("Reviews")
    entry = {"engine": "in_process", "retention": {"keep_last": 1}}
    pipeline: Pipeline = make_pipeline({table: entry}, **DIRECT)
    pipeline.create_table(table, [{"id": "1"}, {"id": "2"}, {"id": "gone"}])
    assert pipeline.run(table).success
    old = OldSnapshots(pipeline, table)
    labels, newest = old.add([label(days) for days in range(6, 0, -1)]), old.newest.snapshot_timestamp
    for each in labels:
        old.verified(each)
    reader = Reader(lambda: pipeline.query(f'SELECT count(*), count(DISTINCT snapshot_timestamp) FROM "{old.name}"')[0])

    refused: list[str] = []

    def publish() -> list[str]:
        published = []
        for each in (labels[1], newest, labels[4], labels[2]):
            try:
                pipeline.publish(table, snapshot=each)
                published.append(each)
            except DynamoAssetsError as error:
                refused.append(str(error))
        return published

    with reader.reading(), ThreadPoolExecutor(3) as pool:
        reader.looks()
        by_hand = pool.submit(publish)
        retained = pool.submit(lambda: [old.run() for _ in range(3)])
        erased = pool.submit(erase, pipeline, table, "gone")
        assert by_hand.result()
        assert all(result.success for result in retained.result())
        assert not erased.result().failed
        reader.looks()

    assert all(table in text or old.name in text for text in refused), refused
    assert set(reader.answers) <= {(3, 1), (2, 1)}, "the view was never without its snapshot"
    assert reader.answers[-1] == (2, 1)
    [(shown,)] = pipeline.query(f'SELECT DISTINCT snapshot_timestamp FROM "{old.name}"')
    left = pipeline.labels(table)
    assert {shown, newest} <= set(left)
    assert old.rows() == dict.fromkeys(left, 2)


def test_promise_8_nothing_outside_the_sandbox_asks_whether_it_runs_there() -> None:
    """No text and no name of the code says so; what is said of it in comments and docstrings does nothing."""
    telling = ("localhost", "127.0.0.1", "[::1]", "sandbox", "endpoint_url", "moto", "is_local", "localstack")
    above = {("sandbox",), ("cli.py",), ("commands", "sandbox.py"), ("commands", "demo.py")}
    # Spark's executors find its driver there where Spark names no host.
    known = {("export/on_spark.py", "localhost")}
    found = {
        (str(path.relative_to(root)), word)
        for root in (PACKAGE, PACKAGE.parent / "glue_scripts")
        for path in root.rglob("*.py")
        if above.isdisjoint({path.relative_to(root).parts[:1], path.relative_to(root).parts})
        for text in _texts(ast.parse(path.read_text()))
        for word in telling
        if word in text.lower()
    }
    assert found - known <= {("errors.py", "sandbox")}, "its own error stands with the others"


def _texts(tree: ast.AST) -> Iterator[str]:
    """Names and literals, docstrings aside."""
    spoken = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in spoken:
                yield text
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)) | ast.arg(arg=name):
                yield name
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
            case _:
                pass


def test_promise_8_every_client_of_a_run_finds_aws_by_the_environment_alone(
    reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, table, name = reviews
    clients: list[tuple[str, Mapping[str, Any]]] = []
    make = Session.create_client

    def noted(self: Session, service_name: str, *of: Any, **options: Any) -> Any:
        clients.append((service_name, options))
        return make(self, service_name, *of, **options)

    monkeypatch.setattr(Session, "create_client", noted)
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", "promise-8")  # so that no client of another test is shared
    assert pipeline.run(table).success
    services = {service for service, _ in clients}
    assert {"athena", "dynamodb", "glue", "s3"} <= services
    told = ("endpoint_url", "aws_access_key_id", "aws_secret_access_key", "use_ssl", "verify")
    assert not [(service, key) for service, options in clients for key in told if options.get(key) not in (None, True)]
    assert AwsClients().glue.meta.endpoint_url == pipeline.endpoint.url
    assert pipeline.query(f'SELECT count(*) FROM "{name}"') == [(2,)]
