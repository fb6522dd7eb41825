"""Re-points views to snapshots: all of them, or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from dynamo_assets.aws.cancellation import side_by_side
from dynamo_assets.errors import HeldBackError, PublishingError
from dynamo_assets.export.holding import Hold
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.publishing.views import Candidate, Shown, Views

Log = Callable[[str], None]
T = TypeVar("T")


class WrongRowsError(PublishingError):
    """A view was re-pointed, and then showed something else than its snapshot.

    Attributes:
        shown: What each view showed, in the order of the move's manifests.
    """

    def __init__(self, message: str, shown: Sequence[Shown]):
        super().__init__(message)
        self.shown = shown


@dataclass(frozen=True)
class Move:
    """Moves some views, each to a snapshot of its table.

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

    def verify(self, *, declared: bool = True) -> list[Candidate]:
        """Looks at every snapshot through the query that its view is going to have. Nothing is touched.

        Args:
            declared: Whether the checks that users declared are run, too.

        Raises:
            PublishingError: Athena could not answer for one.
        """
        outcomes = side_by_side(
            [partial(self.views.check_before, manifest, declared=declared) for manifest in self.manifests]
        )
        for manifest, outcome in zip(self.manifests, outcomes, strict=True):
            if isinstance(outcome, Exception):
                raise PublishingError(
                    f"{manifest.table}: its snapshot {manifest.snapshot_timestamp} could not be verified ({outcome}). "
                    "No view was touched."
                ) from outcome
        return [outcome for outcome in outcomes if isinstance(outcome, Candidate)]

    def make(self, candidates: Sequence[Candidate]) -> list[Shown]:
        """Re-points all views, and counts through each of them. Where any fails, all show again what they showed.

        Athena replaces one view at a time, so they are replaced side by side: what a query over several of them may
        see of two instants lasts as long as one replacement.

        Args:
            candidates: What `verify` gave.

        Raises:
            HeldBackError: One does not pass its checks. No view was touched.
            WrongRowsError: One showed something else than its snapshot; names it.
            PublishingError: One could not be re-pointed; names it.
        """
        require_passed(candidates)
        before = {manifest.name: self.views.catalog.table(manifest.name) for manifest in self.manifests}
        shown = [manifest for manifest in self.manifests if self.views.shows(manifest)]
        moving = [manifest for manifest in self.manifests if manifest not in shown]
        for manifest in shown:
            self.log(f"View {manifest.name} shows snapshot {manifest.snapshot_timestamp} already")
        try:
            self.hold.confirm()
            self._each(moving, moving, partial(self.views.publish, log=self.log), "could not be re-pointed")
            read = self._each(self.manifests, candidates, self.views.read, "was re-pointed, and could not be read")
            _require_shown(read)
        except BaseException as error:
            told = self._move_back(moving, before)
            self.log(told)
            if not isinstance(error, Exception):
                raise
            message = f"{str(error).rstrip('.')}. {told}."
            if isinstance(error, WrongRowsError):
                raise WrongRowsError(message, error.shown) from error
            raise PublishingError(message) from error.__cause__ or error
        return read

    def _each(
        self, manifests: Sequence[Manifest], subjects: Sequence[T], action: Callable[[T], Any], problem: str
    ) -> list[Any]:
        outcomes = side_by_side([partial(action, subject) for subject in subjects])
        for manifest, outcome in zip(manifests, outcomes, strict=True):
            if isinstance(outcome, Exception):
                raise PublishingError(f"{manifest.table} {problem}: {outcome}") from outcome
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
                f". NOT moved back: {'; '.join(stuck)}. Mend that, then materialize the view again: it moves to the "
                "newest verified snapshot, and those of a set to one instant"
            )
        return told


def require_passed(candidates: Sequence[Candidate], *, problem: str = "") -> None:
    """Lets nothing pass that does not pass its checks.

    Args:
        candidates: The snapshots that are to be shown.
        problem: What it means for a table, between its name and the reason.

    Raises:
        HeldBackError: One does not; names every check that blocks.
    """
    reasons = [
        f"{candidate.manifest.table}{problem}: {finding.sentence()}"
        for candidate in candidates
        for finding in candidate.findings
        if finding.blocks
    ]
    if reasons:
        raise HeldBackError(f"{' '.join(reasons)} No view was touched.")


def _require_shown(read: Sequence[Shown]) -> None:
    for shown in read:
        if shown.finding and shown.finding.blocks:
            message = f"{shown.manifest.table}: its view was re-pointed, and then: {shown.finding.text}"
            raise WrongRowsError(message, read)
