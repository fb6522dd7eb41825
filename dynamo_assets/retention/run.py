"""Retention of one table, from what is looked up to what is gone; and of many, none of which stops the others."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from dynamo_assets.aws.cancellation import pause, side_by_side
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Retention, Table
from dynamo_assets.export.holding import Held, Hold, one_at_a_time
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.naming import Layout
from dynamo_assets.publishing.pins import Pins
from dynamo_assets.retention.decision import decide
from dynamo_assets.retention.leavings import Leavings
from dynamo_assets.retention.outcome import Outcome
from dynamo_assets.retention.protection import Protection
from dynamo_assets.retention.removal import Removal
from dynamo_assets.verification.records import Records


@dataclass(frozen=True)
class RetentionRun:
    """One look at the snapshots of some tables, and the removal of what may go.

    Attributes:
        settings: Where everything is, and how long snapshots stay.
        aws: The clients.
        now: The wall clock.
        dry_run: Only say what would go: nothing is written anywhere.
        log: Hears what happens.
    """

    settings: Settings
    aws: AwsClients
    now: datetime
    dry_run: bool = False
    log: Callable[[str], None] = lambda _: None

    def apply_to_all(self, tables: Sequence[Table]) -> tuple[list[Outcome], dict[str, Exception]]:
        """Sees to several tables, side by side.

        Returns:
            What became of each, in their order, and the errors of those that could not be seen to, by table.
        """
        results = side_by_side([partial(self.apply, table) for table in tables])
        errors = {t.table: result for t, result in zip(tables, results, strict=True) if isinstance(result, Exception)}
        return [result for result in results if isinstance(result, Outcome)], errors

    def apply(self, table: Table) -> Outcome:
        """Removes what may go of one table. What cannot be removed now is found again by the next run.

        Raises:
            RetentionError: Something could not be removed, or nobody can tell what the view shows.
            CatalogError: Glue refused.
        """
        if self.dry_run:
            return self._apply(table)
        with self._alone(table):
            return self._apply(table)

    def _apply(self, table: Table) -> Outcome:
        manifests = ManifestStore(self.aws.s3, self._layout, now=lambda: self.now)
        catalog = Catalog(self.aws.glue, self.settings.catalog.database)
        protection = Protection(
            table,
            catalog,
            manifests,
            self.now,
            Pins(self.aws.s3, self._layout),
            Records(self.aws.s3, self._layout),
            [table.name, *(each.name for each in self.settings.sets if table.table in each.tables)],
        )
        look_again = protection.by_people
        removal = Removal(table, self.aws.s3, manifests, catalog, look_again, self.log)
        leavings = Leavings(removal, self.now)

        begun = removal.retired()
        resumed = begun if self.dry_run else removal.resume(begun)
        protected = replace(protection, native_exports=leavings.native_exports()).all()
        decision = decide(manifests.labels(table.name), table.retention or Retention(), protected, self.now)
        sizes = removal.sizes(decision.going)
        gone = decision.going if self.dry_run else removal.remove(decision.going)
        left = {*begun, *decision.going, *decision.staying}
        if not self.dry_run:
            left -= {*resumed, *gone}
        found = leavings.find(decided=left, oldest_within=decision.oldest_within)
        return Outcome(
            table=table,
            dry_run=self.dry_run,
            resumed=tuple(resumed),
            gone={label: sizes[label] for label in gone},
            staying=decision.staying,
            leavings=tuple(found if self.dry_run else leavings.remove(found)),
        )

    @property
    def _layout(self) -> Layout:
        return self.settings.layout

    def _alone(self, table: Table) -> AbstractContextManager[Hold]:
        """Two runs that remove snapshots of one table would take each other's claims for those of a run that died."""
        held = Held(
            self._layout.bucket,
            self._layout.retention_claim_key(table.name),
            attempt=uuid.uuid4().hex,
            owner=f"table {table.table}",
            what=f"the retention of {table.table}",
        )
        return one_at_a_time(self.aws.s3, held, pause=pause, on_wait=self.log)
