"""Where a snapshot's files have the keys of their rows, and which rows have one that is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from dynamo_assets.erasure.keys import Keys, Wanted
from dynamo_assets.errors import ErasureError
from dynamo_assets.export.kernels import kernels
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.export.native_export.item_keys import join_key, keys_of, places_of


@dataclass(frozen=True)
class KeyColumns:
    """The columns of a snapshot that hold its key, and what is looked for in them.

    Attributes:
        names: The columns, the partition key's first.
        tags: Their DynamoDB types.
        wanted: The keys.
    """

    names: tuple[str, ...]
    tags: tuple[str, ...]
    wanted: Wanted

    @classmethod
    def of(cls, manifest: Manifest, keys: Keys) -> KeyColumns:
        """Those of a snapshot.

        Raises:
            KeysError: The keys are not of its table.
            ErasureError: Its rows' keys cannot be told from its files.
        """
        if manifest.adopted:
            raise ErasureError(
                f"it was adopted from {manifest.location}, and files that another program wrote are not written again. "
                "Look for the items there yourself, or let retention remove the whole snapshot"
            )
        if not manifest.keys:
            raise ErasureError("its manifest, of an early version, does not say what the table's key is")
        columns = {column.attribute: column for column in manifest.columns}
        forced = manifest.shape.get("columns", {})
        for attribute, tag in manifest.keys.items():
            if columns[attribute].lossy or (tag != "N" and forced.get(attribute)):
                raise ErasureError(
                    f"the column of key attribute {attribute!r} does not hold it exactly (`numbers` or `columns` in "
                    "tables.yaml at that time), so its rows cannot be told from others"
                )
        names = tuple(columns[attribute].name for attribute in manifest.keys)
        return cls(names, tuple(manifest.keys.values()), keys.wanted(manifest.keys))

    def has(self, key: Sequence[bytes]) -> bool:
        """Whether a row goes, by its key attributes' bytes."""
        return key[0] in self.wanted.partitions or join_key(key) in self.wanted.items

    def which(self, batches: Iterable[pa.RecordBatch]) -> pa.ChunkedArray:
        """Of each row whether it goes. Only the columns of `names` are needed."""
        found: list[pa.Array] = []

        def keys() -> Iterable[pa.Array]:
            for batch in batches:
                arrays = [batch.column(name) for name in self.names]
                # Partition keys are few, as a rule: they are looked up at once, and kept as one bit a row.
                found.append(kernels.is_in(keys_of(arrays[:1], self.tags[:1]), value_set=self._partitions))
                yield keys_of(arrays, self.tags)

        places = pa.chunked_array(places_of(keys(), self._items), pa.int32())
        partitions = pa.chunked_array(found, pa.bool_())
        return kernels.or_(kernels.is_valid(places), partitions)

    @cached_property
    def _items(self) -> pa.Array:
        return pa.array(sorted(self.wanted.items), pa.binary())

    @cached_property
    def _partitions(self) -> pa.Array:
        return pa.array(sorted(self.wanted.partitions), pa.binary())
