"""The erasure of items of one table, from the keys to the last snapshot that may hold them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from dynamo_assets.aws.cancellation import pause
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.erasure.history import Amount, History, Record
from dynamo_assets.erasure.journal import Journals
from dynamo_assets.erasure.keys import Keys
from dynamo_assets.erasure.outcome import Outcome
from dynamo_assets.erasure.snapshots import Holding, Snapshots
from dynamo_assets.erasure.unreached import Unreached
from dynamo_assets.errors import ErasureError, ManifestError
from dynamo_assets.export.holding import Held, Hold, one_at_a_time
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.naming import format_snapshot, is_label

BATCH = 24
"""So many snapshots are looked through side by side."""


@dataclass(frozen=True)
class ErasureRun:
    """Erases items of one table from all of its snapshots. May be run again at any time, with any keys.

    Attributes:
        settings: Where everything is.
        aws: The clients.
        table: The table.
        keys: The items' keys; held in memory, and nowhere else.
        run: Who erases, for the history.
        now: Gives the time.
        dry_run: Only count: nothing is written anywhere.
        log: Hears what happens.
    """

    settings: Settings
    aws: AwsClients
    table: Table
    keys: Keys = field(repr=False)
    run: str
    now: Callable[[], datetime]
    dry_run: bool = False
    log: Callable[[str], None] = lambda _: None

    def apply(self) -> Outcome:
        """Erases. A snapshot that something is wrong with stops no other.

        Raises:
            KeysError: The keys are not of this table; nothing was changed.
            ErasureError: What an earlier run began cannot be ended, or another run has taken over.
        """
        started = self.now()
        erasure = f"{format_snapshot(started)}-{uuid.uuid4().hex[:8]}"
        layout, name = self.settings.layout, self.table.name
        store = ManifestStore(self.aws.s3, layout)
        journals = Journals(self.aws.s3, store, name)
        with self._alone() as hold:
            check = hold.check if hold else lambda: None
            snapshots = Snapshots(self.aws.s3, journals, self.keys, erasure, check)
            record = Record(
                erasure=erasure,
                table=self.table.table,
                run=self.run,
                started_at=_iso(started),
                keys=len(self.keys),
            )
            history = History(self.aws.s3, layout, name, record)
            snapshots.require_keys()
            if self.dry_run:
                finished = journals.begun()
            else:
                history.write()
                finished = list(self._finish(snapshots, history))
                journals.tidy()
            looked, erased, failed = self._erase(snapshots, history)
            unreached = Unreached(self.aws.s3, layout, name).lines(looked)
            if not self.dry_run:
                history.write(ended_at=_iso(self.now()), snapshots=len(looked), failed=sorted(failed))
        return Outcome(
            table=self.table,
            dry_run=self.dry_run,
            keys=len(self.keys),
            snapshots=len(looked),
            erased=erased,
            finished=tuple(finished),
            failed=failed,
            unreached=unreached,
            history="" if self.dry_run else layout.uri(layout.erasure_history_key(name, erasure)),
        )

    def _finish(self, snapshots: Snapshots, history: History) -> Iterator[str]:
        """Ends what runs that died had begun; which keys they had need not be known for it."""
        for label in snapshots.journals.begun():
            journal = snapshots.journals.read(label)
            self.log(f"{self.table.table}: an earlier erasure was replacing files of {label} when it died: ending it")
            with snapshots.held(label) as hold:

                def check(hold: Hold = hold) -> None:
                    snapshots.check()
                    hold.check()

                snapshots.journals.carry_out(journal, check)
            history.write(finished={**history.record.finished, label: journal.erasure})
            snapshots.journals.end(journal)
            yield label

    def _erase(self, snapshots: Snapshots, history: History) -> tuple[list[str], dict[str, Amount], dict[str, str]]:
        looked: list[str] = []
        erased: dict[str, Amount] = {}
        failed: dict[str, str] = {}
        for batch in self._batches(snapshots.journals.manifests):
            outcomes = snapshots.look_through(batch)
            looked += batch
            for label, found in outcomes.items():
                if isinstance(found, Exception):
                    failed[label] = str(found)
                elif found.rows and self.dry_run:
                    erased[label] = _size(found)
                elif found.rows:
                    try:
                        self._erase_one(snapshots, history, found)
                    except (ErasureError, ManifestError) as error:
                        failed[label] = str(error)
                    else:
                        erased[label] = _size(found)
        return looked, erased, failed

    def _erase_one(self, snapshots: Snapshots, history: History, found: Holding) -> None:
        label, size = found.manifest.snapshot_timestamp, _size(found)
        journal = snapshots.erase(found, _iso(self.now()))
        history.write(erased={**history.record.erased, label: size})
        snapshots.journals.end(journal)
        self.log(f"{self.table.table}: {size.rows:,} rows erased from {size.files:,} files of snapshot {label}")

    def _batches(self, manifests: ManifestStore) -> Iterator[list[str]]:
        """The labels of all complete snapshots, those included that become complete meanwhile."""
        seen: set[str] = set()
        while new := [each for each in manifests.labels(self.table.name) if is_label(each) and each not in seen]:
            seen.update(new)
            for begin in range(0, len(new), BATCH):
                yield new[begin : begin + BATCH]

    def _alone(self) -> AbstractContextManager[Hold | None]:
        """Neither retention nor another erasure is at the table's snapshots meanwhile."""
        if self.dry_run:
            return nullcontext()
        layout = self.settings.layout
        held = Held(
            layout.bucket,
            layout.retention_claim_key(self.table.name),
            attempt=uuid.uuid4().hex,
            owner=f"table {self.table.table}",
            what=f"the removal of snapshots and items of {self.table.table}",
        )
        return one_at_a_time(self.aws.s3, held, pause=pause, on_wait=self.log)


def _size(found: Holding) -> Amount:
    return Amount(sum(found.rows.values()), len(found.rows))


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
