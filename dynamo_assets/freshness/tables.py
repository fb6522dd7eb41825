"""What is known of each table: the catalog and S3 tell, not Dagster's memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.errors import ManifestError
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.freshness.known import Known, judge
from dynamo_assets.freshness.shown import READERS, Shown, what_views_show
from dynamo_assets.freshness.watched import Watched
from dynamo_assets.naming import format_snapshot, is_label, parse_snapshot
from dynamo_assets.publishing.pins import Pin
from dynamo_assets.verification.records import Records

REASON_CHARACTERS = 500
"""The cursor keeps what was said of each table."""


@dataclass(frozen=True)
class Tables:
    """Looks at tables' views and snapshots.

    Attributes:
        settings: Where everything is.
        aws: The clients.
        now: The wall clock.
        log: Hears what could not be read, table by table.
        errors: Of which tables AWS could not be asked, by catalog name.
    """

    settings: Settings
    aws: AwsClients
    now: datetime
    log: Callable[[str], None]
    errors: dict[str, Exception] = field(default_factory=dict)

    @property
    def manifests(self) -> ManifestStore:
        """Which snapshots are complete."""
        return ManifestStore(self.aws.s3, self.settings.layout)

    @property
    def records(self) -> Records:
        """Which of them were verified."""
        return Records(self.aws.s3, self.settings.layout)

    def known(
        self, watched: Sequence[Watched], before: Mapping[str, Known], pins: Mapping[str, Pin]
    ) -> dict[str, Known]:
        """What is known now of the view of each table that could be read, by catalog name."""
        names = [each.name for each in watched]
        expected = [name for name, known in before.items() if known.view in {"ours", "by_hand"}]
        catalog = Catalog(self.aws.glue, self.settings.catalog.database)
        shown = what_views_show(catalog, names, expected=expected)

        def one(each: Watched) -> Known | None:
            known = before.get(each.name, Known())
            return self._told(each, known, shown[each.name], pins.get(each.pinned_as))

        with ThreadPoolExecutor(READERS) as readers:
            found = zip(names, readers.map(one, watched), strict=True)
            return {name: known for name, known in found if known}

    def _told(self, watched: Watched, before: Known, shown: Shown | Exception, pin: Pin | None) -> Known | None:
        """What a look at one table tells; None where it may be read at the next tick. It hides no other table."""
        try:
            known = self._table(watched.name, before, shown, pin)
        except (ClientError, BotoCoreError) as error:
            self.log(f"{watched.title}: {error}")
            self.errors[watched.name] = error
            return None
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are to be looked at
            # It will be so until a person mends it, so it belongs where people look.
            self.log(f"{watched.title}: {error}")
            known = replace(before, error=str(error)[:REASON_CHARACTERS])
        return judge(known, watched.limits, self.now)

    def _table(self, name: str, before: Known, shown: Shown | Exception, pin: Pin | None) -> Known:
        if isinstance(shown, Exception):
            raise shown
        known = Known(latest=self._latest(name, before.latest), published=shown.label, pin=pin)
        if shown.label:
            same = shown.label == before.published and before.rows is not None
            known = replace(known, view="ours", rows=before.rows if same else self._rows(name, shown.label))
        elif shown.exists:
            known = replace(known, view="by_hand")
        elif before.view != "none":
            known = replace(known, view="gone")
        return self._with_rejection(name, known)

    def _latest(self, name: str, before: str | None) -> str | None:
        """The newest complete snapshot. Its listing begins with the one known before, which may have been removed."""
        latest = self._newest(name, before)
        if latest and not is_label(latest):
            key = self.settings.layout.manifest_key(name, latest)
            raise ManifestError(f"{self.settings.layout.uri(key)} is no snapshot's manifest; move it elsewhere")
        return latest

    def _newest(self, name: str, before: str | None) -> str | None:
        if before is not None:
            after = format_snapshot(parse_snapshot(before) - timedelta(seconds=1))
            if latest := self.manifests.latest(name, after=after):
                return latest
        return self.manifests.latest(name)

    def _rows(self, name: str, label: str) -> int | None:
        try:
            return self.manifests.read(name, label).rows
        except ManifestError as error:
            self.log(str(error))
            return None

    def _with_rejection(self, name: str, known: Known) -> Known:
        """What verification said of the newest snapshot, where that is not shown and was rejected."""
        if not known.waits or known.latest is None:
            return known
        rejection = self.records.rejection(name, known.latest)
        if rejection is None:
            return known
        reasons = rejection.reasons() or "no reason was kept"
        return replace(known, rejected=reasons[:REASON_CHARACTERS])
