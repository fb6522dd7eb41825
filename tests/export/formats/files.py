"""Files written as an export writes them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from dynamo_assets.export.formats import file_format


def written(format: str, tables: Sequence[pa.Table]) -> bytes:
    """One file of all these tables."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        writer = file_format(format).open_writer(path, tables[0].schema)
        for table in tables:
            writer.write(table)
        writer.close()
        writer.close()  # as FileWriter does when it is left by an exception
        return path.read_bytes()


def rows_of(tables: Sequence[pa.Table]) -> list[dict[str, Any]]:
    return [row for table in tables for row in table.to_pylist()]
