"""Each check between a snapshot and its view: one run that passes it, and one that trips it by really bad data."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dynamo_assets.assets.raw_table import RawTable
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.naming import job_name
from dynamo_assets.publishing.views import Views
from tests.acceptance.conftest import Pipeline, failure_of

ITEMS = [{"id": "1", "stars": 5}, {"id": "2", "stars": 2}]
DIRECT = {"catalog": {"method": "direct"}}


@dataclass
class Checked:
    """One table that is exported, and what its checks said last."""

    pipeline: Pipeline
    table: str
    result: dg.ExecuteInProcessResult | None = None

    @property
    def name(self) -> str:
        return self.pipeline.table(self.table).name

    def run(self, **options: Any) -> dg.ExecuteInProcessResult:
        self.result = self.pipeline.run(self.table, **options)
        return self.result

    def check(self, name: str) -> dg.AssetCheckEvaluation:
        assert self.result
        [found] = [check for check in self.result.get_asset_check_evaluations() if check.check_name == name]
        return found

    def passed(self) -> dict[str, bool]:
        assert self.result
        return {check.check_name: check.passed for check in self.result.get_asset_check_evaluations()}

    def shown(self) -> list[tuple[Any, ...]]:
        """The label that the view shows, and how many rows."""
        return self.pipeline.query(f'SELECT max(snapshot_timestamp), count(*) FROM "{self.name}"')

    def edit(self, **changes: Any) -> None:
        self.pipeline = self.pipeline.with_table_settings(self.table, **changes)


@pytest.fixture
def make_checked(make_pipeline, unique) -> Callable[..., Checked]:
    def make(items: list[dict[str, Any]] = ITEMS, **entry: Any) -> Checked:
        table = unique("Reviews")
        pipeline = make_pipeline({table: {"engine": "in_process", **entry}}, **DIRECT)
        pipeline.create_table(table, items)
        return Checked(pipeline, table)

    return make


@pytest.fixture
def tampered(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Manifest], None]], None]:
    """Has somebody do something to a snapshot in the moment between its manifest and its checks."""

    def tamper(action: Callable[[Manifest], None]) -> None:
        write = ManifestStore.write

        def and_then(store: ManifestStore, manifest: Manifest) -> str:
            key = write(store, manifest)
            action(manifest)
            return key

        monkeypatch.setattr(ManifestStore, "write", and_then)

    return tamper


def _parquet(**columns: list[Any]) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table(columns), content)
    return content.getvalue()


def test_a_healthy_table_passes_every_check(make_checked) -> None:
    checked = make_checked()
    assert checked.run().success
    assert checked.run().success, "and again, with a snapshot before it to compare with"
    names = ("files", "keys", "volume", "source", "schema", "conversions", "catalog", "view")
    assert checked.passed() == dict.fromkeys(names, True)


@pytest.mark.parametrize("damage", ["gone", "other-bytes", "stray"])
def test_files_that_are_not_the_manifests_keep_a_snapshot_out(make_checked, tampered, damage: str) -> None:
    checked = make_checked()
    assert checked.run().success
    before = checked.shown()
    s3, layout = checked.pipeline.clients.s3, checked.pipeline.settings.layout

    def damaged(manifest: Manifest) -> None:
        [file] = manifest.files
        if damage == "gone":
            s3.delete_object(Bucket=layout.bucket, Key=file.key)
        elif damage == "other-bytes":
            content = bytearray(s3.get_object(Bucket=layout.bucket, Key=file.key)["Body"].read())
            content[10] ^= 1  # as long as before, and Parquet's footer is sound
            s3.put_object(Bucket=layout.bucket, Key=file.key, Body=bytes(content), ChecksumAlgorithm="SHA256")
        else:
            s3.put_object(
                Bucket=layout.bucket,
                Key=f"{layout.snapshot_prefix(manifest.name, manifest.snapshot_timestamp)}x",
                Body=_parquet(id=["9"]),
            )

    tampered(damaged)
    assert not checked.run().success
    said = checked.check("files")
    assert not said.passed
    assert said.severity is dg.AssetCheckSeverity.ERROR
    expected = {"gone": "does not exist", "other-bytes": "SHA-256", "stray": "does not name this file"}[damage]
    assert expected in (said.description or "")
    assert "materialize the slot again" in (said.description or "")
    assert checked.shown() == before
    latest = checked.pipeline.labels(checked.table)[-1]
    assert checked.pipeline.records.state(checked.name, latest) == "rejected"


def test_a_key_that_stands_twice_or_is_null_keeps_a_snapshot_out(make_checked, tampered) -> None:
    """The only file is written once more with other rows, and the manifest says that it should be so."""
    checked = make_checked()
    assert checked.run().success
    before = checked.shown()
    pipeline = checked.pipeline
    keys: list[str | None] = ["1", "1"]

    def rewritten(manifest: Manifest) -> None:
        [file] = manifest.files
        content = _parquet(id=keys, stars=[5, 2])
        key = pipeline.settings.layout.manifest_key(manifest.name, manifest.snapshot_timestamp)
        other = replace(file, bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), checksum="")
        s3, bucket = pipeline.clients.s3, pipeline.settings.storage.bucket
        s3.put_object(Bucket=bucket, Key=file.key, Body=content)
        s3.put_object(Bucket=bucket, Key=key, Body=replace(manifest, files=(other,)).to_json())
        for field, value in {"bytes": other.bytes, "sha256": other.sha256, "checksum": ""}.items():
            object.__setattr__(file, field, value)

    tampered(rewritten)
    assert not checked.run().success
    assert checked.passed() == {**checked.passed(), "files": True, "keys": False}
    assert "1 keys stand in more than one row: id='1' in 2 rows" in (checked.check("keys").description or "")
    keys[0] = None
    assert not checked.run().success
    assert "1 rows without a key" in (checked.check("keys").description or "")
    assert checked.shown() == before


def test_a_table_that_was_emptied_does_not_go_live_until_a_person_accepts_it(make_checked) -> None:
    checked = make_checked()
    assert checked.run().success
    before = checked.shown()
    dynamodb = checked.pipeline.endpoint.client("dynamodb")
    for item in ITEMS:
        dynamodb.delete_item(TableName=checked.table, Key={"id": {"S": item["id"]}})

    message = failure_of(checked.run())
    assert f"Failure: {checked.table}: snapshot " in message
    said = checked.check("volume")
    assert "0 rows, and 2 in" in (said.description or "")
    assert f"the view shows what it showed. volume: {said.description}" in message
    assert f"publish {checked.table} --snapshot" in (said.description or "")
    assert checked.shown() == before
    label = checked.pipeline.labels(checked.table)[-1]

    with pytest.raises(Exception, match="did not pass its checks: volume"):
        checked.pipeline.publish(checked.table, snapshot=label)
    assert checked.shown() == before
    checked.pipeline.publish(checked.table, snapshot=label, accept=True)
    assert checked.shown() == [(None, 0)]

    assert checked.run().success, "the next snapshot, as empty, is compared with the accepted one"
    assert checked.check("volume").passed


def test_rows_outside_the_band_warn_or_block_as_the_table_says(make_checked) -> None:
    checked = make_checked([{"id": str(n)} for n in range(4)], volume={"drop": "50%", "rise": "100%"})
    assert checked.run().success
    dynamodb = checked.pipeline.endpoint.client("dynamodb")
    for n in range(3):
        dynamodb.delete_item(TableName=checked.table, Key={"id": {"S": str(n)}})
    assert checked.run().success
    said = checked.check("volume")
    assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "1 rows, and 4 in" in (said.description or "")
    assert "fewer by more than 50%" in (said.description or "")
    for n in range(10, 14):
        checked.pipeline.put(checked.table, {"id": str(n)})
    before = checked.shown()
    checked.edit(verification={"volume": "block"})
    assert not checked.run().success
    assert "more by more than 100%" in (checked.check("volume").description or "")
    assert checked.shown() == before


def test_attributes_that_come_go_and_widen_are_named_and_a_warning(make_checked) -> None:
    checked = make_checked([{"id": "1", "stars": 5, "old": "x"}])
    assert checked.run().success
    checked.pipeline.put(checked.table, {"id": "1", "stars": Decimal("2.5"), "new": "y"})
    assert checked.run().success
    said = checked.check("schema")
    assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.WARN)
    for change in ("added: new", "gone: old", "widened: stars: bigint -> decimal(38,18)"):
        assert change in (said.description or "")


def test_values_that_became_text_or_lost_digits_are_counted_and_a_warning(make_checked) -> None:
    items = [{"id": "1", "mixed": "a", "price": Decimal("0.12345678901234567890")}, {"id": "2", "mixed": 7}]
    checked = make_checked(items, columns={"price": "double"})
    assert checked.run().success
    said = checked.check("conversions")
    assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "'mixed': 1 values that are not text are kept as text" in (said.description or "")
    assert "'price': 1 values lost digits" in (said.description or "")


def test_a_table_whose_count_in_dynamodb_is_far_off_is_a_warning(make_checked, tampered) -> None:
    checked = make_checked()

    def loaded(_: Manifest) -> None:
        for n in range(10):
            checked.pipeline.put(checked.table, {"id": f"new-{n}"})

    tampered(loaded)
    assert checked.run().success
    said = checked.check("source")
    assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "2 rows; DynamoDB counted 12 items" in (said.description or "")


def test_two_tables_at_one_place_are_told_by_the_catalog_check(make_checked) -> None:
    checked = make_checked()
    assert checked.run().success
    before = checked.shown()
    glue, database = checked.pipeline.clients.glue, checked.pipeline.database
    raw = glue.get_table(DatabaseName=database, Name=f"snapshots_{checked.name}")["Table"]
    second: Any = {"Name": f"{checked.name}_again", **{key: raw[key] for key in ("StorageDescriptor", "TableType")}}
    glue.create_table(DatabaseName=database, TableInput=second)

    assert not checked.run().success
    said = checked.check("catalog")
    assert not said.passed
    assert f"{checked.name}_again" in (said.description or "")
    assert checked.shown() == before


@pytest.fixture
def crawled(make_pipeline, unique) -> Checked:
    """A table of numbers for which a crawler infers another type than theirs: JSON does not say it."""
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": "in_process", "format": "json"}})
    pipeline.create_table(table, [{"id": "1", "price": Decimal("0.10")}, {"id": "2", "price": Decimal("12.345")}])
    return Checked(pipeline, table)


def test_what_a_crawler_inferred_otherwise_is_corrected_and_told_and_a_partition_that_is_missing_keeps_out(
    crawled: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert crawled.run().success
    said = crawled.check("catalog")
    assert said.passed
    assert "price: double -> decimal(38,18)" in str(said.metadata["corrected_from_the_manifest"].value)
    before = crawled.shown()
    assert crawled.pipeline.query(f'SELECT sum(price) FROM "{crawled.name}"') == [(Decimal("12.445"),)]
    corrects = RawTable.match_columns

    def and_somebody_drops_it(raw: RawTable, manifest: Manifest, newest: Manifest) -> list[str]:
        corrected = corrects(raw, manifest, newest)
        raw.catalog.unregister(f"snapshots_{crawled.name}", [manifest.snapshot_timestamp])
        return corrected

    with monkeypatch.context() as patched:
        patched.setattr(RawTable, "match_columns", and_somebody_drops_it)
        assert not crawled.run().success
    said = crawled.check("catalog")
    assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert f"has no partition {crawled.pipeline.labels(crawled.table)[-1]}" in (said.description or "")
    assert "Materialize this asset again" in (said.description or "")
    assert crawled.shown() == before
    assert crawled.run().success, "the next run needs no cleaning up"


def test_a_view_that_shows_other_rows_once_it_has_moved_shows_again_what_it_showed(
    make_checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody puts a file into the snapshot's folder, between the look at it and the count through the view."""
    checked = make_checked()
    publish, s3, layout = Views.publish, checked.pipeline.clients.s3, checked.pipeline.settings.layout

    def and_somebody_adds_a_file(views: Views, manifest: Manifest, **options: Any) -> None:
        publish(views, manifest, **options)
        place = layout.snapshot_prefix(manifest.name, manifest.snapshot_timestamp)
        s3.put_object(Bucket=layout.bucket, Key=f"{place}late.parquet", Body=_parquet(id=["9"], stars=[1]))

    def fails() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Views, "publish", and_somebody_adds_a_file)
            message = failure_of(checked.run())
        said = checked.check("view")
        assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.ERROR)
        assert all("Athena counts 3 rows" in told and "says 2" in told for told in (message, said.description or ""))
        assert f"Moved back to what they showed before: {checked.table}" in message

    fails()
    glue, database = checked.pipeline.clients.glue, checked.pipeline.database
    names = [table["Name"] for table in glue.get_tables(DatabaseName=database)["TableList"]]
    assert names == [f"snapshots_{checked.name}"], "where there was no view, there is none again"
    assert checked.run().success
    before = checked.shown()
    fails()
    assert checked.shown() == before


