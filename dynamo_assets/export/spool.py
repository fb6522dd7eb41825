"""Batches kept on disk for a while, because the schema is still changing.

A file has one schema, and one whose types turn out too narrow is written again. Where every few pages bring something
new, each file would be small, and nearly each would be written twice. Arrow's own format costs next to nothing to write
and read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from dynamo_assets.export.decoding import Batch
from dynamo_assets.export.schema import TableSchema

UNSETTLED_BATCHES = 8
"""So many batches after its last change the schema is taken for settled."""
SPOOL_BYTES = 256 * 1024 * 1024
"""At most so much is kept, uncompressed."""


class Spool:
    """The batches that came since the schema last changed and a little longer, in their order.

    Args:
        folder: Where they lie; they are removed when they are taken.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._kept: list[tuple[Path, tuple[str, ...], TableSchema]] = []
        self._bytes = 0
        self._schema: TableSchema | None = None
        self._settled_after = 0

    def wants(self, batch: Batch) -> bool:
        """Whether a batch should wait here. Every batch must be shown, in order."""
        if self._schema is not None and not self._schema.same_columns(batch.schema):
            self._settled_after = UNSETTLED_BATCHES
        self._schema = batch.schema
        self._settled_after -= 1
        return self._settled_after >= 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to take what is kept."""
        return self._bytes >= SPOOL_BYTES

    def add(self, batch: Batch) -> None:
        """Keeps a batch."""
        path = self._folder / f"spooled-{len(self._kept)}"
        attributes = tuple(batch.arrays)
        # Arrow allows names to be alike; they are not needed to find the arrays again.
        records = pa.RecordBatch.from_arrays(list(batch.arrays.values()), names=[""] * len(attributes))
        rows = pa.RecordBatch.from_arrays([pa.nulls(batch.rows)], names=["rows"]) if not attributes else records
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, rows.schema) as writer:
            writer.write_batch(rows)
        self._kept.append((path, attributes, batch.schema))
        self._bytes += path.stat().st_size

    def take(self) -> Iterator[Batch]:
        """Gives what is kept, oldest first, and forgets it."""
        kept, self._kept, self._bytes = self._kept, [], 0
        for path, attributes, schema in kept:
            with pa.OSFile(str(path)) as file:
                records = pa.ipc.open_file(file).get_batch(0)
            path.unlink()
            yield Batch(records.num_rows, dict(zip(attributes, records.columns, strict=False)), schema)
