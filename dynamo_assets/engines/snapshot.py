"""What an engine gives back, and how the outcome of an attempt is found again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from dynamo_assets.engines.work import Work
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.naming import format_snapshot, parse_slot

Log = Callable[[str], None]
Announce = Callable[[Mapping[str, Any]], None]
"""Is given what a snapshot is expected to take and to cost, before it is begun, by the names of the metadata."""


def nobody(_expected: Mapping[str, Any]) -> None:
    """Where nobody wants to know in advance."""


_CLOCK_SLACK = timedelta(minutes=10)
"""How far the clock that gave a slot's tick and the one that labelled its snapshot may be apart."""


@dataclass(frozen=True)
class Snapshot:
    """A complete snapshot and what the engine can tell of how it was taken.

    Attributes:
        manifest: The snapshot's manifest.
        facts: What a person wants to see beside it, by name: links, seconds, DPU seconds.
    """

    manifest: Manifest
    facts: Mapping[str, Any] = field(default_factory=dict)


class Engine(Protocol):
    """Takes one snapshot of one table."""

    def take_snapshot(
        self, request: ExportRequest, *, before_start: Callable[[], None], log: Log, work: Work | None = None
    ) -> Snapshot:
        """Exports the table, or attaches to an export of the same table and slot that is in flight.

        Args:
            request: What is wanted; its `attempt` names this run, its `slot` the Dagster partition.
            before_start: Called before new work begins, not before attaching to work in flight; may raise.
            log: Called with what happens, for the run's log.
            work: What there is to read, where whoever asks knows it.
        """
        ...


def snapshots_of_slot(manifests: ManifestStore, name: str, slot: str) -> list[Manifest]:
    """The complete snapshots taken for a slot, newest first, told from S3 alone.

    Labels of a slot's snapshots begin at its tick, so only manifests from there on are read.
    """
    after = format_snapshot(parse_slot(slot) - _CLOCK_SLACK)
    found = [manifests.read(name, label) for label in manifests.labels(name, after=after)]
    return [manifest for manifest in reversed(found) if manifest.slot == slot]