def test_a_declared_check_keeps_out_what_it_does_not_expect(make_checked) -> None:
    none_negative = {"name": "no_negative_stars", "sql": "SELECT count(*) FROM {view} WHERE stars < 0", "expect": 0}
    few = {"sql": "SELECT max(stars) <= 5 FROM {view} AS v", "expect": True, "level": "warn"}
    checked = make_checked(checks=[none_negative, few])
    assert checked.run().success
    assert checked.check("no_negative_stars").passed
    assert checked.check("declared_2").passed
    before = checked.shown()
    checked.pipeline.put(checked.table, {"id": "3", "stars": -1})

    message = failure_of(checked.run())

    assert "no_negative_stars: gives 1, and 0 is expected" in message
    assert not checked.check("no_negative_stars").passed
    assert checked.shown() == before
    checked.edit(checks=[{**none_negative, "sql": "SELECT nothing FROM {view}"}])
    assert "no_negative_stars" in failure_of(checked.run())
    assert checked.shown() == before


def test_checks_that_are_turned_off_are_not_there(make_checked) -> None:
    names = ("files", "keys", "volume", "source", "schema", "conversions", "catalog", "view")
    checked = make_checked(verification=dict.fromkeys(names, "off"))
    assert checked.run().success
    assert checked.passed() == {}
    assert checked.shown() == [(checked.pipeline.labels(checked.table)[-1], 2)]


