"""The snapshots of a table, looked through for items, and written again without them."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from boto3.exceptions import S3UploadFailedError

from dynamo_assets.aws.cancellation import pause, side_by_side
from dynamo_assets.erasure.amended import amended
from dynamo_assets.erasure.data_files import DataFiles
from dynamo_assets.erasure.journal import Journal, Journals
from dynamo_assets.erasure.key_columns import KeyColumns
from dynamo_assets.erasure.keys import Keys
from dynamo_assets.errors import ErasureError, ManifestError
from dynamo_assets.export.holding import Held, Hold, take_if_free
from dynamo_assets.export.manifest import Manifest, ManifestFile
from dynamo_assets.export.write import upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ATTEMPT = "erasure"
"""One name for all runs, of which a table has one at a time: a run meets the claims of one that died as its own."""
Problem = ErasureError | ManifestError
"""What is wrong with a snapshot and stops no other."""


K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True)
class Holding:
    """A snapshot that was looked through.

    Attributes:
        manifest: Its manifest.
        rows: How many rows go, by the key of each file that holds any.
    """

    manifest: Manifest
    rows: dict[str, int]


@dataclass(frozen=True)
class Snapshots:
    """Erases items from the snapshots of one table.

    Attributes:
        s3: Where they lie.
        journals: Of the table.
        keys: The items' keys.
        erasure: This run's name in the history.
        check: Raises where another run may be at this table.
    """

    s3: S3Client
    journals: Journals
    keys: Keys
    erasure: str
    check: Callable[[], None]

    @property
    def _bucket(self) -> str:
        return self.journals.manifests.layout.bucket

    def require_keys(self) -> None:
        """Compares the keys with the newest snapshot's: a mistake in them is to be told before anything is changed.

        Raises:
            KeysError: They are not of this table.
        """
        store, name = self.journals.manifests, self.journals.name
        with suppress(ManifestError):
            if (newest := store.latest(name)) and not (manifest := store.read(name, newest)).adopted:
                self._files(manifest)

    def look_through(self, labels: Sequence[str]) -> dict[str, Holding | Problem]:
        """Looks for the items in complete snapshots, files side by side; nothing is changed.

        Returns:
            By label, what it holds, or what is wrong with it; nothing of one that is gone by now.
        """
        read = _outcomes(labels, [partial(self._read, label) for label in labels])
        found: dict[str, Holding | Problem] = {}
        tasks: dict[tuple[str, ManifestFile], Callable[[], int]] = {}
        for label, manifest in read.items():
            try:
                if isinstance(manifest, Problem):
                    raise manifest
                if manifest:
                    files, found[label] = self._files(manifest), Holding(manifest, {})
                    tasks |= {(label, file): partial(self._going, files, file) for file in manifest.files}
            except (ErasureError, ManifestError) as error:
                found[label] = error
        for (label, file), going in _outcomes(list(tasks), list(tasks.values())).items():
            holding = found[label]
            if isinstance(going, Problem):
                found[label] = going
            elif going and isinstance(holding, Holding):
                holding.rows[file.key] = going
        return found

    def _read(self, label: str) -> Manifest | None:
        store, name = self.journals.manifests, self.journals.name
        try:
            return store.read(name, label)
        except ManifestError:
            if store.has(name, label):
                raise
            return None

    def _going(self, files: DataFiles, file: ManifestFile) -> int:
        pause(0)  # a cancelled run ends between two files
        return files.going(file)

    def erase(self, holding: Holding, at: str) -> Journal:
        """Writes the files of a snapshot again that hold any of the items, and its manifest.

        Returns:
            What was done; `Journals.end` is still to be called for it.

        Raises:
            ErasureError: A file is not what the manifest says, another run is at the snapshot, or somebody else has
                changed its manifest.
        """
        label = holding.manifest.snapshot_timestamp
        with self.held(label) as hold:

            def check() -> None:
                self.check()
                hold.check()

            journal = self._stage(holding, at, check)
            pause(0)
            check()
            # From here on a cancelled run goes on until the snapshot is what its manifest says.
            self.journals.begin(journal)
            if not self.journals.carry_out(journal, check):
                raise ErasureError(f"{self.journals.name}: snapshot {label} was removed at this moment")
        return journal

    def held(self, label: str) -> Hold:
        """Keeps attempts from a label while its files are replaced.

        Raises:
            ErasureError: Somebody has taken it at this moment.
        """
        layout, name = self.journals.manifests.layout, self.journals.name
        held = Held(self._bucket, layout.claim_key(name, label), ATTEMPT, owner=name, what=f"snapshot {label}")
        # The snapshot is complete, so whoever claimed its label is done with it, just now or long ago.
        hold = take_if_free(self.s3, held, stale_seconds=-math.inf)
        if hold is None:
            raise ErasureError(f"{name}: another run is at snapshot {label}; run the erasure again")
        return hold

    def _stage(self, holding: Holding, at: str, check: Callable[[], None]) -> Journal:
        name, label = self.journals.name, holding.manifest.snapshot_timestamp
        document, etag = self.journals.manifests.document(name, label)
        if Manifest.from_json(document) != holding.manifest:
            raise ErasureError(
                f"{name}: the manifest of snapshot {label} changed at this moment; run the erasure again"
            )
        files, prefix = self._files(holding.manifest), self.journals.manifests.layout.staged_prefix(name, label)
        staged: dict[str, str | None] = {}
        made: dict[str, ManifestFile | None] = {}
        present: Counter[str] = Counter()
        for file in holding.manifest.files:
            if file.key not in holding.rows:
                continue
            pause(0)
            check()
            with tempfile.TemporaryDirectory(prefix="dynamo-assets-erasure-") as folder:
                path, done = files.rewrite(file, Path(folder))
                present.update(done.present)
                if path is None:
                    staged[file.key] = made[file.key] = None
                    continue
                key = f"{prefix}{len(staged):06d}{files.suffix}"
                try:
                    put = upload(self.s3, self._bucket, key, path, done.kept)
                except S3UploadFailedError as error:
                    raise ErasureError(f"{name}: {error}") from error
            staged[file.key], made[file.key] = key, replace(put, key=file.key)
        return Journal(
            erasure=self.erasure,
            snapshot_timestamp=label,
            etag=etag,
            staged=staged,
            rows=sum(holding.rows.values()),
            manifest=amended(document, made, present, at),
        )

    def _files(self, manifest: Manifest) -> DataFiles:
        return DataFiles(self.s3, self._bucket, manifest.format, KeyColumns.of(manifest, self.keys))


def _outcomes(names: Sequence[K], tasks: Sequence[Callable[[], T]]) -> dict[K, T | Problem]:
    """What tasks gave that ran side by side, or what is wrong with a snapshot; raises all else."""
    found: dict[K, T | Problem] = {}
    for name, outcome in zip(names, side_by_side(tasks), strict=True):
        if isinstance(outcome, Exception) and not isinstance(outcome, Problem):
            raise outcome
        found[name] = outcome
    return found
