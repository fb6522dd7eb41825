"""ORC: compressed with zstd."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import pyarrow as pa
from pyarrow import orc

SUFFIX = ".orc"
SELF_DESCRIBING = True

_DISTINCT_SHARE = 0.5
"""A column of which more than this share of the values differ gets no dictionary."""


class OrcWriter:
    """Writes one file."""

    def __init__(self, path: Path, schema: pa.Schema):
        self._schema = schema
        self._rows = 0
        self._writer: orc.ORCWriter | None = orc.ORCWriter(
            path, compression="zstd", dictionary_key_size_threshold=_DISTINCT_SHARE
        )

    def write(self, table: pa.Table) -> None:
        """Adds rows."""
        assert self._writer is not None
        self._writer.write(table)
        self._rows += table.num_rows

    def close(self) -> None:
        """Finishes the file."""
        if self._writer is None:
            return
        if not self._rows:
            self._writer.write(self._schema.empty_table())  # without it the file would have no columns
        self._writer.close()
        self._writer = None


open_writer = OrcWriter


def count_rows(file: IO[bytes]) -> int:
    """How many rows a file holds, by its footer."""
    return orc.ORCFile(file).nrows