def test_a_check_that_only_warns_keeps_nothing_out(make_checked, tampered) -> None:
    checked = make_checked(verification={"files": "warn", "view": "warn"})
    s3, layout = checked.pipeline.clients.s3, checked.pipeline.settings.layout
    place = lambda manifest: layout.snapshot_prefix(manifest.name, manifest.snapshot_timestamp)  # noqa: E731
    tampered(lambda manifest: s3.put_object(Bucket=layout.bucket, Key=f"{place(manifest)}_x", Body=b"hidden"))
    assert checked.run().success
    assert checked.check("files").passed, "what Athena does not read is no stray file"


def test_the_check_in_python_of_the_docs_keeps_the_view_where_it_is(make_checked, monkeypatch) -> None:
    checked = make_checked([{"id": "1", "lines": ["kettle"]}])
    pipeline, name = checked.pipeline, checked.name
    monkeypatch.setenv("DYNAMO_ASSETS_CONFIG", str(pipeline.config_path))
    docs = Path(__file__).parents[2] / "docs" / "checks.md"
    [code] = re.findall(r"```python\n(.*?)```", docs.read_text(), re.DOTALL)
    code = code.replace("snapshots_orders", f"snapshots_{name}").replace("dynamodb_exports", pipeline.database)
    module: dict[str, Any] = {}
    exec(compile(code, docs, "exec", dont_inherit=True), module)

    def run() -> dg.ExecuteInProcessResult:
        job = module["defs"]().resolve_job_def(job_name(pipeline.table(checked.table).schedule))
        checked.result = job.execute_in_process(
            partition_key=pipeline.slot(checked.table), instance=pipeline.instance, raise_on_error=False
        )
        return checked.result

    assert run().success
    assert checked.check("every_order_has_lines").passed
    before = checked.shown()
    pipeline.put(checked.table, {"id": "2", "lines": []})
    assert not run().success
    assert checked.check("every_order_has_lines").metadata["empty"].value == 1
    assert checked.shown() == before


def test_a_snapshot_of_another_program_is_verified_before_it_is_shown(make_checked) -> None:
    checked = make_checked()
    assert checked.run().success
    checked.pipeline.put(checked.table, {"id": "3"})
    assert checked.run(select=f"s3/{checked.name}_export").success
    records, layout = checked.pipeline.records, checked.pipeline.settings.layout
    label = checked.pipeline.labels(checked.table)[-1]
    # As a snapshot has none that the export's own command took.
    checked.pipeline.clients.s3.delete_object(Bucket=layout.bucket, Key=layout.verified_key(checked.name, label))
    assert records.state(checked.name, label) == "unknown"

    assert checked.run(select=f"{checked.pipeline.database}/snapshots_{checked.name}").success
    assert records.state(checked.name, label) == "verified"
    assert checked.run(select=f"{checked.pipeline.database}/{checked.name}").success
    assert checked.shown() == [(label, 3)]
