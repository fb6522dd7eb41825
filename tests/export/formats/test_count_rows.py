"""Rows are counted in whole files of the format, and in nothing else."""

from __future__ import annotations

import io
import random
import zlib

import pyarrow as pa
import pytest
from hypothesis import given, settings

from dynamo_assets.export.formats import file_format
from tests.export.formats.arrow_tables import tables
from tests.export.formats.files import rows_of, written

FORMATS = ["parquet", "orc", "avro", "json", "csv"]
ROWS = [
    {"id": f"row {number}", "n": number, "text": random.Random(number).randbytes(20).hex()} for number in range(300)
]
TABLE = pa.Table.from_pylist(ROWS)
# What `dynamo_assets.export.row_counts` takes for a damaged file.
DAMAGED = (ValueError, OSError, EOFError, KeyError, TypeError, IndexError, zlib.error, pa.ArrowException)


def count(format: str, data: bytes) -> int:
    return file_format(format).count_rows(io.BytesIO(data))


@settings(max_examples=60, deadline=None)
@given(tables(nested=False))
def test_all_rows_of_a_whole_file_are_counted(some: list[pa.Table]) -> None:
    assert [count(each, written(each, some)) for each in FORMATS] == [len(rows_of(some))] * len(FORMATS)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_is_cut_short_anywhere_is_no_file(format: str) -> None:
    """Or one of fewer rows, where it is cut between two of Avro's blocks: the manifest knows how many there are."""
    data = written(format, [TABLE.slice(0, 100), TABLE.slice(100)])
    assert count(format, data) == 300
    for length in {0, 1, 2, 3, len(data) - 1, *random.Random(7).sample(range(len(data)), 60)}:
        try:
            found = count(format, data[:length])
        except DAMAGED:
            continue
        assert format == "avro", f"{length} of {len(data)} bytes"
        assert found < 300


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("other", [*FORMATS, "nothing", "html", "text"])
def test_a_file_of_another_format_is_no_file(format: str, other: str) -> None:
    foreign = {"nothing": b"", "html": b"<html>\n<body>\n", "text": b"id,n\n1,2\n" * 9}
    if other != format:
        data = foreign[other] if other in foreign else written(other, [TABLE])
        with pytest.raises(DAMAGED):
            count(format, data)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_without_rows_has_none(format: str) -> None:
    assert count(format, written(format, [TABLE.schema.empty_table()])) == 0
