"""Parquet and ORC: only the key's columns are read to find rows, and row groups and stripes stay as they are cut."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import orc

from dynamo_assets.erasure.key_columns import KeyColumns
from dynamo_assets.erasure.rewritten import Counted, Rewritten
from dynamo_assets.export import read_back
from dynamo_assets.export.formats import file_format
from dynamo_assets.export.kernels import kernels


def count(file: IO[bytes], format: str, key: KeyColumns) -> Counted:
    """How many rows a file has, and how many of them go."""
    which = key.which(read_back.batches(file, format, key.names))
    return Counted(len(which), kernels.sum(which).as_py() or 0)


def rewrite(source: Path, target: Path, format: str, key: KeyColumns) -> Rewritten:
    """Writes a file again without the rows that go, with the schema that it has."""
    goes = key.which(read_back.batches(source, format, key.names))
    schema, pieces = _pieces(source, format)
    writer = file_format(format).open_writer(target, schema)
    present: Counter[str] = Counter()
    row = kept = 0
    try:
        for piece in pieces:
            mask = goes.slice(row, piece.num_rows)
            row += piece.num_rows
            for name, column in zip(piece.column_names, piece.filter(mask).columns, strict=True):
                present[name] += len(column) - column.null_count
            rest = piece.filter(kernels.invert(mask))
            if rest.num_rows:
                writer.write(rest)
                kept += rest.num_rows
    finally:
        writer.close()
    return Rewritten(kept, row - kept, present)


def _pieces(path: Path, format: str) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """A file's schema, and its rows as they were handed to the writer: a row group or a stripe at a time."""
    if format == "orc":
        stripes = orc.ORCFile(path)
        return stripes.schema, (pa.table(stripes.read_stripe(number)) for number in range(stripes.nstripes))
    groups = pq.ParquetFile(path)
    schema = _arrow_schema(groups)
    return schema, (groups.read_row_group(number).cast(schema) for number in range(groups.num_row_groups))


def _arrow_schema(file: pq.ParquetFile) -> pa.Schema:
    """The schema that the file was written with: the one that it is read with calls the elements of lists otherwise."""
    stored = (file.metadata.metadata or {}).get(b"ARROW:schema")
    return pa.ipc.read_schema(pa.py_buffer(b64decode(stored))) if stored else file.schema_arrow
