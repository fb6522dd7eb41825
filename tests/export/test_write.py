from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dynamo_assets.export import write
from dynamo_assets.export.decoding import PageDecoder
from dynamo_assets.export.observed import Facts
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema, athena_type
from dynamo_assets.export.source import Page
from dynamo_assets.export.write import DataFile, FileWriter, copy_rows
from dynamo_assets.sandbox.endpoint import Endpoint

Pages = list[list[dict[str, Any]]]


def rows_of(start: int, count: int, **more: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"pk": {"S": f"{number:08}"}, "n": {"N": str(number)}, **more} for number in range(start, start + count)]


def written(aws: Endpoint, bucket: str, pages: Pages, **options: Any) -> tuple[list[DataFile], TableSchema]:
    request = ExportRequest(table="Orders", bucket=bucket, **options)
    decoder = PageDecoder(Facts(), request, ["pk"])
    with FileWriter(aws.client("s3"), request, "folder/part-0", "parquet") as writer:
        for page in pages:
            writer.write(decoder.decode(Page(json.dumps(page).encode(), len(page))))
        return writer.finish(), decoder.schema


def content(aws: Endpoint, bucket: str, done: DataFile) -> bytes:
    return aws.client("s3").get_object(Bucket=bucket, Key=done.file.key)["Body"].read()


def open_file(aws: Endpoint, bucket: str, done: DataFile) -> pq.ParquetFile:
    return pq.ParquetFile(io.BytesIO(content(aws, bucket, done)))


def test_a_file_is_described_exactly_and_read_back_whole(aws: Endpoint, bucket: str) -> None:
    (done,), _ = written(aws, bucket, [rows_of(0, 3), rows_of(3, 3)])
    data = content(aws, bucket, done)
    assert done.file.key == "folder/part-0-0000.parquet"
    assert (done.file.rows, done.file.bytes, done.file.sha256) == (6, len(data), hashlib.sha256(data).hexdigest())
    table = pq.read_table(io.BytesIO(data))
    assert table.to_pydict() == {"pk": [f"{n:08}" for n in range(6)], "n": list(range(6))}


def test_files_are_compressed_and_carry_statistics_and_a_page_index(aws: Endpoint, bucket: str) -> None:
    (done,), _ = written(aws, bucket, [rows_of(0, 100)])
    column = open_file(aws, bucket, done).metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert (column.statistics.min, column.statistics.max) == ("00000000", "00000099")
    assert column.has_column_index
    assert column.has_offset_index


