from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import pyarrow as pa
from hypothesis import example, given, settings

from dynamo_assets.export.formats.avro import avro_schema
from tests.export.formats.arrow_tables import schemas, tables
from tests.export.formats.avro_reader import read_avro
from tests.export.formats.files import rows_of, without_rows, written


@settings(max_examples=60, deadline=None)
@given(tables())
def test_another_reader_finds_every_value(some: list[pa.Table]) -> None:
    assert read_avro(written("avro", some)) == rows_of(some)


def _twice_x() -> pa.Schema:
    """Two structs of one name, with different fields."""
    inner = pa.struct([("x", pa.struct([("y", pa.int64())]))])
    return pa.schema([("x", inner), ("l", pa.list_(pa.struct([("x", pa.struct([("z", pa.string())]))])))])


@settings(max_examples=60, deadline=None)
@example(_twice_x())
@given(schemas())
def test_a_file_s_schema_is_the_catalog_s_and_no_two_of_its_records_have_one_name(schema: pa.Schema) -> None:
    said: Any = avro_schema(schema)
    fastavro.parse_schema(json.loads(json.dumps(said)))
    names = list(_record_names(said))
    assert len(names) == len(set(names))
    reader: Any = fastavro.reader(io.BytesIO(without_rows("avro", schema)))
    assert list(reader) == []
    assert [field["name"] for field in reader.writer_schema["fields"]] == schema.names


def _record_names(kind: Any) -> Any:
    if isinstance(kind, list):
        for part in kind:
            yield from _record_names(part)
    elif isinstance(kind, dict):
        if kind["type"] == "record":
            yield kind["name"]
            for field in kind["fields"]:
                yield from _record_names(field["type"])
        elif kind["type"] == "array":
            yield from _record_names(kind["items"])


def test_a_column_that_an_older_file_lacks_is_null() -> None:
    old = pa.schema([("id", pa.string())])
    new: Any = avro_schema(pa.schema([("id", pa.string()), ("m", pa.struct([("x", pa.int64())]))]))
    data = written("avro", [pa.Table.from_pylist([{"id": "1"}], old)])
    assert list(fastavro.reader(io.BytesIO(data), new)) == [{"id": "1", "m": None}]
