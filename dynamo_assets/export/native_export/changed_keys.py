"""Which items changed between a snapshot and another instant: their keys, from the incremental exports in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from dynamo_assets.errors import IntegrityError, MergeError
from dynamo_assets.export.native_export.change_lines import Change, changes_in
from dynamo_assets.export.native_export.item_keys import key_of
from dynamo_assets.export.native_export.manifests import NativeExport
from dynamo_assets.export.supervision import Supervisor

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_CHANGED_BYTES = 256 * 1024 * 1024
"""So much memory the keys may take; where more changed, a full export is the better way to a snapshot anyway."""
ENTRY_BYTES = 150
"""What an entry of a dictionary takes beside the key's own bytes."""


@dataclass(frozen=True)
class ChangedKeys:
    """The keys of all items that changed. Small beside the changes, so that each unit can have them.

    Attributes:
        keys: Each of them once, as `item_keys` has them; first those of items that there were before.
        superseded: Of each export, the keys that a later one has too: its new images of them are not the last.
        continued: Of each export, the keys that an earlier one has too: its old images of them are not the first.
        removed: How many of the items there were before.
        put: How many of the items there are afterwards.
    """

    keys: pa.Array
    superseded: tuple[frozenset[bytes], ...]
    continued: tuple[frozenset[bytes], ...]
    removed: int
    put: int


def read_changed_keys(
    s3: S3Client, bucket: str, exports: Sequence[NativeExport], keys: Mapping[str, str], supervisor: Supervisor
) -> ChangedKeys:
    """Reads the keys of incremental exports.

    Args:
        s3: Where they lie.
        bucket: Their bucket.
        exports: The exports, oldest first, back to back.
        keys: The table's key attributes and their types, the partition key first.
        supervisor: Hears that it goes on.

    Raises:
        IntegrityError: A data file is not what its manifest says.
        MergeError: The exports do not fit each other, or more has changed than memory should hold.
    """
    index = _Index(len(exports), keys)
    for number, export in enumerate(exports):
        for changes in changes_in(s3, bucket, export.files, supervisor):
            for change in changes:
                index.add(number, change, export)
    return index.changed_keys()


@dataclass
class _Index:
    """The keys, while they are read. Of each, the last export that has it, and whether the item existed after it."""

    exports: int
    attributes: Mapping[str, str]
    last: dict[bytes, tuple[int, bool]] = field(default_factory=dict)
    bytes: int = 0
    gone: list[bytes] = field(default_factory=list)
    fresh: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.superseded: list[set[bytes]] = [set() for _ in range(self.exports)]
        self.continued: list[set[bytes]] = [set() for _ in range(self.exports)]

    def add(self, number: int, change: Change, export: NativeExport) -> None:
        try:
            key = key_of(change.Keys, self.attributes)
        except (KeyError, ValueError, ArithmeticError) as error:
            raise MergeError(f"{export.arn}: {change.Keys} is no key of {dict(self.attributes)}") from error
        existed = bool(change.old)
        if key not in self.last:
            (self.gone if existed else self.fresh).append(key)
            self._weigh(key)
        else:
            before, exists = self.last[key]
            if before == number:
                raise IntegrityError(f"{export.arn} has two changes of the item {change.Keys}")
            if exists != existed:
                raise MergeError(
                    f"{export.arn}: the item {change.Keys} {'was' if existed else 'was not'} there at its beginning, "
                    "and the export before it says otherwise"
                )
            self.superseded[before].add(key)
            self.continued[number].add(key)
        self.last[key] = (number, bool(change.new))

    def _weigh(self, key: bytes) -> None:
        self.bytes += len(key) + ENTRY_BYTES
        if self.bytes > MAX_CHANGED_BYTES:
            raise MergeError(
                f"{len(self.last):,} items and more changed; their keys take more than {MAX_CHANGED_BYTES >> 20} MB of "
                "memory. A full export is the better way then"
            )

    def changed_keys(self) -> ChangedKeys:
        return ChangedKeys(
            keys=pa.array([*self.gone, *self.fresh], pa.binary()),
            superseded=tuple(map(frozenset, self.superseded)),
            continued=tuple(map(frozenset, self.continued)),
            removed=len(self.gone),
            put=sum(exists for _, exists in self.last.values()),
        )
