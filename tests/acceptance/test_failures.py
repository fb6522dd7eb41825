"""What a person sees when something is wrong, and that the view then still shows the last good snapshot."""

from __future__ import annotations

import io

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dynamo_assets.errors import ReadError
from dynamo_assets.verification.verify import Verifier
from tests.acceptance.conftest import Pipeline, failure_of

ITEMS = [{"id": "1", "stars": 5}, {"id": "2", "stars": 2}]


@pytest.fixture
def reviews(make_pipeline, unique) -> tuple[Pipeline, str, str]:
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": "in_process"}})
    pipeline.create_table(table, ITEMS)
    assert pipeline.run(table).success
    return pipeline, table, pipeline.table(table).name


def _checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {check.check_name: check.passed for check in result.get_asset_check_evaluations()}


def test_a_snapshot_with_a_file_too_many_is_not_published(reviews) -> None:
    pipeline, table, name = reviews
    before = pipeline.labels(table)[-1]
    pipeline.put(table, {"id": "3"})
    for select in (f"s3/{name}_export", f"{pipeline.database}/snapshots_{name}"):
        assert pipeline.run(table, select=select).success
    stray = io.BytesIO()
    pq.write_table(pa.table({"id": ["4"]}), stray)
    bucket, label = pipeline.settings.storage.bucket, pipeline.labels(table)[-1]
    key = pipeline.settings.layout.snapshot_prefix(name, label) + "stray.parquet"
    pipeline.clients.s3.put_object(Bucket=bucket, Key=key, Body=stray.getvalue())

    result = pipeline.run(table, select=f"{pipeline.database}/{name}")

    message = failure_of(result)
    assert "Athena counts 4 rows" in message
    assert "the manifest says 3" in message
    assert "The view was not touched" in message
    assert _checks(result) == {"view": False}
    assert pipeline.query(f'SELECT count(*), max(snapshot_timestamp) FROM "{name}"') == [(2, before)]


def test_files_that_hold_other_rows_than_the_manifest_says_stop_the_run_before_the_catalog(
    reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the manifest and the check somebody truncates the snapshot's only file."""
    pipeline, table, name = reviews
    before = pipeline.labels(table)[-1]
    import dynamo_assets.assets.snapshot as module

    real = module._take_or_adopt
    other = io.BytesIO()
    pq.write_table(pa.table({"id": ["1"]}), other)

    def tampered(*args):
        snapshot = real(*args)
        [file] = snapshot.manifest.files
        pipeline.clients.s3.put_object(Bucket=pipeline.settings.storage.bucket, Key=file.key, Body=other.getvalue())
        return snapshot

    monkeypatch.setattr(module, "_take_or_adopt", tampered)
    result = pipeline.run(table)

    assert not result.success
    [check] = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert check.check_name == "files"
    assert f"{len(other.getvalue()):,} bytes, the manifest says" in (check.description or "")
    started = {event.step_key for event in result.all_events if event.is_step_start}
    assert started == {f"s3__{name}_export"}
    assert pipeline.query(f'SELECT DISTINCT snapshot_timestamp FROM "{name}"') == [(before,)]


def test_an_empty_table_gives_an_empty_view_with_its_columns(make_pipeline, unique) -> None:
    table = unique("Empty")
    pipeline = make_pipeline({table: {"engine": "in_process"}})
    pipeline.create_table(table)
    result = pipeline.run(table)
    assert result.success, failure_of(result)
    name = pipeline.table(table).name
    assert pipeline.query(f'SELECT count(*) FROM "{name}"') == [(0,)]
    assert pipeline.query(f'SELECT id FROM "{name}"') == []


def test_a_complete_snapshot_that_was_not_reported_is_adopted_by_the_retry(
    make_pipeline, unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step dies between the manifest and Dagster's event: its retry takes that snapshot, not a new one."""
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": "in_process", "retries": 1, "retry_delay": "1s"}})
    pipeline.create_table(table, ITEMS)
    real, calls = Verifier.verify, []

    def fails_once(*args):
        calls.append(args)
        if len(calls) == 1:
            raise ReadError("S3 is not there for a moment")
        return real(*args)

    monkeypatch.setattr(Verifier, "verify", fails_once)
    name = pipeline.table(table).name
    result = pipeline.run(table)

    assert result.success, failure_of(result)
    assert len(calls) == 2
    [label] = pipeline.labels(table)
    [materialization] = result.asset_materializations_for_node(f"s3__{name}_export")
    assert materialization.metadata["snapshot_timestamp"].value == label
    assert materialization.metadata["adopted"].value is True
    assert pipeline.run(table).success
    assert len(pipeline.labels(table)) == 2, "a further run takes a further snapshot"


def test_a_failure_is_headed_by_its_reason_after_the_last_retry_too(make_pipeline, unique) -> None:
    table = unique("Reviews")
    pipeline = make_pipeline(
        {table: {"engine": "in_process", "retries": 1, "retry_delay": "1s"}}, athena={"time_limit": "1s"}
    )
    pipeline.create_table(table, ITEMS)
    pipeline.clients.athena.delete_work_group(WorkGroup=pipeline.settings.athena.workgroup)

    result = pipeline.run(table)

    name = pipeline.table(table).name
    assert result.retry_attempts_for_node(f"{pipeline.database}__{name}") == 1
    failure = next(event for event in result.all_events if event.is_step_failure).step_failure_data
    assert failure.error is not None
    assert "Exceeded max_retries" not in failure.error.message
    assert failure.user_failure_data is not None
    assert "WorkGroup" in (failure.user_failure_data.description or "")


def test_a_table_in_the_place_of_the_view_is_left_alone(make_pipeline, unique) -> None:
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": "in_process"}})
    pipeline.create_table(table, ITEMS)
    name = pipeline.table(table).name
    taken = {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {"Columns": [], "Location": "s3://x/y/"}}
    pipeline.clients.glue.create_table(DatabaseName=pipeline.database, TableInput=taken)  # pyright: ignore[reportArgumentType]

    message = failure_of(pipeline.run(table))

    assert f"{pipeline.database}.{name} exists and is not an Athena view" in message
    kept = pipeline.clients.glue.get_table(DatabaseName=pipeline.database, Name=name)["Table"]
    assert kept.get("TableType") == "EXTERNAL_TABLE"
