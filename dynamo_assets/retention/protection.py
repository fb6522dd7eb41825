"""Which snapshots stay whatever their age, and why: the one place where the reasons are gathered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dynamo_assets.automation.partitions import last_tick
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.views import published_label
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.engines.increments import ENGINE, MIN_WINDOW, base_of
from dynamo_assets.errors import RetentionError
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.naming import format_snapshot, is_label, parse_snapshot
from dynamo_assets.publishing.pins import Pins
from dynamo_assets.retention.decision import Protected
from dynamo_assets.verification.records import Records

Reason = tuple[str, str]
"""A label, and why that snapshot stays."""


@dataclass(frozen=True)
class Protection:
    """Looks up what is protected.

    Attributes:
        table: The table.
        catalog: Says what its view shows.
        manifests: Where complete snapshots are found.
        now: The wall clock.
        pins: Where people hold views.
        records: Which snapshots passed their checks.
        pinned_by: The names by which the table's view may be pinned: its own, and its set's.
        native_exports: The labels of which there are DynamoDB's own exports: of most of them a snapshot is being made.
    """

    table: Table
    catalog: Catalog
    manifests: ManifestStore
    now: datetime
    pins: Pins
    records: Records
    pinned_by: Sequence[str]
    native_exports: Sequence[str] = ()

    def verified(self) -> Iterator[str]:
        """The labels of the snapshots that passed their checks, oldest first."""
        return self.records.verified(self.table.name)

    def all(self) -> Protected:
        """Everything that is protected.

        Raises:
            RetentionError: Nobody can tell what the view shows.
            CatalogError: Something else than a view has the view's name.
        """
        return self._gathered(_SOURCES)

    def by_people(self) -> Protected:
        """What a person may have changed a moment ago; to be asked right before each removal.

        Raises:
            RetentionError: As `all`.
            CatalogError: As `all`.
        """
        return self._gathered(_CHANGED_BY_PEOPLE)

    def shown(self) -> str | None:
        """The snapshot that the table's view shows, also where a set moves it; None where there is no view.

        Raises:
            RetentionError: The view was made by somebody else, and may show anything.
            CatalogError: Something else than a view has the view's name.
        """
        name = self.table.name
        sql = self.catalog.view_sql(name)
        if sql is None:
            return None
        label = published_label(sql)
        if label is None:
            raise RetentionError(
                f"{self.table.table}: the view {self.catalog.database}.{name} was made by hand, and which snapshots it "
                "shows cannot be told, so none is removed. Materialize the view's asset; for a query of your own make "
                "a view of another name"
            )
        return label

    def _gathered(self, sources: Iterable[Callable[[Protection], Iterable[Reason]]]) -> Protected:
        shown = self.shown()
        reasons: dict[str, tuple[str, ...]] = {shown: ("the view shows it",)} if shown else {}
        for source in sources:
            for label, reason in source(self):
                if reason not in reasons.get(label, ()):
                    reasons[label] = (*reasons.get(label, ()), reason)
        return Protected(reasons, shown)


def _newest(of: Protection) -> Iterator[Reason]:
    if label := of.manifests.latest(of.table.name):
        yield label, "it is the newest complete one"


def _bases(of: Protection) -> Iterator[Reason]:
    """What increments start from: those in flight, and the next one, whichever instant it is of.

    A base is read once. When the snapshot made of it is complete, it is needed no more, nor is the full export at the
    chain's beginning: each snapshot has files of its own.
    """
    table = of.table
    if table.engine not in {ENGINE, "auto"} or table.point_in_time.full_every is None:
        return
    slot = last_tick(table.schedule, of.now)
    instants = {of.now, *([slot] if slot else []), *_in_flight(of)}
    for instant in sorted(instants):
        if base := base_of(of.manifests, table.name, instant):
            yield base.snapshot_timestamp, "the next incremental snapshot starts from it"
    # Too young to start from now, and one of them is what a later snapshot will start from.
    for label in of.manifests.labels(table.name, after=format_snapshot(of.now - MIN_WINDOW)):
        yield label, "a later incremental snapshot may start from it"


def _in_flight(of: Protection) -> list[datetime]:
    """The instants of which there is an export and no snapshot yet."""
    exported = [parse_snapshot(label) for label in of.native_exports]
    if not exported:
        return []
    before = format_snapshot(min(exported) - timedelta(seconds=1))
    complete = {parse_snapshot(label) for label in of.manifests.labels(of.table.name, after=before) if is_label(label)}
    return [instant for instant in exported if instant not in complete]


def _pinned(of: Protection) -> Iterator[Reason]:
    for name in of.pinned_by:
        if pin := of.pins.of(name):
            yield pin.snapshot_timestamp, f"it is pinned since {pin.pinned_at}"


def _kept_views(of: Protection) -> Iterator[Reason]:
    """Of which there are views of their own, and will be."""
    keep = of.table.keep_views
    for label in deque(of.verified(), maxlen=keep) if keep else ():
        yield label, f"it has a view of its own: keep_views is {keep}"


_CHANGED_BY_PEOPLE: tuple[Callable[[Protection], Iterable[Reason]], ...] = (_pinned,)
"""What is protected beside the published snapshot because a person said so."""
_SOURCES = (*_CHANGED_BY_PEOPLE, _newest, _bases, _kept_views)
