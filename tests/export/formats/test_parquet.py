from __future__ import annotations

import io
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from tests.export.formats.arrow_tables import tables
from tests.export.formats.files import rows_of, written


@pytest.fixture(scope="session")
def engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@settings(max_examples=60, deadline=None)
@given(tables())
def test_another_reader_finds_every_value(
    engine: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory, some: list[pa.Table]
) -> None:
    path = tmp_path_factory.mktemp("parquet") / "file.parquet"  # DuckDB remembers what a path held
    path.write_bytes(written("parquet", some))
    found = engine.execute(f"SELECT * FROM '{path}'").to_arrow_table()
    assert found.schema.names == some[0].schema.names
    assert found.to_pylist() == rows_of(some)


def test_each_table_is_a_row_group_with_statistics_and_dictionaries_only_where_they_pay() -> None:
    schema = pa.schema([("same", pa.string()), ("other", pa.struct([("n", pa.int64())]))])
    rows: list[Any] = [{"same": "x", "other": {"n": number}} for number in range(100)]
    data = written("parquet", [pa.Table.from_pylist(rows, schema), pa.Table.from_pylist(rows[:7], schema)])
    metadata = pq.read_metadata(io.BytesIO(data))
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [100, 7]
    same, other = (metadata.row_group(0).column(number) for number in range(2))
    assert same.compression == other.compression == "ZSTD"
    assert same.has_dictionary_page
    assert not other.has_dictionary_page
    assert (other.path_in_schema, other.statistics.min, other.statistics.max) == ("other.n", 0, 99)


def test_a_file_without_rows_has_its_columns() -> None:
    schema = pa.schema([("id", pa.string()), ("m", pa.struct([("x", pa.list_(pa.int64()))]))])
    assert pq.read_schema(io.BytesIO(written("parquet", [schema.empty_table()]))) == schema
