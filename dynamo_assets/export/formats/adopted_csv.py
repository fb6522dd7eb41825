"""CSV that another program wrote, with a header: a row a line, quotes within quotes doubled or escaped.

Spark escapes them with a backslash, other writers double them. Athena's OpenCSVSerDe reads both, if it is told which;
in escaped files a backslash stands for itself nowhere but before a quote or another backslash, or Athena would lose it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import IO

import pyarrow as pa
import pyarrow.csv

from dynamo_assets.export.formats.packed_text import line_blocks

_DOUBLED_CELL = rb'(?:"(?:[^"]|"")*"|[^",]*)'
_ESCAPED_CELL = rb'(?:"(?:[^"\\]|\\["\\])*"|[^",\\]*)'


class AdoptedCsv:
    """Reads such files; see `FileFormat`.

    Args:
        cell: What a cell looks like, as a regular expression.
        escape: The character that quotes are escaped with; None where they are doubled.
    """

    def __init__(self, cell: bytes, escape: str | None):
        self.escape = escape
        self._line = re.compile(cell + b"(?:," + cell + b")*")

    def is_line(self, line: bytes) -> bool:
        """Whether a line is one that Athena reads exactly by these rules."""
        return self._line.fullmatch(line) is not None

    def cells(self, line: bytes) -> list[str]:
        """The cells of a line."""
        rows = csv.reader([line.decode()], doublequote=self.escape is None, escapechar=self.escape)
        return next(rows, [""])

    def count_rows(self, file: IO[bytes]) -> int:
        """How many rows a file holds, its header left out; it is read whole."""
        return max(0, sum(lines.count(b"\n") for lines in line_blocks(file)) - 1)

    def read_columns(self, file: IO[bytes], columns: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Reads some columns as the text that stands in their cells; an empty one is null."""
        names: list[str] = []
        convert = pyarrow.csv.ConvertOptions(
            include_columns=columns.names,
            include_missing_columns=True,
            column_types=columns,
            null_values=[""],
            strings_can_be_null=True,
        )
        parse = pyarrow.csv.ParseOptions(
            ignore_empty_lines=False, double_quote=self.escape is None, escape_char=self.escape or False
        )
        for block in line_blocks(file):
            lines = block
            if not names:
                header, _, lines = block.partition(b"\n")
                names = self.cells(header.removesuffix(b"\r"))
            if lines:
                how = pyarrow.csv.ReadOptions(column_names=names, use_threads=False, block_size=len(lines))
                yield from pyarrow.csv.read_csv(io.BytesIO(lines), how, parse, convert).to_batches()


QUOTED = AdoptedCsv(_DOUBLED_CELL, None)
ESCAPED = AdoptedCsv(_ESCAPED_CELL, "\\")
