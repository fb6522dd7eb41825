"""JSON: one object a line, compressed with gzip. What is null is left out."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
from arro3.core import Schema
from arro3.io import read_json
from isal import igzip, isal_zlib

from dynamo_assets.export.formats.missing_columns import BATCH_ROWS
from dynamo_assets.export.formats.text_values import json_line
from dynamo_assets.export.whole_lines import whole_lines

SUFFIX = ".json.gz"
SELF_DESCRIBING = False

COMPRESSION_LEVEL = 4
BLOCK_BYTES = 4 * 1024 * 1024
"""About so much text is read at once."""
_ROWS_AT_ONCE = 10_000
# Its stub says that it is an exception, where it is a class of them.
_ISAL_ERROR = cast("type[Exception]", isal_zlib.IsalError)


class JsonWriter:
    """Writes one file."""

    def __init__(self, path: Path, schema: pa.Schema):  # noqa: ARG002 - each line names its own fields
        self._file = gzip.open(path, "wb", compresslevel=COMPRESSION_LEVEL)  # noqa: SIM115 - closed by close()

    def write(self, table: pa.Table) -> None:
        """Adds a line for each row."""
        for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            self._file.write(b"".join(json_line(row) + b"\n" for row in batch.to_pylist()))

    def close(self) -> None:
        """Finishes the file."""
        self._file.close()


open_writer = JsonWriter


def count_rows(file: IO[bytes]) -> int:
    """How many lines a file holds; it is read whole."""
    rows = 0
    for line in lines_of(file):
        if not line.startswith(b"{"):
            raise ValueError(f"line {rows + 1} is no JSON object")
        rows += 1
    return rows


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file that is compressed with gzip.

    Raises:
        OSError, EOFError: It is not, or is cut short. An empty one is cut short, too: Python's gzip takes it for good.
    """
    if not file.read(1):
        raise EOFError("it is empty")
    file.seek(0)
    with gzip.open(file) as lines:
        yield from lines


def read_columns(file: IO[bytes], columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Reads some fields, the others passed over; see `FileFormat`."""
    for lines in line_blocks(file):
        rows = 0
        found = read_json(io.BytesIO(lines), Schema.from_arrow(columns), batch_size=BATCH_ROWS)
        for batch in pa.RecordBatchReader.from_stream(found):
            rows += batch.num_rows
            yield batch
        if rows != (count := lines.count(b"\n")):
            raise ValueError(f"{rows} objects on {count} lines")


def line_blocks(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file that is compressed with gzip, many at a time, each ended by a line feed.

    Raises:
        OSError, EOFError: See `lines_of`.
    """
    with _unpacked(file) as content:
        yield from whole_lines(content, BLOCK_BYTES)


@contextmanager
def _unpacked(file: IO[bytes]) -> Iterator[igzip.IGzipFile]:
    if not file.read(1):
        raise EOFError("it is empty")
    file.seek(0)
    try:
        with igzip.IGzipFile(fileobj=file) as content:
            yield content
    except _ISAL_ERROR as error:
        raise OSError(f"it cannot be unpacked: {error}") from error
