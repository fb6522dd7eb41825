"""A snapshot's keys are judged as Python's own Counter would, whatever their types and the files' format."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynamo_assets.errors import ManifestError
from dynamo_assets.export import ExportRequest, InProcess, run_export
from dynamo_assets.export.key_uniqueness import check, repeated
from dynamo_assets.export.key_uniqueness.check import check_keys
from dynamo_assets.export.key_uniqueness.findings import DuplicatedKey, KeyFindings
from dynamo_assets.export.key_uniqueness.fingerprints import Fingerprints
from dynamo_assets.export.manifest import Manifest, ManifestColumn, ManifestFile
from dynamo_assets.export.request import Format
from dynamo_assets.export.schema import athena_type
from dynamo_assets.naming import Layout
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.conftest import own_client
from tests.export.formats.arrow_tables import DECIMAL, values
from tests.export.formats.files import written
from tests.export.manifests import snapshot_of

FORMATS = get_args(Format)
Row = tuple[Any, ...]
# A key attribute's type, and the types that its column may have.
KINDS = [("S", pa.string()), ("N", pa.int64()), ("N", DECIMAL), ("N", pa.string()), ("B", pa.binary())]
_NUMBERS_AS_TEXT = st.integers(-3, 3).map(lambda n: f"{n}{'0' * 40}")


def _keys(tag: str, kind: pa.DataType) -> st.SearchStrategy[Any]:
    if tag == "N" and kind == pa.string():
        return st.none() | _NUMBERS_AS_TEXT
    return values(kind)


class Snapshot:
    """Files of rows whose first columns are keys, put into S3 without an export."""

    def __init__(self, aws: Endpoint, bucket: str, format: str, kinds: Sequence[tuple[str, pa.DataType]]):
        self.s3 = own_client(aws, "s3")
        self.bucket, self.format, self.kinds = bucket, format, kinds
        self.names = ["k1", "k2"][: len(kinds)]
        self.schema = pa.schema([*zip(self.names, (kind for _, kind in kinds), strict=True), ("more", pa.string())])
        self.files: list[ManifestFile] = []

    def put(self, rows: Sequence[Row], *, schema: pa.Schema | None = None) -> str:
        schema = schema or self.schema
        table = pa.Table.from_pylist([dict(zip(self.schema.names, (*row, "x"), strict=True)) for row in rows], schema)
        return self.put_table(table)

    def put_table(self, table: pa.Table) -> str:
        key, data = f"s/{len(self.files)}", written(self.format, [table])
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)
        self.files.append(ManifestFile(key, table.num_rows, len(data), ""))
        return key

    @property
    def manifest(self) -> Manifest:
        text = {"csv": lambda _: True, "json": pa.types.is_binary}.get(self.format, lambda _: False)
        columns = [
            ManifestColumn(name, name.upper(), "string" if text(kind) else athena_type(kind))
            for name, (_, kind) in zip(self.names, self.kinds, strict=True)
        ]
        return snapshot_of(
            Layout(self.bucket),
            "2026-11-23T10:00:00",
            self.format,
            files=tuple(self.files),
            rows=sum(file.rows for file in self.files),
            # The keys need not be the first columns.
            columns=(ManifestColumn("more", "more", "string"), *columns),
            keys={name.upper(): tag for name, (tag, _) in zip(self.names, self.kinds, strict=True)},
        )

    def check(self, **options: Any) -> KeyFindings:
        return check_keys(self.s3, self.manifest, self.bucket, **options)


@pytest.fixture
def snapshot(aws: Endpoint, bucket: str) -> Snapshot:
    """Of Parquet, with a text and a number as key."""
    return Snapshot(aws, bucket, "parquet", [KINDS[0], KINDS[1]])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(FORMATS))
def test_findings_are_what_counting_all_keys_gives(
    aws: Endpoint, bucket: str, data: st.DataObject, format: str
) -> None:
    kinds = data.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=2), label="kinds")
    rows = data.draw(st.lists(st.tuples(*(_keys(*kind) for kind in kinds)), min_size=1, max_size=12), label="rows")
    rows += data.draw(st.lists(st.sampled_from(rows), max_size=4), label="again")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=2), label="cuts"))
    files = [rows[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    held = data.draw(st.sampled_from([1, 5, repeated.HELD]), label="held")
    snapshot = Snapshot(aws, bucket, format, kinds)
    names = [snapshot.put(some) for some in files]
    counted = Counter(row for row in rows if None not in row)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeated, "HELD", held)
        if data.draw(st.booleans(), label="all fingerprints alike"):
            patch.setattr(Fingerprints, "of", lambda _, arrays: pa.array([7] * len(arrays[0]), pa.uint64()))
        found = snapshot.check(threads=2)

    assert found.rows_by_file == {name: len(some) for name, some in zip(names, files, strict=True)}
    with_null = [any(None in row for row in some) for some in files]
    assert found.null_rows == len(rows) - counted.total()
    assert found.null_file == (names[with_null.index(True)] if any(with_null) else None)
    twice = {key: times for key, times in counted.items() if times > 1}
    assert found.duplicated == len(twice)
    assert found.are_sound == (not twice and not any(with_null))
    assert (found.spilled_bytes > 0) == (counted.total() >= held)
    expected = [
        (twice[key], tuple(name for name, some in zip(names, files, strict=True) if key in some)) for key in twice
    ]
    shown = Counter((one.rows, one.files) for one in found.shown)
    assert shown <= Counter(expected)
    assert shown.total() == min(len(twice), 5)
    assert len({tuple(one.values.values()) for one in found.shown}) == len(found.shown)


def test_a_key_in_two_files_and_one_twice_in_a_file_are_named(snapshot: Snapshot) -> None:
    first = snapshot.put([("a", 1), ("b", 1), ("c", 1), ("c", 1)])
    snapshot.put([("d", 1)])
    last = snapshot.put([("a", 2), ("b", 1), ("b", 1)])
    found = snapshot.check()
    assert found.shown == (
        DuplicatedKey({"K1": "b", "K2": "1"}, 3, (first, last)),
        DuplicatedKey({"K1": "c", "K2": "1"}, 2, (first,)),
    )
    assert (found.duplicated, found.is_at_least, found.are_sound, found.rows) == (2, False, False, 8)


@pytest.mark.parametrize("format", FORMATS)
def test_binary_keys_are_shown_as_base64_in_every_format(aws: Endpoint, bucket: str, format: str) -> None:
    snapshot = Snapshot(aws, bucket, format, [("B", pa.binary())])
    snapshot.put([(b"\xff\x00",), (b"\xff\x00",), (b"\xff",)])
    [shown] = snapshot.check().shown
    assert shown.values == {"K1": "/wA="}


def test_the_first_file_with_a_row_without_key_is_named_and_such_rows_are_no_duplicates(snapshot: Snapshot) -> None:
    snapshot.put([("a", 1)])
    second = snapshot.put([(None, 1), ("b", None), (None, 1), ("b", None)])
    snapshot.put([(None, 1)])
    found = snapshot.check()
    assert (found.null_rows, found.null_file, found.duplicated, found.are_sound) == (5, second, 0, False)


def test_rows_of_a_file_that_lacks_a_key_column_have_no_key(snapshot: Snapshot) -> None:
    name = snapshot.put_table(pa.table({"k1": ["a", "b"]}))
    found = snapshot.check()
    assert (found.null_rows, found.null_file) == (2, name)


def test_many_duplicates_are_not_all_counted(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "COUNTED", 10)
    rows = [("a", number) for number in range(1000)]
    snapshot.put(rows)
    snapshot.put(rows)
    found = snapshot.check()
    assert found.is_at_least
    assert 10 <= found.duplicated < 1000
    assert len(found.shown) == 5


@pytest.mark.parametrize("format", ["parquet", "orc"])
def test_of_a_file_with_columns_the_key_columns_alone_are_fetched(aws: Endpoint, bucket: str, format: str) -> None:
    snapshot = Snapshot(aws, bucket, format, [("S", pa.string())])
    noise = random.Random(3)
    blobs = pa.array([noise.randbytes(1000) for _ in range(2500)])
    snapshot.put_table(pa.table({"before": blobs, "k1": list(map(str, range(2500))), "more": blobs}))
    found = snapshot.check()
    assert found.rows == 2500
    assert snapshot.files[0].bytes > 5_000_000
    assert found.fetched_bytes < 1_200_000  # of which the end of the file is one mebibyte


def test_a_manifest_that_names_no_keys_does_not_pass(snapshot: Snapshot) -> None:
    snapshot.put([("a", 1)])
    found = check_keys(snapshot.s3, replace(snapshot.manifest, keys={}), snapshot.bucket)
    assert "does not name the table's key attributes" in found.cannot_tell
    assert not found.are_sound


def test_a_key_attribute_without_a_column_is_a_contradiction(snapshot: Snapshot) -> None:
    with pytest.raises(ManifestError, match=r"table Zoo: .* has no column for the key attribute 'Other'"):
        check_keys(snapshot.s3, replace(snapshot.manifest, keys={"Other": "S"}), snapshot.bucket)


def test_conversions_that_lost_digits_are_told(snapshot: Snapshot) -> None:
    """Such keys may be one in the files, and two in the table."""
    columns = tuple(replace(column, lossy=column.attribute == "K2") for column in snapshot.manifest.columns)
    assert check_keys(snapshot.s3, replace(snapshot.manifest, columns=columns), snapshot.bucket).lossy == ("K2",)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_is_missing_or_cut_short_is_named(aws: Endpoint, bucket: str, format: str) -> None:
    snapshot = Snapshot(aws, bucket, format, [("S", pa.string())])
    snapshot.put([("a",)])
    key = snapshot.put([(str(number),) for number in range(1000)])
    body = snapshot.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    snapshot.s3.put_object(Bucket=bucket, Key=key, Body=body[:-20])
    with pytest.raises(ManifestError, match=f"^s3://{bucket}/{key}: not a complete {format} file: "):
        snapshot.check()
    snapshot.s3.delete_object(Bucket=bucket, Key=key)
    with pytest.raises(ManifestError, match=f"^s3://{bucket}/{key}: the manifest names this file, and it does not"):
        snapshot.check()


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_s3_will_not_give_now_is_no_damaged_file(aws: Endpoint, bucket: str, format: str) -> None:
    snapshot = Snapshot(aws, bucket, format, [("S", pa.string())])
    snapshot.put([("a",)])

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "SlowDown", "Message": "Reduce your rate"}}, "GetObject")

    snapshot.s3.meta.events.register("before-call.s3.GetObject", refuse)
    with pytest.raises(ClientError, match="SlowDown"):
        snapshot.check()


def test_a_key_column_of_another_type_is_named(snapshot: Snapshot) -> None:
    snapshot.put([("a", 1)])
    key = snapshot.put([("a", "1")], schema=pa.schema([("k1", pa.string()), ("k2", pa.string())]))
    with pytest.raises(ManifestError, match=f"/{key}: column k2 is of type string, and by the manifest it is int64"):
        snapshot.check()


class Cancelled(BaseException):
    pass


def test_progress_is_told_in_rows_and_what_it_raises_ends_the_check(snapshot: Snapshot) -> None:
    for number in range(6):
        snapshot.put([("a", number), ("b", number)])
    told: list[int] = []
    snapshot.check(on_progress=told.append)
    assert sum(told) == 12

    def cancel(rows: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        snapshot.check(on_progress=cancel)


def test_comparing_many_fingerprints_can_be_cancelled(snapshot: Snapshot) -> None:
    def cancel(rows: int) -> None:
        if rows == 0:  # all is read
            raise Cancelled

    snapshot.put([("a", 1)])
    with pytest.raises(Cancelled):
        snapshot.check(on_progress=cancel)


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_snapshot_is_sound(aws: Endpoint, bucket: str, format: str) -> None:
    snapshot = Snapshot(aws, bucket, format, [("S", pa.string())])
    assert snapshot.check() == KeyFindings()
    name = snapshot.put([])
    assert snapshot.check().rows_by_file == {name: 0}
    assert snapshot.check().are_sound


def test_the_keys_of_exports_are_sound_in_every_format(aws: Endpoint, bucket: str, unique: Any) -> None:
    table, dynamodb = unique("Keys"), aws.client("dynamodb")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "Digest", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "Digest", "AttributeType": "B"},
            {"AttributeName": "at", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for digest, at in [(b"\xff", "1"), (b"\xff", "1.5"), (b"\x00", "-0.000000000000000001"), (b"\x00", "0")]:
        dynamodb.put_item(TableName=table, Item={"Digest": {"B": digest}, "at": {"N": at}, "x": {"S": "a\nb"}})
    for each in FORMATS:
        request = ExportRequest(table=table, bucket=bucket, prefix=each, format=each)
        manifest = run_export(request, InProcess(2))
        found = check_keys(aws.client("s3"), manifest, bucket)
        assert (found.are_sound, found.rows, found.lossy) == (True, 4, ())
        assert found.rows_by_file == {file.key: file.rows for file in manifest.files}
