"""JSON: one object a line, compressed with gzip. What is null is left out."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa

from dynamo_assets.export.formats.text_values import json_line

SUFFIX = ".json.gz"
SELF_DESCRIBING = False

COMPRESSION_LEVEL = 4
_ROWS_AT_ONCE = 10_000


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
