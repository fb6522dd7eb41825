from __future__ import annotations

import csv
import gzip
import io
from base64 import b64decode
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from hypothesis import given, settings

from tests.export.formats.arrow_tables import tables
from tests.export.formats.files import rows_of, written


def text_of(some: list[pa.Table]) -> str:
    return gzip.decompress(written("csv", some)).decode()


def value_of(cell: str, kind: pa.DataType) -> Any:
    """A cell as a table's view reads it."""
    if not cell:
        return None
    if pa.types.is_string(kind):
        return "" if cell == "%" else unquote(cell, errors="strict")
    if pa.types.is_binary(kind):
        return b64decode(cell.replace("%", ""), validate=True)
    if pa.types.is_boolean(kind):
        return {"true": True, "false": False}[cell]
    return int(cell) if pa.types.is_integer(kind) else float(cell) if pa.types.is_floating(kind) else Decimal(cell)


@settings(max_examples=60, deadline=None)
@given(tables(nested=False))
def test_another_reader_finds_every_value(some: list[pa.Table]) -> None:
    schema = some[0].schema
    header, *cells = csv.reader(io.StringIO(text_of(some), newline=""), strict=True)
    assert header == schema.names
    found = [{field.name: value_of(cell, field.type) for field, cell in zip(schema, row, strict=True)} for row in cells]
    assert found == rows_of(some)


@settings(max_examples=60, deadline=None)
@given(tables(nested=False))
def test_a_row_is_one_line_for_whoever_splits_lines_first(some: list[pa.Table]) -> None:
    """Athena does: a line break ends a row even within quotes."""
    text = text_of(some)
    assert text.count("\n") == 1 + len(rows_of(some))
    assert "\r" not in text
    assert not set(text) & {chr(code) for code in range(32)} - {"\n", "\t"}


def test_what_would_be_decoded_is_encoded_and_nothing_else() -> None:
    schema = pa.schema([("t", pa.string())])
    texts = ["100 %", "a+b", "a b", "x\ny", "tab\t", '"', "é", "%", "", None]
    cells = list(csv.reader(io.StringIO(text_of([pa.Table.from_pylist([{"t": t} for t in texts], schema)]))))[1:]
    assert [row[0] if row else "" for row in cells] == [
        "100 %25", "a%2Bb", "a b", "x%0Ay", "tab\t", '"', "é", "%25", "%", "",
    ]  # fmt: skip


def test_a_file_without_rows_has_its_header() -> None:
    assert text_of([pa.schema([("id", pa.string()), ("n", pa.int64())]).empty_table()]) == "id,n\n"
