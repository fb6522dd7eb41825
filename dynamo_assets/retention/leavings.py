"""What attempts left that died, and native exports of which nobody makes a snapshot any more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from dynamo_assets.naming import Layout, format_snapshot, is_label
from dynamo_assets.retention.removal import Removal

DEAD_AFTER = timedelta(days=1)
"""At least so long nothing of an attempt has changed; longer where the table's `time_limit` is."""
LOOK_BACK = timedelta(days=45)
"""The labels of claims are looked at so far back: point-in-time recovery reaches 35 days, so no attempt that died since
then has an older one. What is older is found when the snapshots around it go."""


@dataclass(frozen=True)
class Leaving:
    """What is left under one label.

    Attributes:
        label: The label.
        complete: Whether its snapshot is complete; then what is left is beside it.
        prefixes: Below which it lies.
        files: How many objects there are.
        bytes: Their size.
    """

    label: str
    complete: bool
    prefixes: tuple[str, ...]
    files: int
    bytes: int


@dataclass(frozen=True)
class Leavings:
    """Finds and removes the leavings of one table.

    Attributes:
        removal: Of the table's snapshots.
        now: The wall clock.
    """

    removal: Removal
    now: datetime

    def native_exports(self) -> list[str]:
        """The labels of which there are DynamoDB's own exports, oldest first."""
        return list(self._folders(self._layout.native_exports_prefix(self._name)))

    def find(self, *, decided: Collection[str], oldest_within: str | None) -> list[Leaving]:
        """What may go, oldest first.

        Args:
            decided: The labels of snapshots beyond the limits, complete or on their way out: not leavings.
            oldest_within: The oldest snapshot within the limits; all claims older than it are looked at.
        """
        recent = format_snapshot(self.now - LOOK_BACK)
        complete = {*decided, *self.removal.manifests.labels(self._name, after=recent)}
        claims = self._claims(oldest_within, recent)
        beside = {*self.native_exports(), *self._folders(self._layout.all_units_prefix(self._name))}
        found = []
        for label in sorted(beside | (claims.keys() - complete)):
            is_complete = label in complete or self.removal.manifests.has(self._name, label)
            claimed_at = claims.get(label)
            if is_complete or claimed_at is None or self._is_old(claimed_at):
                found.append(self._look(label, is_complete))
        return [leaving for leaving in found if leaving]

    def remove(self, leavings: Sequence[Leaving]) -> list[Leaving]:
        """Removes what was found, but for what somebody has taken up since then; returns what is gone."""
        gone = []
        for leaving in leavings:
            if leaving.complete:
                self._empty(leaving)
                gone.append(leaving)
                continue
            with self.removal.held([leaving.label], complete=False) as held:
                if held and not self.removal.manifests.has(self._name, leaving.label):
                    self._empty(leaving)
                    # Last: without a claim nobody would know of the files.
                    self.removal.delete([self._layout.claim_key(self._name, leaving.label)])
                    gone.append(leaving)
        return gone

    @property
    def _layout(self) -> Layout:
        return self.removal.manifests.layout

    @property
    def _name(self) -> str:
        return self.removal.table.name

    def _is_old(self, instant: datetime) -> bool:
        return self.now - instant > max(DEAD_AFTER, self.removal.table.time_limit)

    def _look(self, label: str, complete: bool) -> Leaving | None:
        """What is left under a label; None where some of it is young, or nothing is there."""
        prefixes = [self._layout.units_prefix(self._name, label)]
        if not (complete and self.removal.table.point_in_time.keep_native_export):
            prefixes.append(self._layout.native_export_prefix(self._name, label))
        if not complete:
            prefixes.append(self._layout.snapshot_prefix(self._name, label))
        objects = [entry for prefix in prefixes for entry in self.removal.objects(prefix)]
        if any(not self._is_old(entry["LastModified"]) for entry in objects) or (complete and not objects):
            return None
        size = sum(entry.get("Size", 0) for entry in objects)
        return Leaving(label, complete, tuple(prefixes), len(objects), size)

    def _empty(self, leaving: Leaving) -> None:
        keys = [entry.get("Key", "") for prefix in leaving.prefixes for entry in self.removal.objects(prefix)]
        self.removal.delete(keys)
        where = "beside the complete snapshot" if leaving.complete else "of an attempt that died"
        self.removal.log(f"{self.removal.table.table}: {len(keys)} files {where} {leaving.label} are gone")

    def _claims(self, oldest_within: str | None, recent: str) -> Mapping[str, datetime]:
        """When the claims were last written, by label: those older than the limits, and those of late."""
        old = self._claimed(None)
        if oldest_within:
            old = takewhile(lambda claim: claim[0] < oldest_within, old)
        return dict(old) | (dict(self._claimed(max(recent, oldest_within))) if oldest_within else {})

    def _claimed(self, after: str | None) -> Iterator[tuple[str, datetime]]:
        prefix = self._layout.claims_prefix(self._name)
        start: dict[str, Any] = {"StartAfter": f"{prefix}{after}.json"} if after else {}
        paginator = self.removal.s3.get_paginator("list_objects_v2")
        for page in paginator.paginate(Bucket=self._layout.bucket, Prefix=prefix, **start):
            for entry in page.get("Contents", []):
                label = entry.get("Key", "").removeprefix(prefix).removesuffix(".json")
                if is_label(label):
                    yield label, entry["LastModified"]

    def _folders(self, prefix: str) -> Iterator[str]:
        pages = self.removal.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._layout.bucket, Prefix=prefix, Delimiter="/"
        )
        for page in pages:
            for entry in page.get("CommonPrefixes", []):
                label = entry.get("Prefix", "").removeprefix(prefix).rstrip("/")
                if is_label(label):
                    yield label
