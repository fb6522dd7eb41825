"""Moves the views of a set together, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from dynamo_assets.assets.publishing import Views
from dynamo_assets.aws.cancellation import pause, side_by_side
from dynamo_assets.errors import SetError
from dynamo_assets.export.holding import Held, Hold, one_at_a_time
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.naming import Layout

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Log = Callable[[str], None]


def alone(s3: S3Client, layout: Layout, name: str, *, attempt: str, log: Log) -> AbstractContextManager[Hold]:
    """Only one run at a time looks at a set's views and moves them; others wait for their turn.

    Two that moved them at once, as a backfill and a tick may, could leave some at one instant and some at another.
    """
    held = Held(
        layout.bucket, layout.set_claim_key(name), attempt, owner=f"set {name}", what=f"the views of set {name}"
    )
    return one_at_a_time(s3, held, pause=pause, on_wait=log)


@dataclass(frozen=True)
class Move:
    """Moves the views of some tables to snapshots of one instant.

    Attributes:
        views: Where the views are.
        manifests: The snapshots, one for each view.
        hold: Says that nobody else moves them.
        log: Hears what happens.
    """

    views: Views
    manifests: Sequence[Manifest]
    hold: Hold
    log: Log

    def verify(self) -> list[dg.AssetCheckResult]:
        """Counts every member's snapshot through the query its view is going to have. Nothing is touched.

        Raises:
            SetError: Athena could not count one.
        """
        outcomes = side_by_side([partial(self.views.check_before, manifest) for manifest in self.manifests])
        for manifest, outcome in zip(self.manifests, outcomes, strict=True):
            if isinstance(outcome, Exception):
                raise SetError(
                    f"{manifest.table} held the set back: its snapshot {manifest.snapshot_timestamp} could not be "
                    f"verified ({outcome}). No view was touched."
                ) from outcome
        return [outcome for outcome in outcomes if isinstance(outcome, dg.AssetCheckResult)]

    def make(self) -> list[dg.MaterializeResult]:
        """Re-points all views, and counts through each of them. Where any fails, all show again what they showed.

        Athena replaces one view at a time, so they are replaced side by side: what a query over several of them may
        see of two instants lasts as long as one replacement.

        Raises:
            SetError: One could not be re-pointed, or counts other rows than its snapshot has; names it.
        """
        before = {manifest.name: self.views.catalog.table(manifest.name) for manifest in self.manifests}
        shown = [manifest for manifest in self.manifests if self.views.shows(manifest)]
        moving = [manifest for manifest in self.manifests if manifest not in shown]
        for manifest in shown:
            self.log(f"View {manifest.name} shows snapshot {manifest.snapshot_timestamp} already")
        try:
            self.hold.confirm()
            self._each(moving, partial(self.views.publish, log=self.log), "could not be re-pointed")
            results = self._each(self.manifests, self.views.result, "was re-pointed, and could not be read")
            _require_rows_shown(self.manifests, results)
        except BaseException as error:
            told = self._move_back(moving, before)
            self.log(told)
            if not isinstance(error, Exception):
                raise
            raise SetError(f"{str(error).rstrip('.')}. {told}.") from error.__cause__ or error
        return results

    def _each(self, manifests: Sequence[Manifest], action: Callable[[Manifest], Any], problem: str) -> list[Any]:
        outcomes = side_by_side([partial(action, manifest) for manifest in manifests])
        for manifest, outcome in zip(manifests, outcomes, strict=True):
            if isinstance(outcome, Exception):
                raise SetError(f"{manifest.table} {problem}: {outcome}") from outcome
        return outcomes

    def _move_back(self, moving: Sequence[Manifest], before: Mapping[str, Mapping[str, Any] | None]) -> str:
        """Restores the views that this move has changed, without Athena: a cancelled run could not wait for a query.

        Returns:
            What became of them, for a person.
        """
        restored, stuck = [], []
        for manifest in moving:
            try:
                if self.views.shows(manifest):
                    self.views.catalog.restore(manifest.name, before[manifest.name])
                    restored.append(manifest.table)
            except Exception as error:  # noqa: BLE001 - whatever it is, the others are to be restored
                stuck.append(f"{manifest.table} ({error})")
        told = "No view was changed"
        if restored:
            told = f"Moved back to what they showed before: {', '.join(restored)}"
        if stuck:
            told += (
                f". NOT moved back: {'; '.join(stuck)}. Mend that, then materialize the set: it moves all its views to "
                "one instant again"
            )
        return told


def _require_rows_shown(manifests: Sequence[Manifest], results: Sequence[dg.MaterializeResult]) -> None:
    for manifest, result in zip(manifests, results, strict=True):
        if not all(check.passed for check in result.check_results or ()):
            raise SetError(
                f"{manifest.table} was re-pointed, and its view counts other rows than the {manifest.rows:,} that its "
                f"snapshot {manifest.snapshot_timestamp} has"
            )
