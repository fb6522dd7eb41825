"""JSON lines that another program wrote: an object a line, compressed or not."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO

import pyarrow as pa
from arro3.core import Schema
from arro3.io import read_json

from dynamo_assets.export.formats.missing_columns import BATCH_ROWS
from dynamo_assets.export.formats.packed_text import line_blocks


class AdoptedJson:
    """Reads such files; see `FileFormat`."""

    def count_rows(self, file: IO[bytes]) -> int:
        """How many objects a file holds; it is read whole."""
        rows = 0
        for lines in line_blocks(file):
            for line in lines.splitlines():
                if line.strip():
                    rows += 1
                    if not line.lstrip().startswith(b"{"):
                        raise ValueError(f"its object {rows} is none")
        return rows

    def read_columns(self, file: IO[bytes], columns: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Reads some fields, the others passed over."""
        for lines in line_blocks(file):
            found = read_json(io.BytesIO(lines), Schema.from_arrow(columns), batch_size=BATCH_ROWS)
            yield from pa.RecordBatchReader.from_stream(found)


LINES = AdoptedJson()
