"""Removes snapshots, so that whoever looks in between finds each of them complete or not at all.

In this order: the manifest moves away (`_retired/`), so that the snapshot is no longer complete and nobody registers it
or starts from it again; its partition leaves the Data Catalog; its files go; last its claim and the manifest's copy.
What dies in between is found again by that copy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from dynamo_assets.aws.cancellation import all_side_by_side, pause
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.partitions import DELETE_BATCH, partition_of
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.errors import RetentionError
from dynamo_assets.export.holding import Held, Hold, take_if_free
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.export.s3_files import delete_objects, read_object
from dynamo_assets.naming import label_of_old_folder, snapshots_table
from dynamo_assets.retention.decision import Protected

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

T = TypeVar("T")
BATCH = DELETE_BATCH
"""So many snapshots are removed side by side: one call of Glue's takes their partitions out."""


ATTEMPT = "retention"
"""One name for all runs, of which a table has one at a time: a run meets the claims of one that died as its own."""


class Size(msgspec.Struct, frozen=True):
    """How much a snapshot holds, as its manifest says; also of a manifest that another version has written."""

    rows: int = 0
    bytes: int = 0


class _Place(msgspec.Struct, frozen=True):
    """Where the files of an adopted snapshot lie."""

    location: str = ""
    adopted: Any = None