@pytest.mark.parametrize("limit", ["ROW_GROUP_ROWS", "ROW_GROUP_BYTES", "ROW_GROUP_CELLS"])
def test_what_is_held_in_memory_has_a_limit_in_rows_bytes_and_cells(
    aws: Endpoint, bucket: str, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(write, limit, {"ROW_GROUP_ROWS": 20, "ROW_GROUP_BYTES": 400, "ROW_GROUP_CELLS": 40}[limit])
    (done,), _ = written(aws, bucket, [rows_of(start, 10) for start in range(0, 100, 10)])
    metadata = open_file(aws, bucket, done).metadata
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [20] * 5


def test_a_file_is_closed_at_the_target_size(aws: Endpoint, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "ROW_GROUP_ROWS", 1000)
    files, _ = written(aws, bucket, [rows_of(start, 1000) for start in range(0, 10_000, 1000)], target_file_bytes=4_000)
    assert len(files) > 2
    assert [done.file.key for done in files] == [f"folder/part-0-{number:04}.parquet" for number in range(len(files))]
    assert sum(done.file.rows for done in files) == 10_000
    assert max(done.file.bytes for done in files) < 10_000


def test_pages_that_widen_the_schema_before_a_row_group_is_full_make_no_further_file(
    aws: Endpoint, bucket: str
) -> None:
    pages = [
        rows_of(0, 2),
        [{"pk": {"S": "a"}, "n": {"N": "0.5"}}],
        [{"pk": {"S": "b"}, "late": {"L": [{"N": "1"}]}}],
        [{"pk": {"S": "c"}, "late": {"L": [{"N": "1"}, {"NULL": True}, {"N": "2E-3"}]}, "n": {"S": "x"}}],
    ]
    (done,), _ = written(aws, bucket, pages)
    table = pq.read_table(io.BytesIO(content(aws, bucket, done)))
    assert [athena_type(field.type) for field in table.schema] == ["string", "array<decimal(38,18)>", "string"]
    assert [[*map(str, row or [])] for row in table["late"].to_pylist()] == [
        *[[]] * 3,
        ["1.000000000000000000"],
        ["1.000000000000000000", "None", "0.002000000000000000"],
    ]
    assert table["n"].to_pylist() == ["0", "1", "0.5", None, "x"]


def test_a_page_that_widens_the_schema_after_a_row_group_was_written_opens_a_new_file(
    aws: Endpoint, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "ROW_GROUP_ROWS", 10)
    pages = [rows_of(0, 10), rows_of(10, 10), rows_of(20, 10, late={"S": "x"}), rows_of(30, 10)]
    files, final = written(aws, bucket, pages)
    assert [(done.file.rows, list(done.schema.columns)) for done in files] == [
        (20, ["pk", "n"]),
        (20, ["pk", "late", "n"]),
    ]
    assert all(done.schema.fits(final) for done in files)


def test_a_file_that_is_too_narrow_is_written_again_with_every_value(
    aws: Endpoint, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "ROW_GROUP_ROWS", 3)
    narrow_rows = [
        {"pk": {"S": str(n)}, "n": {"N": str(n)}, "m": {"M": {"a": {"N": str(n)}, "e": {"M": {}}}}, "z": {"BOOL": True}}
        for n in range(3)
    ]
    wide_row = {
        "pk": {"S": "9"},
        "n": {"N": "0.25"},
        "m": {"M": {"a": {"N": "1E-30"}, "b": {"S": "new"}, "e": {"M": {"f": {"S": "x"}}}}},
        "Z": {"S": "shares the name"},
    }
    files, final = written(aws, bucket, [narrow_rows, [wide_row]])
    assert [done.schema.fits(final) for done in files] == [False, True]
    request = ExportRequest(table="Orders", bucket=bucket)
    schema = final.only(files[0].schema.columns)
    with FileWriter(aws.client("s3"), request, "folder/part-widened", "parquet", schema) as writer:
        copy_rows(aws.client("s3"), bucket, files[0], writer)
        (again,) = writer.finish()
    assert again.schema.fits(final)
    both = pa.concat_tables(
        [pq.read_table(io.BytesIO(content(aws, bucket, done))) for done in (again, files[1])], promote_options="default"
    )
    assert [athena_type(field.type) for field in both.schema] == [
        "string",
        "struct<a:string,b:string,e:struct<f:string>>",
        "decimal(38,18)",
        "boolean",
        "string",
    ]
    assert both.schema.names == ["pk", "m", "n", "z", "z_2"]
    assert both["m"].to_pylist() == [
        *({"a": str(n), "b": None, "e": {"f": None}} for n in range(3)),
        {"a": "1E-30", "b": "new", "e": {"f": "x"}},
    ]
    assert [float(value) for value in both["n"].to_pylist()] == [0, 1, 2, 0.25]
    assert both["z"].to_pylist() == [True, True, True, None]


def test_nothing_is_left_on_disk_when_writing_fails(
    aws: Endpoint, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(write, "ROW_GROUP_ROWS", 1)
    request = ExportRequest(table="Orders", bucket=bucket)

    def interrupted() -> None:
        with FileWriter(aws.client("s3"), request, "folder/part-0", "parquet") as writer:
            writer.write(PageDecoder(Facts(), request, []).decode(Page(b'[{"a":{"S":"x"}}]', 1)))
            assert list(tmp_path.iterdir())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket=bucket)
