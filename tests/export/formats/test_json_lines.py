from __future__ import annotations

import gzip
import json
from base64 import b64encode
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given, settings

from tests.export.formats.arrow_tables import tables
from tests.export.formats.files import rows_of, written


def lines(some: list[pa.Table]) -> list[str]:
    text = gzip.decompress(written("json", some)).decode()
    assert not text or text.endswith("\n")
    return text.split("\n")[:-1]


def as_json(value: Any) -> Any:
    """What a reader of JSON that keeps digits finds: no fields that are null, base64 for binary."""
    if isinstance(value, dict):
        return {name: as_json(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return Decimal(repr(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


@settings(max_examples=60, deadline=None)
@given(tables())
def test_each_line_is_a_row_and_another_reader_finds_every_value(some: list[pa.Table]) -> None:
    found = [json.loads(line, parse_int=Decimal, parse_float=Decimal) for line in lines(some)]
    assert found == [as_json(row) for row in rows_of(some)]


@settings(max_examples=30, deadline=None)
@given(tables())
def test_numbers_have_no_exponent_and_no_quotes_but_for_doubles(some: list[pa.Table]) -> None:
    """Hive's decimals do not take 1E+2."""
    decimals = {field.name for field in some[0].schema if pa.types.is_decimal(field.type)}
    for line in lines(some):
        for name, text in json.loads(line, parse_int=str, parse_float=str).items():
            if name in decimals:
                assert set(text) <= set("-.0123456789")


def test_a_file_without_rows_is_empty() -> None:
    assert lines([pa.schema([("id", pa.string())]).empty_table()]) == []