@dataclass(frozen=True)
class Removal:
    """Removes snapshots of one table.

    Attributes:
        table: The table.
        s3: Where its snapshots lie.
        manifests: Says which are complete.
        catalog: Where they are registered.
        changed_by_people: Asks once more what must stay, right before something goes.
        log: Hears what happens.
    """

    table: Table
    s3: S3Client
    manifests: ManifestStore
    catalog: Catalog
    changed_by_people: Callable[[], Protected]
    log: Callable[[str], None]

    @property
    def _bucket(self) -> str:
        return self.manifests.layout.bucket

    def sizes(self, labels: Collection[str]) -> dict[str, Size]:
        """How much complete snapshots hold."""
        return self._each(labels, lambda label: self._size(self.manifests.layout.manifest_key(self.table.name, label)))

    def retired(self) -> list[str]:
        """The snapshots whose removal was begun and not ended."""
        prefix = self.manifests.layout.retired_prefix(self.table.name)
        return [key.removeprefix(prefix).removesuffix(".json") for key in _keys(self.objects(prefix))]

    def remove(self, labels: Sequence[str]) -> list[str]:
        """Removes complete snapshots; those that turn out to be protected by now, or in use, are left.

        Returns:
            Those that are gone.

        Raises:
            RetentionError: S3 would not delete something. The next run goes on from there.
            CatalogError: Glue refused. The next run goes on from there.
        """
        return [gone for batch in _batches(labels) for gone in self._remove(batch, begun=False)]

    def resume(self, labels: Sequence[str]) -> list[str]:
        """Goes on with removals that were begun; see `remove`."""
        labels = self._still_retired(labels)
        return [gone for batch in _batches(labels) for gone in self._remove(batch, begun=True)]

    def _remove(self, labels: Sequence[str], *, begun: bool) -> Sequence[str]:
        pause(0)  # a cancelled run ends between two batches
        layout, name = self.manifests.layout, self.table.name
        if not begun:
            labels = self._unprotected(labels)
        with self.held(labels, complete=not begun) as held:
            retired = self._still_retired(list(held)) if begun else self._retire(list(held))
            doomed, stuck = self._give_back_protected(retired)
            folders = self._each(doomed, self._folder)
            self._unregister(doomed)
            found = self._each(doomed, lambda label: list(_keys(self.objects(folders[label]))))
            for hold in held.values():
                hold.check()
            self.delete([key for keys in found.values() for key in keys])
            self.delete([key(name, label) for key in (layout.verified_key, layout.rejected_key) for label in doomed])
            self.delete([layout.claim_key(name, label) for label in doomed])
            self.delete([layout.retired_key(name, label) for label in doomed])
        if doomed:
            files = sum(len(keys) for keys in found.values())
            self.log(f"{self.table.table}: gone, with {files} files: {', '.join(doomed)}")
        if stuck:
            raise RetentionError(
                f"{self.table.table}: {', '.join(stuck)} must stay, and was being removed by then: some of its files "
                f"are gone. If the view {self.catalog.database}.{name} was pointed there, point it to another snapshot"
            )
        return doomed

    @contextmanager
    def held(self, labels: Sequence[str], *, complete: bool) -> Iterator[Mapping[str, Hold]]:
        """Keeps attempts from labels while their files go: a point-in-time snapshot may be taken again at any time.

        Args:
            labels: The labels.
            complete: Whether there is a manifest: then whoever claimed the label is done with it, just now or long ago.

        Yields:
            The holds of those that nobody else has.
        """
        stale_seconds = -math.inf if complete else None
        found = self._each(labels, lambda label: take_if_free(self.s3, self._held(label), stale_seconds=stale_seconds))
        with ExitStack() as stack:
            yield {label: stack.enter_context(hold) for label, hold in found.items() if hold}
        for label in [label for label, hold in found.items() if hold is None]:
            self.log(f"{self.table.table}: {label} is left for now: another run is at it, or was a moment ago")

    def _held(self, label: str) -> Held:
        key = self.manifests.layout.claim_key(self.table.name, label)
        return Held(self._bucket, key, ATTEMPT, owner=f"table {self.table.table}", what=f"snapshot {label}")

    def _unprotected(self, labels: Sequence[str]) -> list[str]:
        """Promise 5: a person may have pointed the view elsewhere since it was decided what goes."""
        protected = self.changed_by_people()
        for label in labels:
            if why := protected.why(label):
                self.log(f"{self.table.table}: snapshot {label} stays after all: {why}")
        return [label for label in labels if not protected.why(label)]

    def _retire(self, labels: Sequence[str]) -> Sequence[str]:
        layout, name = self.manifests.layout, self.table.name

        def keep_aside(label: str) -> None:
            source = {"Bucket": self._bucket, "Key": layout.manifest_key(name, label)}
            self.s3.copy_object(Bucket=self._bucket, Key=layout.retired_key(name, label), CopySource=source)  # pyright: ignore[reportArgumentType]

        self._each(labels, keep_aside)
        self.delete([layout.manifest_key(name, label) for label in labels])
        return labels

    def _still_retired(self, labels: Sequence[str]) -> Sequence[str]:
        """Without those that are complete: never begun in earnest, or taken once more since then."""
        complete = [label for label, has in self._each(labels, self._is_complete).items() if has]
        self.delete([self.manifests.layout.retired_key(self.table.name, label) for label in complete])
        return [label for label in labels if label not in complete]

    def _is_complete(self, label: str) -> bool:
        return self.manifests.has(self.table.name, label)

    def _give_back_protected(self, retired: Sequence[str]) -> tuple[list[str], list[str]]:
        """Makes those complete again that must stay after all.

        Returns:
            Those that go on going, and those that must stay and cannot, because files of them are gone.
        """
        protected = self.changed_by_people()
        doomed, stuck = [], []
        for label in retired:
            if (why := protected.why(label)) is None:
                doomed.append(label)
            elif self._give_back(label):
                self.log(f"{self.table.table}: snapshot {label} stays after all: {why}")
            else:
                # What is only newer than what the view shows cannot be published any more, so nobody waits for it.
                (stuck if label in protected.reasons else doomed).append(label)
        return doomed, stuck

    def _give_back(self, label: str) -> bool:
        """Makes a snapshot complete again, and registers it; False where files of it are gone."""
        layout, name = self.manifests.layout, self.table.name
        manifest = Manifest.from_json(read_object(self.s3, self._bucket, layout.retired_key(name, label)))
        folder = self._folder(label)
        there = {entry.get("Key"): entry.get("Size") for entry in self.objects(folder)}
        if any(there.get(file.key) != file.bytes for file in manifest.files):
            return False
        self.manifests.write(manifest)
        self.delete([layout.retired_key(name, label)])
        self.catalog.register(snapshots_table(name), [partition_of(manifest)])
        return True

    def _folder(self, label: str) -> str:
        """Where a retired snapshot's files are: of an adopted one where its manifest says.

        Raises:
            RetentionError: A manifest names a place that is no snapshot's folder. Nothing there is touched.
        """
        layout, name = self.manifests.layout, self.table.name
        try:
            document = read_object(self.s3, self._bucket, layout.retired_key(name, label))
            place = msgspec.json.decode(document, type=_Place)
        except msgspec.DecodeError:
            place = _Place()
        if not place.adopted:
            return layout.snapshot_prefix(name, label)
        bucket, _, folder = place.location.removeprefix("s3://").partition("/")
        *_, last, end = ["", *folder.split("/")]
        if bucket != self._bucket or end or label_of_old_folder(last) != label:
            raise RetentionError(
                f"{self.table.table}: the manifest of {label} says that its files lie in {place.location!r}, which is "
                f"no folder of that snapshot; see {layout.uri(layout.retired_key(name, label))}"
            )
        return folder

    def _unregister(self, labels: Sequence[str]) -> None:
        table = snapshots_table(self.table.name)
        if labels and self.catalog.table(table):
            self.catalog.unregister(table, labels)

    def objects(self, prefix: str) -> Iterator[ObjectTypeDef]:
        """What lies below a prefix."""
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            yield from page.get("Contents", [])

    def delete(self, keys: Sequence[str]) -> None:
        """Deletes objects.

        Raises:
            RetentionError: S3 would not.
        """
        if errors := delete_objects(self.s3, self._bucket, keys):
            raise RetentionError(
                f"{self.table.table}: s3://{self._bucket}/{errors[0].get('Key')} could not be deleted: "
                f"{errors[0].get('Code')}: {errors[0].get('Message')}. Whoever runs Dagster needs s3:DeleteObject "
                "there; the next run goes on from here"
            )

    def _size(self, key: str) -> Size:
        try:
            return msgspec.json.decode(read_object(self.s3, self._bucket, key), type=Size)
        except msgspec.DecodeError:
            return Size()

    def _each(self, labels: Iterable[str], work: Callable[[str], T]) -> dict[str, T]:
        """What a piece of work gives for each label, done side by side; the first error, where there is one."""
        labels = list(labels)
        return dict(zip(labels, all_side_by_side([partial(work, label) for label in labels]), strict=True))


def _keys(objects: Iterable[ObjectTypeDef]) -> Iterator[str]:
    return (entry.get("Key", "") for entry in objects)


def _batches(labels: Sequence[str]) -> Iterator[Sequence[str]]:
    return (labels[begin : begin + BATCH] for begin in range(0, len(labels), BATCH))
