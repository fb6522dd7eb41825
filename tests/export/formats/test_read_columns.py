"""Some columns are read as they are stored, whatever the others are; what a file lacks is null."""

from __future__ import annotations

import csv
import gzip
import io
import random
from base64 import b64encode
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamo_assets.export.formats import file_format, json_lines
from tests.export.formats.arrow_tables import tables
from tests.export.formats.files import written
from tests.export.formats.test_count_rows import DAMAGED, FORMATS, TABLE


def read(format: str, data: bytes, columns: pa.Schema) -> list[dict[str, Any]]:
    batches = list(file_format(format).read_columns(io.BytesIO(data), columns))
    assert all(batch.schema == columns for batch in batches)
    return [row for batch in batches for row in batch.to_pylist()]


def stored(format: str, schema: pa.Schema) -> pa.Schema:
    """The columns' types as a manifest has them."""
    text = {"csv": lambda _: True, "json": pa.types.is_binary}.get(format, lambda _: False)
    return pa.schema([(field.name, pa.string() if text(field.type) else field.type) for field in schema])


def cells(data: bytes) -> list[dict[str, str | None]]:
    """What Python's own reader finds in a CSV file, an empty cell taken for null."""
    rows = csv.DictReader(io.TextIOWrapper(io.BytesIO(gzip.decompress(data)), "utf-8", newline=""))
    return [{name: cell or None for name, cell in row.items()} for row in rows]


@settings(max_examples=100, deadline=None)
@given(tables(nested=False), st.data(), st.sampled_from(FORMATS))
def test_columns_are_read_as_they_are_stored(some: list[pa.Table], data: st.DataObject, format: str) -> None:
    schema = some[0].schema
    names = data.draw(st.lists(st.sampled_from(schema.names), min_size=1, unique=True), label="columns")
    wanted = pa.schema([schema.field(name) for name in names])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_lines, "BLOCK_BYTES", data.draw(st.integers(1, 60), label="block"))
        content = written(format, some)
        found = read(format, content, stored(format, wanted))
    if format == "csv":
        expected: list[dict[str, Any]] = cells(content)
    else:
        expected = [row for table in some for row in table.to_pylist()]
    if format == "json":
        expected = [{n: b64encode(v).decode() if isinstance(v, bytes) else v for n, v in r.items()} for r in expected]
    assert found == [{name: row[name] for name in names} for row in expected]


@pytest.mark.parametrize("format", FORMATS)
def test_a_column_that_a_file_lacks_is_null(format: str) -> None:
    content = written(format, [TABLE])
    some = pa.schema([("gone", pa.string()), ("id", pa.string())])
    expected = [{"gone": None, "id": f"row {number}"} for number in range(300)]
    assert read(format, content, some) == expected
    assert read(format, content, pa.schema([("gone", pa.string())])) == [{"gone": None}] * 300


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_is_cut_short_anywhere_is_not_read_to_its_end(format: str) -> None:
    """Or has fewer rows, where it is cut between two of Avro's blocks."""
    data = written(format, [TABLE.slice(0, 100), TABLE.slice(100)])
    columns = pa.schema([("id", pa.string())])
    assert len(read(format, data, columns)) == 300
    for length in {0, 1, 2, 3, len(data) - 1, *random.Random(7).sample(range(len(data)), 40)}:
        try:
            found = read(format, data[:length], columns)
        except DAMAGED:
            continue
        assert format == "avro", f"{length} of {len(data)} bytes"
        assert len(found) < 300


@pytest.mark.parametrize("format", ["avro", "json"])
def test_a_value_of_another_type_is_no_value_of_the_column(format: str) -> None:
    with pytest.raises(DAMAGED):
        read(format, written(format, [TABLE]), pa.schema([("id", pa.int64())]))


@pytest.mark.parametrize("lines", [b'{"id":"a"}{"id":"b"}\n', b'{"id":"a"}\n\n', b'{"id":\n"a"}\n', b"[]\n"])
def test_a_line_of_json_that_is_not_one_object_is_damage(lines: bytes) -> None:
    with pytest.raises(DAMAGED):
        read("json", gzip.compress(lines), pa.schema([("id", pa.string())]))


@pytest.mark.parametrize("lines", [b"", b"id,N\n1,2\n", b"id,n\n1,2,3\n", b"id,n\n1\n"])
def test_a_line_of_csv_that_fits_no_header_is_damage(lines: bytes) -> None:
    with pytest.raises(DAMAGED):
        read("csv", gzip.compress(lines), pa.schema([("id", pa.string())]))
