"""Whether the files in snapshots' folders are those of their manifests, for many snapshots at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from dynamo_assets.aws.cancellation import side_by_side
from dynamo_assets.errors import ManifestError
from dynamo_assets.export.manifest import Manifest, ManifestStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROWS_IN_FOOTER = frozenset({"parquet", "orc"})
"""Formats whose files tell their rows to a request or two; the others must be read whole."""


@dataclass(frozen=True)
class Folders:
    """The folders of one table's complete snapshots.

    Attributes:
        s3: Where their files lie.
        manifests: What they should be.
        name: The table's catalog name.
    """

    s3: S3Client
    manifests: ManifestStore
    name: str

    def of(
        self,
        labels: Collection[str],
        complete: Collection[str],
        *,
        counts: Callable[[Manifest], bool] = lambda manifest: manifest.format in ROWS_IN_FOOTER,
    ) -> tuple[list[Manifest], dict[str, str]]:
        """Compares folders with manifests: each file is there, of its size, and nothing else is.

        For a whole history this takes one listing of its files and a request for each manifest, and where rows are
        counted one or two for each file.

        Args:
            labels: The snapshots to look at.
            complete: All complete snapshots: folders in between that need no look are not listed.
            counts: Whether a snapshot's rows are to be counted, too.

        Returns:
            The manifests of the sound ones, oldest first, and of the others what is wrong.
        """
        wanted = sorted(labels)
        found = self._sizes(wanted, sorted(complete))
        read = side_by_side([partial(self._verify, label, found.get(label, {}), counts) for label in wanted])
        sound: list[Manifest] = []
        damaged: dict[str, str] = {}
        for label, outcome in zip(wanted, read, strict=True):
            if isinstance(outcome, Manifest):
                sound.append(outcome)
            elif isinstance(outcome, ManifestError):
                damaged[label] = str(outcome)
            else:
                raise outcome
        return sound, damaged

    def sizes(self, manifest: Manifest) -> dict[str, int]:
        """The sizes of one snapshot's files by their keys, without hidden ones, which Athena skips."""
        label, folder = manifest.snapshot_timestamp, manifest.folder
        if manifest.adopted is None:
            return self._sizes([label], [label]).get(label, {})
        return {key: size for key, size in self._listed(folder, folder) if not is_hidden(key.removeprefix(folder))}

    def _verify(self, label: str, sizes: Mapping[str, int], counts: Callable[[Manifest], bool]) -> Manifest:
        manifest = self.manifests.read(self.name, label)
        if manifest.adopted:
            sizes = self.sizes(manifest)
        if problem := _difference(manifest, sizes, self.manifests.layout.bucket):
            raise ManifestError(problem)
        if counts(manifest):
            self._count(manifest)
        return manifest

    def _count(self, manifest: Manifest) -> None:
        # pyarrow is 50 MB that a process which only loads the definitions need not pay for.
        from dynamo_assets.export.row_counts import rows_in_file  # noqa: PLC0415

        bucket = self.manifests.layout.bucket
        for file in manifest.files:
            rows = rows_in_file(self.s3, bucket, file.key, manifest.file_format)
            if rows != file.rows:
                raise ManifestError(f"s3://{bucket}/{file.key}: {rows} rows, the manifest says {file.rows}")

    def _sizes(self, labels: Sequence[str], complete: Sequence[str]) -> dict[str, dict[str, int]]:
        """Of each snapshot its files' sizes by their keys. Hidden files, which Athena skips, are left out."""
        layout = self.manifests.layout
        prefix = layout.snapshots_prefix(self.name)
        folders = {layout.snapshot_prefix(self.name, label): label for label in labels}
        sizes: dict[str, dict[str, int]] = {}
        for first, last in _stretches(labels, complete):
            end = layout.snapshot_prefix(self.name, last)
            for key, size in self._listed(prefix, layout.snapshot_prefix(self.name, first)):
                folder, _, path = key.removeprefix(prefix).partition("/")
                folder = f"{prefix}{folder}/"
                if folder > end:
                    break
                if folder in folders and not is_hidden(path):
                    sizes.setdefault(folders[folder], {})[key] = size
        return sizes

    def _listed(self, prefix: str, after: str) -> Iterator[tuple[str, int]]:
        pages = self.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.manifests.layout.bucket, Prefix=prefix, StartAfter=after):
            for entry in page.get("Contents", []):
                yield entry.get("Key", ""), entry.get("Size", 0)


def is_hidden(path: str) -> bool:
    """Whether Athena skips a file, by its path within the snapshot's folder."""
    return any(part.startswith(("_", ".")) for part in path.split("/"))


def _stretches(labels: Sequence[str], complete: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The first and last of each row of labels that follow one another among all complete ones."""
    wanted = set(labels)
    for is_wanted, stretch in groupby(complete, lambda label: label in wanted):
        if is_wanted:
            neighbours = list(stretch)
            yield neighbours[0], neighbours[-1]


def _difference(manifest: Manifest, sizes: Mapping[str, int], bucket: str) -> str | None:
    """The first thing in which a folder is not what its manifest says; None where it is just that."""
    return next(differences(manifest, sizes, bucket), None)


def differences(manifest: Manifest, sizes: Mapping[str, int], bucket: str) -> Iterator[str]:
    """In what a folder is not what its manifest says.

    Args:
        manifest: The snapshot's.
        sizes: What is there: sizes in bytes by their keys.
        bucket: The bucket.
    """
    for file in manifest.files:
        size = sizes.get(file.key)
        if size is None:
            yield f"s3://{bucket}/{file.key}: the manifest names this file, and it does not exist"
        elif size != file.bytes:
            yield f"s3://{bucket}/{file.key}: {size:,} bytes, the manifest says {file.bytes:,}"
    named = {file.key for file in manifest.files}
    # An empty object is no file of rows: consoles make one for each folder.
    for key in sorted(key for key, size in sizes.items() if size and key not in named):
        yield f"s3://{bucket}/{key}: the manifest does not name this file, and Athena would read it"
