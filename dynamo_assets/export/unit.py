"""One unit of an export: read, decoded, written and uploaded by a plain function that runs anywhere."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from dynamo_assets.errors import ConservationError
from dynamo_assets.export.clients import Clients
from dynamo_assets.export.decode import PageDecoder
from dynamo_assets.export.observed import Facts, key_facts
from dynamo_assets.export.plan import TableDescription
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema
from dynamo_assets.export.source import ScanSegment, scan
from dynamo_assets.export.write import DataFile, FileWriter, rewrite

Pulse = Callable[[int], None]
"""Called by a unit with the number of items since the last call, at least once a second while it waits. It may raise,
to end the unit."""

NAP_SECONDS = 0.5


@dataclass(frozen=True)
class Job:
    """What all units of one export share.

    Attributes:
        request: What was asked for.
        label: The snapshot's label, claimed.
        table: The table's description.
    """

    request: ExportRequest
    label: str
    table: TableDescription

    def stem(self, part: str) -> str:
        """What the keys of a part's files begin with; never twice the same.

        Spark runs a task again that failed, or that it believes to have failed. Each try writes files of its own, and
        only those of the try that is returned are in the manifest.
        """
        folder = self.request.layout.snapshot_prefix(self.request.name, self.label)
        return f"{folder}{part}-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class UnitResult:
    """What became of one unit.

    Attributes:
        files: Its files, uploaded.
        facts: What it observed.
        items: How many items it read.
        read_units: What reading them consumed.
    """

    files: list[DataFile]
    facts: Facts
    items: int = 0
    read_units: float = 0.0


def export_unit(job: Job, clients: Clients, segment: ScanSegment, pulse: Pulse) -> UnitResult:
    """Exports one segment. Running it twice does no harm; see `Job.stem`.

    Raises:
        ReadError: DynamoDB could not be read to the end.
        ConservationError: Fewer values or rows were written than read.
        ConversionError: A value does not fit a type that the request forces.
    """

    def sleep(seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, NAP_SECONDS))
            pulse(0)

    decoder = PageDecoder(key_facts(job.table.keys), job.request, list(job.table.keys))
    items, read_units = 0, 0.0
    with FileWriter(clients.s3, job.request, job.stem(f"part-{segment.number:05d}")) as writer:
        for page in scan(clients.reader, job.request, segment, sleep=sleep):
            if page.count:
                writer.write(decoder.decode(page))
            items += page.count
            read_units += page.read_units
            pulse(page.count)
        files = writer.finish()
    written = sum(done.file.rows for done in files)
    if written != items:
        raise ConservationError(f"table {job.request.table}: {items} items were read and {written} rows written")
    return UnitResult(files, decoder.facts, items, read_units)


def rewrite_unit(job: Job, clients: Clients, schema: TableSchema, narrow: DataFile, pulse: Pulse) -> list[DataFile]:
    """Rewrites one file whose types turned out too narrow for the snapshot."""
    pulse(0)
    return rewrite(clients.s3, job.request, narrow, schema, job.stem("part-widened"))
