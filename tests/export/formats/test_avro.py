from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import pyarrow as pa
from hypothesis import given, settings

from dynamo_assets.export.formats.avro import avro_schema
from tests.export.formats.arrow_tables import schemas, tables
from tests.export.formats.avro_reader import read_avro
from tests.export.formats.files import rows_of, written


@settings(max_examples=60, deadline=None)
@given(tables())
def test_another_reader_finds_every_value(some: list[pa.Table]) -> None:
    assert read_avro(written("avro", some)) == rows_of(some)


@settings(max_examples=60, deadline=None)
@given(schemas())
def test_a_file_s_schema_is_the_catalog_s_and_no_two_of_its_records_have_one_name(schema: pa.Schema) -> None:
    said: Any = avro_schema(schema)
    fastavro.parse_schema(json.loads(json.dumps(said)))
    names = list(_record_names(said))
    assert len(names) == len(set(names))
    reader: Any = fastavro.reader(io.BytesIO(written("avro", [schema.empty_table()])))
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
