"""ORC: compressed with zstd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import orc

from dynamo_assets.export.formats.missing_columns import BATCH_ROWS, with_missing, without_columns

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
        columns = [pa.chunked_array(map(_null_below_null, column.chunks), column.type) for column in table.columns]
        self._writer.write(pa.table(columns, schema=self._schema))
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


def _null_below_null(array: pa.Array) -> pa.Array:
    """The same values, with nothing left in what is below a null struct.

    Arrow does not care what is there; pyarrow 26 writes a text of it to the file, where the next row's is read.
    """
    if isinstance(array, pa.StructArray):
        # `flatten` makes the children null where the struct is.
        children = [_null_below_null(child) for child in array.flatten()]
        return pa.StructArray.from_arrays(children, fields=list(array.type), mask=array.is_null())
    if isinstance(array, pa.ListArray):
        cumulative_sum = pc.cumulative_sum  # pyright: ignore[reportAttributeAccessIssue] - made at import
        lengths = array.value_lengths().fill_null(0)
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), cumulative_sum(lengths)])
        return pa.ListArray.from_arrays(offsets, _null_below_null(array.flatten()), mask=array.is_null())
    return array


def count_rows(file: IO[bytes]) -> int:
    """How many rows a file holds, by its footer."""
    return orc.ORCFile(file).nrows


def read_columns(file: IO[bytes], columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Reads some columns, a stripe after another; see `FileFormat`."""
    whole = orc.ORCFile(file)
    names = [name for name in columns.names if name in whole.schema.names]
    if not names:
        yield from with_missing([without_columns(whole.nrows)], columns)
        return
    for number in range(whole.nstripes):
        stripe = whole.read_stripe(number, columns=names)
        pieces = (stripe.slice(begin, BATCH_ROWS) for begin in range(0, stripe.num_rows, BATCH_ROWS))
        yield from with_missing(pieces, columns)
