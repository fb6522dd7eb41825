"""CSV as RFC 4180 has it, with a header, compressed with gzip; every value exact, although CSV knows only text.

Athena reads such files with the OpenCSVSerDe, for which a column is text, nothing is null, and a line break ends a row
even within quotes (Athena user guide, "Open CSV SerDe for processing CSV"). So an empty cell is null, an empty text is
`%`, and in a text what would be misread is percent-encoded as in a URL: line breaks and other control characters
(`%0A`), and with them `%` (`%25`) and `+` (`%2B`). A table's view turns that back with `url_decode`
(`dynamo_assets.publishing.view_columns`). Maps, lists and sets arrive here as text, their JSON; binary is base64.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv

from dynamo_assets.export.decoding.values import digits
from dynamo_assets.export.formats.json_lines import COMPRESSION_LEVEL, line_blocks, lines_of

SUFFIX = ".csv.gz"
SELF_DESCRIBING = False

EMPTY_TEXT = "%"
_ESCAPES = str.maketrans(
    {chr(code): f"%{code:02X}" for code in [*range(0x20), ord("%"), ord("+")] if code != ord("\t")}
)
_ROWS_AT_ONCE = 10_000
_HEADER = re.compile(rb"[a-z0-9_]+(,[a-z0-9_]+)*\n")


class CsvWriter:
    """Writes one file."""

    def __init__(self, path: Path, schema: pa.Schema):
        packed = gzip.open(path, "wb", compresslevel=COMPRESSION_LEVEL)  # noqa: SIM115 - closed by close()
        self._file = io.TextIOWrapper(packed, encoding="utf-8", newline="")
        self._rows = csv.writer(self._file, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
        self._cells = [_cell_of(column.type) for column in schema]
        self._rows.writerow(schema.names)

    def write(self, table: pa.Table) -> None:
        """Adds a line for each row."""
        for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            columns = [
                ["" if value is None else cell(value) for value in column.to_pylist()]
                for cell, column in zip(self._cells, batch.columns, strict=True)
            ]
            self._rows.writerows(zip(*columns, strict=True))

    def close(self) -> None:
        """Finishes the file."""
        self._file.close()


open_writer = CsvWriter


def _cell_of(kind: pa.DataType) -> Callable[[Any], str]:
    if pa.types.is_string(kind):
        return _text
    return _SCALARS.get(str(kind), lambda value: digits(value) if isinstance(value, Decimal) else str(value))


def _text(value: str) -> str:
    return value.translate(_ESCAPES) if value else EMPTY_TEXT


_SCALARS: dict[str, Callable[[Any], str]] = {
    "bool": lambda value: "true" if value else "false",
    "binary": lambda value: b64encode(value).decode() or EMPTY_TEXT,
}


def count_rows(file: IO[bytes]) -> int:
    """How many rows a file holds, its header left out; it is read whole."""
    lines = lines_of(file)
    if not _HEADER.fullmatch(next(lines, b"")):
        raise ValueError("it has no header of column names")
    return sum(1 for _ in lines)


def read_columns(file: IO[bytes], columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Reads some columns as the text that stands in their cells; see `FileFormat`."""
    names: list[str] = []
    cells = pyarrow.csv.ConvertOptions(
        include_columns=columns.names,
        include_missing_columns=True,
        column_types=columns,
        null_values=[""],
        strings_can_be_null=True,
    )
    for block in line_blocks(file):
        lines = block
        if not names:
            header, _, lines = block.partition(b"\n")
            if not _HEADER.fullmatch(header + b"\n"):
                raise ValueError("it has no header of column names")
            names = header.decode().split(",")
        if lines:
            how = pyarrow.csv.ReadOptions(column_names=names, use_threads=False, block_size=len(lines))
            # No line is empty, and one of a single null is `""`.
            parse = pyarrow.csv.ParseOptions(ignore_empty_lines=False)
            table = pyarrow.csv.read_csv(io.BytesIO(lines), how, parse, cells)
            yield from table.to_batches()
    if not names:
        raise ValueError("it has no header of column names")
