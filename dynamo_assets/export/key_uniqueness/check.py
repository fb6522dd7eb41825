"""The check: every row of a snapshot has a key, and no two rows have the same.

It reads the key columns alone, and of each key keeps a fingerprint of 64 bits (`fingerprints.py`). Keys whose
fingerprint no other row has are unique. Those whose fingerprint occurs more than once (`repeated.py`) are read a second
time, and compared as they are: so what is called a duplicate is one, and none is missed. Nearly always there are none,
and the files are read once.

How it scales: time and the bytes fetched grow with the rows and the keys' lengths, and not with the other columns where
the format is Parquet or ORC; files of the others are read whole. Measured on one core, with a text and a number as key,
10 million rows of Parquet take 3.5 to 4 processor seconds, a fiftieth of their export. Memory does not grow with the
table: some 100 MB for fingerprints, and for each thread the key columns of one row group (Parquet), one stripe (ORC) or
some megabytes of text. Up to 2 million rows nothing goes to disk; above, 8 bytes a row.
"""

from __future__ import annotations

import tempfile
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dynamo_assets.export.in_process import InProcess
from dynamo_assets.export.kernels import kernels
from dynamo_assets.export.key_uniqueness.findings import SHOWN, DuplicatedKey, KeyFindings
from dynamo_assets.export.key_uniqueness.fingerprints import Fingerprints
from dynamo_assets.export.key_uniqueness.key_columns import KeyColumns, KeyReader
from dynamo_assets.export.key_uniqueness.repeated import FingerprintStore
from dynamo_assets.export.manifest import Manifest, ManifestFile
from dynamo_assets.export.supervision import Supervisor

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = 4
"""Files read at once: what takes the time is waiting for S3."""
COUNTED = 100_000
"""About so many duplicated keys are counted; more are not worth another look at all files."""


def check_keys(
    s3: S3Client,
    manifest: Manifest,
    bucket: str,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
    threads: int = THREADS,
) -> KeyFindings:
    """Reads the keys of a snapshot, as its files have them now, and compares them.

    Args:
        s3: Where the files lie; its connections should be as many as the threads.
        manifest: The snapshot's manifest.
        bucket: The files' bucket.
        on_progress: Hears, from any thread, how many rows were read since it last heard, those that are read a second
            time too; 0 where work goes on without. What it raises ends the check, and comes out of it when no thread
            works any more.
        threads: How many files are read at once.

    Raises:
        ManifestError: A file is missing, or is not what the manifest says; or the manifest contradicts itself.
        VerificationError: The local disk is full.
    """
    columns = KeyColumns.of(manifest)
    if columns is None:
        return KeyFindings(
            cannot_tell=f"the manifest of snapshot {manifest.snapshot_timestamp} does not name the table's key "
            "attributes: it was written before manifests did"
        )
    with tempfile.TemporaryDirectory(prefix="dynamo-assets-keys-") as folder:
        store = FingerprintStore(Path(folder), manifest.rows)
        check = _Check(s3, manifest, bucket, columns, Fingerprints(), _Hook(on_progress), InProcess(threads))
        read = check.read(store)
        duplicated, is_at_least = check.duplicated(store)
        null_files = [file.key for file, one in zip(manifest.files, read, strict=True) if one.nulls]
        return KeyFindings(
            rows_by_file={file.key: one.rows for file, one in zip(manifest.files, read, strict=True)},
            null_rows=sum(one.nulls for one in read),
            null_file=null_files[0] if null_files else None,
            duplicated=len(duplicated),
            is_at_least=is_at_least,
            shown=check.shown(duplicated),
            lossy=columns.lossy,
            fetched_bytes=check.fetched_bytes,
            spilled_bytes=store.spilled_bytes,
        )


class _Hook(Supervisor):
    """The caller's hook, as work on threads asks it."""

    def __init__(self, on_progress: Callable[[int], None]):
        self._on_progress = on_progress

    def progress(self, items: int) -> None:
        self._on_progress(items)

    def reserve(self, units: float, correction: float = 0.0) -> float:  # noqa: ARG002 - of DynamoDB nothing is read
        return 0.0


