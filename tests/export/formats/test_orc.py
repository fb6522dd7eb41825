from __future__ import annotations

import io

import pyarrow as pa
from hypothesis import given, settings
from pyarrow import orc

from tests.export.formats.arrow_tables import tables
from tests.export.formats.files import rows_of, written


@settings(max_examples=60, deadline=None)
@given(tables())
def test_a_reader_finds_every_value(some: list[pa.Table]) -> None:
    found = orc.read_table(io.BytesIO(written("orc", some)))
    assert found.schema == some[0].schema
    assert found.to_pylist() == rows_of(some)


def test_a_file_without_rows_has_its_columns() -> None:
    schema = pa.schema([("id", pa.string()), ("m", pa.struct([("x", pa.list_(pa.decimal128(38, 18)))]))])
    assert orc.ORCFile(io.BytesIO(written("orc", [schema.empty_table()]))).schema == schema


def test_it_is_compressed_with_zstd() -> None:
    schema = pa.schema([("id", pa.string())])
    file = orc.ORCFile(io.BytesIO(written("orc", [pa.Table.from_pylist([{"id": "x" * 10_000}], schema)])))
    assert file.compression == "ZSTD"
    assert file.content_length < 1000
