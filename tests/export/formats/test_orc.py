from __future__ import annotations

import io

import pyarrow as pa
from hypothesis import example, given, settings
from pyarrow import orc

from tests.export.formats.arrow_tables import tables
from tests.export.formats.files import rows_of, without_rows, written


def _text_below_null() -> list[pa.Table]:
    """Arrow has an empty text, not null, below the struct that is null."""
    schema = pa.schema([("m", pa.struct([("x", pa.struct([("t", pa.string())]))]))])
    rows = [{"m": {"x": None}}, {"m": {"x": {"t": "first"}}}, {"m": {"x": {"t": "second"}}}]
    return [pa.Table.from_pylist(rows, schema)]


@settings(max_examples=60, deadline=None)
@example(_text_below_null())
@given(tables())
def test_a_reader_finds_every_value(some: list[pa.Table]) -> None:
    found = orc.read_table(io.BytesIO(written("orc", some)))
    assert found.schema == some[0].schema
    assert found.to_pylist() == rows_of(some)


def test_a_file_without_rows_has_its_columns() -> None:
    schema = pa.schema([("id", pa.string()), ("m", pa.struct([("x", pa.list_(pa.decimal128(38, 18)))]))])
    assert orc.ORCFile(io.BytesIO(without_rows("orc", schema))).schema == schema


def test_it_is_compressed_with_zstd() -> None:
    schema = pa.schema([("id", pa.string())])
    file = orc.ORCFile(io.BytesIO(written("orc", [pa.Table.from_pylist([{"id": "x" * 10_000}], schema)])))
    assert file.compression == "ZSTD"
    assert file.content_length < 1000
