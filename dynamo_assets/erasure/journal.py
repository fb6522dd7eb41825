"""What a snapshot is being made by an erasure, written down before its first file is replaced.

It is all that is needed to go on where a run died, and knows no key: a run that erases others ends it just as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from dynamo_assets.erasure.amended import document_of
from dynamo_assets.errors import ErasureError, ManifestError
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.export.s3_files import delete_objects, read_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

VERSION = 1


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot is being made.

    Attributes:
        erasure: The run that began it.
        snapshot_timestamp: The snapshot's label.
        etag: Of the manifest that is to be replaced.
        staged: By the key of each file that is to be replaced, the key of what takes its place; None where it goes.
        rows: How many rows go.
        manifest: The new manifest.
    """

    version: int = VERSION
    erasure: str
    snapshot_timestamp: str
    etag: str
    staged: Mapping[str, str | None]
    rows: int
    manifest: dict[str, Any]


@dataclass(frozen=True)
class Journals:
    """The journals of one table.

    Attributes:
        s3: Where they lie.
        manifests: What they replace.
        name: The table's catalog name.
    """

    s3: S3Client
    manifests: ManifestStore
    name: str

    @property
    def _bucket(self) -> str:
        return self.manifests.layout.bucket

    def begun(self) -> list[str]:
        """The labels of the snapshots that an erasure was replacing when it died."""
        prefix = self.manifests.layout.erasure_journals_prefix(self.name)
        return [key.removeprefix(prefix).removesuffix(".json") for key in self._keys(prefix)]

    def read(self, label: str) -> Journal:
        """The journal of a snapshot.

        Raises:
            ErasureError: It is one of a version that this package cannot read.
        """
        key = self.manifests.layout.erasure_journal_key(self.name, label)
        try:
            journal = msgspec.json.decode(read_object(self.s3, self._bucket, key), type=Journal)
            if journal.version == VERSION:
                return journal
        except msgspec.DecodeError:
            pass
        raise ErasureError(f"{self.manifests.layout.uri(key)} is no journal of this version of the package: upgrade it")

    def begin(self, journal: Journal) -> None:
        """Writes a journal. Its new files are staged, and from here on they will take the old ones' places."""
        key = self.manifests.layout.erasure_journal_key(self.name, journal.snapshot_timestamp)
        self.s3.put_object(Bucket=self._bucket, Key=key, Body=msgspec.json.encode(journal))

    def carry_out(self, journal: Journal, check: Callable[[], None]) -> bool:
        """Puts the new files and then the new manifest in the old ones' places, or what is left of that to be done.

        Between the first file and the manifest the snapshot is not what its manifest says.

        Args:
            journal: What to do.
            check: Called before each step; raises where another run may be at it.

        Returns:
            Whether the snapshot is there: somebody may have removed it since the journal was written.

        Raises:
            ErasureError: Somebody else has changed the manifest.
        """
        label, document = journal.snapshot_timestamp, document_of(journal.manifest)
        try:
            found, etag = self.manifests.document(self.name, label)
        except ManifestError as error:
            if self.manifests.has(self.name, label):
                raise ErasureError(f"{error}; run the erasure again") from error
            return False
        if found == document:
            return True
        if etag != journal.etag:
            raise ErasureError(
                f"{self.name}: the manifest of snapshot {label} is neither the one that an erasure began to replace "
                f"nor what it was to become. Take the snapshot out of use, and remove "
                f"{self.manifests.layout.uri(self.manifests.layout.erasure_journal_key(self.name, label))}"
            )
        for key, staged in journal.staged.items():
            check()
            if staged is None:
                self._delete([key])
            else:
                self.s3.copy({"Bucket": self._bucket, "Key": staged}, self._bucket, key)
        check()
        try:
            self.manifests.replace(self.name, label, document, etag)
        except ManifestError as error:
            raise ErasureError(f"{error}; run the erasure again") from error
        return True

    def end(self, journal: Journal) -> None:
        """Removes a journal that was carried out, and what was staged for it, which goes first."""
        layout, label = self.manifests.layout, journal.snapshot_timestamp
        self._delete(self._keys(layout.staged_prefix(self.name, label)))
        self._delete([layout.erasure_journal_key(self.name, label)])

    def tidy(self) -> None:
        """Removes what was staged by runs that died before they wrote a journal."""
        begun, prefix = self.begun(), self.manifests.layout.all_staged_prefix(self.name)
        self._delete([key for key in self._keys(prefix) if key.removeprefix(prefix).partition("/")[0] not in begun])

    def _keys(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return [entry.get("Key", "") for page in pages for entry in page.get("Contents", [])]

    def _delete(self, keys: list[str]) -> None:
        if errors := delete_objects(self.s3, self._bucket, keys):
            raise ErasureError(
                f"{self.name}: s3://{self._bucket}/{errors[0].get('Key')} could not be deleted: "
                f"{errors[0].get('Code')}: {errors[0].get('Message')}. Whoever erases needs s3:DeleteObject there; the "
                "next run goes on from here"
            )
