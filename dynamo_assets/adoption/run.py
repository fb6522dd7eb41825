"""The adoption of a table's old snapshots: which may be, and what becomes of each. A second run changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Literal

from dynamo_assets.adoption.description import Describer, Description
from dynamo_assets.adoption.old_folders import SUCCESS, OldFolder
from dynamo_assets.adoption.places import Newest, placed, together
from dynamo_assets.adoption.selection import Order, Selection
from dynamo_assets.automation.partitions import last_tick
from dynamo_assets.aws.cancellation import all_side_by_side, pause
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.errors import AdoptionError, ManifestError, PlanError
from dynamo_assets.export.claim import claim_label
from dynamo_assets.export.manifest import Adopted, Manifest, ManifestColumn, ManifestStore
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.naming import format_slot, parse_snapshot
from dynamo_assets.verification.records import State
from dynamo_assets.verification.verify import Verifier

ENGINE = "adopted"


@dataclass(frozen=True)
class Outcome:
    """What became of one snapshot.

    Attributes:
        label: Its label.
        state: `new` in a dry run is what would be adopted.
        folder: Where it lies.
        reason: Why it was refused, or did not pass its checks.
        manifest: Of what is adopted, or would be.
        verified: What its checks said, if they were asked.
    """

    label: str
    state: Literal["adopted", "new", "already", "refused"]
    folder: OldFolder
    reason: str = ""
    manifest: Manifest | None = None
    verified: State = "unknown"

    @property
    def is_good(self) -> bool:
        """Whether nobody need look at it."""
        return self.state != "refused" and self.verified != "rejected"


@dataclass
class Adoption:
    """Adopts old snapshots of one table. No byte of theirs is moved or written over.

    Attributes:
        settings: Where everything is.
        aws: The clients.
        table: The table.
        order: What is wanted.
        dry_run: Only look: nothing is written anywhere.
        log: Hears what happens.
    """

    settings: Settings
    aws: AwsClients
    table: Table
    order: Order
    dry_run: bool = False
    log: Callable[[str], None] = lambda _: None
    _complete: dict[str, Manifest] = field(default_factory=dict, init=False)
    _newest: Newest | None = field(default=None, init=False)
    _places: list[ManifestColumn] = field(default_factory=list, init=False)

    def apply(self) -> Iterator[Outcome]:
        """Adopts one after another, oldest first, so that each is compared with the one before it.

        Yields:
            What became of each snapshot that is wanted, as soon as it is known.

        Raises:
            AdoptionError: There is nothing there, or it cannot be adopted at all.
        """
        selection = Selection.of(self.settings, self.aws.s3, self.table, self.order)
        self._learn()
        doomed = selection.beyond_retention(self._complete, datetime.now(UTC))
        for folder in selection.wanted:
            pause(0)
            try:
                if folder.label in self._complete:
                    yield self._known(folder)
                elif reason := selection.unfit(folder) or doomed.get(folder.label):
                    yield Outcome(folder.label, "refused", folder, reason)
                else:
                    yield self._adopt(folder, selection)
            except AdoptionError as error:
                yield Outcome(folder.label, "refused", folder, str(error))

    def _learn(self) -> None:
        """Where the columns of the snapshots stand that there are: as in the newest, then those that older ones add."""
        newest_first = sorted(self._manifests.labels(self.table.name), reverse=True)
        manifests = all_side_by_side([partial(self._manifests.read, self.table.name, label) for label in newest_first])
        self._complete = dict(zip(newest_first, manifests, strict=True))
        for manifest in manifests:
            self._places = together(self._places, manifest.columns)
        if manifests:
            newest = manifests[0]
            self._newest = Newest(newest.snapshot_timestamp, newest.format, newest.columns)

    def _known(self, folder: OldFolder) -> Outcome:
        """What is adopted already, by an earlier run that perhaps did not live to verify it.

        Raises:
            AdoptionError: Another snapshot has the label.
        """
        manifest = self._complete[folder.label]
        if manifest.location != self._uri(folder):
            raise AdoptionError(f"another snapshot has the label {folder.label}: {manifest.location}")
        return self._verified(manifest, folder, "already")

    def _adopt(self, folder: OldFolder, selection: Selection) -> Outcome:
        description = self._describer.describe(folder, checksums=not self.dry_run)
        if self.order.format and description.format != self.order.format:
            raise AdoptionError(f"it is {description.format}, and {self.order.format} was asked for")
        newest = self._newest_among(selection, folder, description)
        if reason := newest.unlike(folder.label, description):
            raise AdoptionError(reason)
        description = placed(description, self._places)
        manifest = self._manifest(folder, description)
        if not self.dry_run:
            self._commit(manifest)
        self._complete[folder.label] = manifest
        self._places = together(self._places, description.columns)
        own = Newest(folder.label, description.format, description.columns)
        self._newest = max(newest, own, key=lambda each: each.label)
        if self.dry_run:
            return Outcome(folder.label, "new", folder, manifest=manifest)
        return self._verified(manifest, folder, "adopted")

    @property
    def _describer(self) -> Describer:
        doubles = {attribute for attribute, kind in self.table.columns.items() if kind == "double"}
        return Describer(self.aws.s3, self._bucket, self.table.table, self._keys, doubles)

    def _newest_among(self, selection: Selection, folder: OldFolder, description: Description) -> Newest:
        """As which the raw table is going to be, told before the first is adopted: the last of them, if all are old."""
        if self._newest is None and description.format == "csv":
            for later in reversed(selection.wanted):
                if later.label > folder.label and not selection.unfit(later):
                    with suppress(AdoptionError):
                        last = self._describer.describe(later, checksums=False)
                        if last.format == "csv":
                            return Newest(later.label, last.format, last.columns)
                        break
        return self._newest or Newest(folder.label, description.format, description.columns)

    def _manifest(self, folder: OldFolder, description: Description) -> Manifest:
        instant = parse_snapshot(folder.label)
        tick = last_tick(self.table.schedule, instant)
        return Manifest(
            table=self.table.table,
            name=self.table.name,
            snapshot_timestamp=folder.label,
            slot=format_slot(tick) if tick else None,
            engine=ENGINE,
            format=description.format,
            location=self._uri(folder),
            started_at=_iso(instant),
            finished_at=_iso(max(file.modified for file in folder.files)),
            rows=description.rows,
            bytes=folder.bytes,
            files=description.files,
            columns=description.columns,
            read={"items": description.rows},
            # The same in each run: one that died is met again by it.
            attempt=f"adopt/{self._uri(folder)}",
            serde_parameters=description.serde_parameters,
            keys=dict(self._keys),
            adopted=Adopted(
                at=_iso(datetime.now(UTC)), by=self.order.by, complete_by=SUCCESS if folder.succeeded else "person"
            ),
        )

    def _commit(self, manifest: Manifest) -> None:
        """Claims the label and writes the manifest; nothing else is written.

        Raises:
            AdoptionError: The label is another snapshot's.
        """
        request = ExportRequest(
            table=manifest.table,
            bucket=self._bucket,
            prefix=self.settings.storage.prefix,
            name=manifest.name,
            snapshot_timestamp=manifest.snapshot_timestamp,
            attempt=manifest.attempt,
        )
        try:
            claim_label(self.aws.s3, request)
            self._manifests.write(manifest)
        except (PlanError, ManifestError) as error:
            raise AdoptionError(str(error)) from error

    def _verified(self, manifest: Manifest, folder: OldFolder, state: Literal["adopted", "already"]) -> Outcome:
        verifier = Verifier(self.settings, self.aws)
        record = verifier.records.read(manifest.name, manifest.snapshot_timestamp)
        if record is None and self.dry_run:
            return Outcome(folder.label, state, folder, manifest=manifest)
        record = record or verifier.verify(self.table, manifest)
        passed: State = "verified" if record.passed else "rejected"
        return Outcome(folder.label, state, folder, "" if record.passed else record.reasons(), manifest, passed)

    @cached_property
    def _keys(self) -> Mapping[str, str]:
        """The table's key attributes: as DynamoDB has them, or, where the table is gone, as its newest snapshot."""
        try:
            return TableDescription.of(self.aws.dynamodb_of(self.table), self.table.table).keys
        except PlanError as error:
            latest = self._manifests.latest(self.table.name)
            keys = self._manifests.read(self.table.name, latest).keys if latest else {}
            self.log(f"{error}; its keys are {', '.join(keys) or 'not known, so they are not checked'}")
            return keys

    @property
    def _bucket(self) -> str:
        return self.settings.storage.bucket

    @property
    def _manifests(self) -> ManifestStore:
        return ManifestStore(self.aws.s3, self.settings.layout)

    def _uri(self, folder: OldFolder) -> str:
        return f"s3://{self._bucket}/{folder.key}"


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