@dataclass
class _Read:
    """What became of one file."""

    rows: int = 0
    nulls: int = 0


@dataclass
class _Found:
    """The rows of one key, and the places of their files in the manifest."""

    rows: int = 0
    files: set[int] = field(default_factory=set)


_Duplicates = dict[tuple[Any, ...], _Found]


@dataclass
class _Check:
    s3: S3Client
    manifest: Manifest
    bucket: str
    columns: KeyColumns
    fingerprints: Fingerprints
    hook: _Hook
    threads: InProcess
    fetched_bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, store: FingerprintStore) -> list[_Read]:
        """Reads all files, and adds the fingerprints of their keys."""

        def work(file: ManifestFile, supervisor: Supervisor) -> _Read:
            read = _Read()
            for batch in self._batches(file, supervisor):
                keys = _without_nulls(batch)
                read.rows += batch.num_rows
                read.nulls += batch.num_rows - keys.num_rows
                store.add(self.fingerprints.of(keys.columns))
            return read

        return self.threads(work, self.manifest.files, self.hook)

    def duplicated(self, store: FingerprintStore) -> tuple[_Duplicates, bool]:
        """The keys that more than one row has, and whether there may be more."""
        suspects = self._suspects(store)
        for some in suspects:
            found = self._compare(some)
            duplicated = {key: one for key, one in found.items() if one.rows > 1}
            if duplicated:
                return duplicated, next(suspects, None) is not None
        return {}, False

    def _suspects(self, store: FingerprintStore) -> Iterator[pa.Array]:
        """The repeated fingerprints, about `COUNTED` at once."""
        some: list[pa.Array] = []
        for repeated in store.repeated():
            self.hook.progress(0)
            if len(repeated):
                some.append(repeated)
            if sum(map(len, some)) >= COUNTED:
                yield pa.concat_arrays(some)
                some = []
        if some:
            yield pa.concat_arrays(some)

    def _compare(self, suspects: pa.Array) -> _Duplicates:
        """All keys that have one of these fingerprints, compared by what they are."""
        found: _Duplicates = {}
        places = {file.key: place for place, file in enumerate(self.manifest.files)}

        def work(file: ManifestFile, supervisor: Supervisor) -> None:
            for batch in self._batches(file, supervisor):
                keys = _without_nulls(batch)
                hit = keys.filter(kernels.is_in(self.fingerprints.of(keys.columns), value_set=suspects))
                counted = _counted(hit) if hit.num_rows else {}
                with self._lock:
                    for key, rows in counted.items():
                        one = found.setdefault(key, _Found())
                        one.rows += rows
                        one.files.add(places[file.key])

        self.threads(work, self.manifest.files, self.hook)
        return found

    def _batches(self, file: ManifestFile, supervisor: Supervisor) -> Iterator[pa.RecordBatch]:
        reader = KeyReader(self.s3, self.bucket, self.manifest.file_format, self.columns)
        for batch in reader.batches(file):
            supervisor.progress(batch.num_rows)
            yield batch
        with self._lock:
            self.fetched_bytes += reader.fetched_bytes

    def shown(self, duplicated: _Duplicates) -> tuple[DuplicatedKey, ...]:
        """Some of the keys, always the same."""
        texts = sorted((tuple(map(_text, key)), found.rows, sorted(found.files)) for key, found in duplicated.items())
        return tuple(
            DuplicatedKey(
                dict(zip(self.columns.attributes, values, strict=True)),
                rows,
                tuple(self.manifest.files[place].key for place in places[:SHOWN]),
            )
            for values, rows, places in texts[:SHOWN]
        )


def _without_nulls(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.drop_null() if any(array.null_count for array in batch.columns) else batch


def _counted(keys: pa.RecordBatch) -> dict[tuple[Any, ...], int]:
    """How many rows have each key."""
    counted = pa.table(keys).group_by(keys.schema.names, use_threads=False).aggregate([([], "count_all")])
    *columns, rows = (column.to_pylist() for column in counted.select([*keys.schema.names, "count_all"]).columns)
    return dict(zip(zip(*columns, strict=True), rows, strict=True))


def _text(value: Any) -> str:
    return b64encode(value).decode() if isinstance(value, bytes) else str(value)
