"""A person re-points a view, or the views of a set: to an older snapshot, or to one that did not pass its checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.partitions import partition_of
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.errors import CatalogError, HeldBackError, PublishingError
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.naming import is_label, snapshots_table
from dynamo_assets.publishing.choice import Choice
from dynamo_assets.publishing.move import Move
from dynamo_assets.publishing.pins import Pin, Pins
from dynamo_assets.publishing.target import Target
from dynamo_assets.publishing.views import Shown, Views
from dynamo_assets.verification.records import Record
from dynamo_assets.verification.verify import Verifier

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a person wants of a view.

    Attributes:
        target: A table or a set, as `Target.find` takes it.
        snapshot: The label of the snapshot to show; the newest verified one where empty.
        pin: Hold it there until it is unpinned.
        unpin: Take the pin off, and go to the newest verified snapshot, or to `snapshot`.
        accept: Show the snapshot although it did not pass its checks.
        reason: Why, in the person's words; kept with the pin.
        by: Who it is.
    """

    target: str
    snapshot: str = ""
    pin: bool = False
    unpin: bool = False
    accept: bool = False
    reason: str = ""
    by: str = ""

    def __post_init__(self) -> None:
        if self.pin and self.unpin:
            raise PublishingError(f"{self.target}: either `pin` or `unpin`, not both. Nothing was changed")
        if self.accept and not self.snapshot:
            raise PublishingError(
                f"{self.target}: `accept` needs the snapshot that is accepted, such as --snapshot 2026-11-23T10:00:07. "
                "Nothing was changed"
            )
        if self.snapshot and not is_label(self.snapshot):
            raise PublishingError(
                f"{self.target}: {self.snapshot!r} is no snapshot_timestamp; write it as 2026-11-23T10:00:07 (UTC). "
                "Nothing was changed"
            )


@dataclass(frozen=True)
class Published:
    """What is shown now.

    Attributes:
        target: What was published.
        shown: What each view shows.
        pin: Where it is held, if it is.
    """

    target: Target
    shown: tuple[Shown, ...]
    pin: Pin | None


@dataclass(frozen=True)
class Publisher:
    """Carries out a person's orders, with the same checks as a run, and never while a run moves the same views.

    Attributes:
        settings: Where everything is.
        aws: The clients.
        log: Hears what happens.
    """

    settings: Settings
    aws: AwsClients
    log: Callable[[str], None]

    def publish(self, order: Order, *, attempt: str) -> Published:
        """Re-points the views; where anything fails, all show what they showed, and pins are what they were.

        Args:
            order: What is wanted.
            attempt: Names this try, for the claim of the views.

        Raises:
            ConfigError: There is no such table or set.
            PublishingError: The order contradicts itself or a pin, or a view could not be re-pointed.
            HeldBackError: The snapshot did not pass its checks, and was not accepted.
            ManifestError: The snapshot is not complete.
            CatalogError: It cannot be registered.
        """
        target = Target.find(order.target, self.settings)
        views, verifier = Views.of(self.settings, self.aws), Verifier(self.settings, self.aws)
        choice = Choice.of(views.catalog, verifier)
        with target.alone(self.aws.s3, self.settings.layout, attempt=attempt, log=self.log) as hold:
            before = self._pins.of(target.name)
            self._refuse_to_leave(before, order)
            manifests = self._manifests(target, order, choice)
            for manifest in manifests:
                self._admit(manifest, target, order, choice)
            move = Move(views, manifests, hold, self.log)
            candidates = move.verify(declared=not order.accept)
            with self._pinned(target, order, before, manifests) as pin:
                shown = move.make(candidates)
        return Published(target, tuple(shown), pin)

    @property
    def _pins(self) -> Pins:
        return Pins(self.aws.s3, self.settings.layout)

    def _refuse_to_leave(self, pin: Pin | None, order: Order) -> None:
        if pin and not order.pin and not order.unpin and order.snapshot != pin.snapshot_timestamp:
            raise PublishingError(
                f"{order.target} is pinned at {pin.snapshot_timestamp} since {pin.pinned_at}"
                f"{f' by {pin.by}' if pin.by else ''}{f' ({pin.reason})' if pin.reason else ''}. Let it go with "
                "--unpin, or pin it at the other snapshot with --pin. Nothing was changed"
            )

    def _manifests(self, target: Target, order: Order, choice: Choice) -> list[Manifest]:
        if order.snapshot:
            return [choice.manifests.read(table.name, order.snapshot) for table in target.tables]
        if not target.is_set:
            return [choice.newest(target.tables[0])]
        label = choice.newest_common(target.tables)
        if label is None:
            raise HeldBackError(
                f"{target.title}: there is no instant of which each member has a verified snapshot. No view was touched"
            )
        return [choice.manifests.read(table.name, label) for table in target.tables]

    def _admit(self, manifest: Manifest, target: Target, order: Order, choice: Choice) -> None:
        """Sees to it that a snapshot is verified, or accepted, and registered."""
        table = next(table for table in target.tables if table.name == manifest.name)
        label = manifest.snapshot_timestamp
        if reason := choice.rejected(table, label):
            if not order.accept:
                raise HeldBackError(
                    f"{table.table}: {reason} No view was touched. To show it all the same, accept it: `dynamo-assets "
                    f"publish {target.title} --snapshot {label} --accept`"
                )
            rejection = choice.verifier.records.rejection(table.name, label)
            findings = rejection.findings if rejection else ()
            accepted = Record.of(manifest, findings, accepted_by=order.by or "somebody")
            choice.verifier.records.write(accepted)
            self.log(f"{table.table}: snapshot {label} is accepted, although {reason.removeprefix('its ')}")
        raw = snapshots_table(table.name)
        if not choice.catalog.has_label(raw, label):
            if choice.catalog.table(raw) is None:
                raise CatalogError(
                    f"{table.table}: there is no raw table {choice.catalog.database}.{raw}; materialize it first. No "
                    "view was touched"
                )
            choice.catalog.register(raw, [partition_of(manifest)])

    @contextmanager
    def _pinned(
        self, target: Target, order: Order, before: Pin | None, manifests: Sequence[Manifest]
    ) -> Iterator[Pin | None]:
        """The pin comes before the move: a run that comes in between goes where the person wants."""
        pin = before
        if order.pin:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            label = manifests[0].snapshot_timestamp
            pin = Pin(name=target.name, snapshot_timestamp=label, pinned_at=now, by=order.by, reason=order.reason)
            self._pins.set(pin)
        elif order.unpin:
            pin = None
            self._pins.remove(target.name)
        try:
            yield pin
        except BaseException:
            if before:
                self._pins.set(before)
            elif pin:
                self._pins.remove(target.name)
            raise
