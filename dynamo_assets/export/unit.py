"""One unit of an export: read, decoded, written and uploaded by a plain function that runs anywhere."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dynamo_assets.errors import ConservationError
from dynamo_assets.export.clients import Clients
from dynamo_assets.export.decoding import PageDecoder
from dynamo_assets.export.formats import file_format
from dynamo_assets.export.observed import Facts
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema
from dynamo_assets.export.source import Page
from dynamo_assets.export.supervision import Supervisor
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.export.write import DataFile, FileWriter, copy_rows

if TYPE_CHECKING:
    from dynamo_assets.export.native_export.merge_plan import Merge

UNIT_FORMAT = "parquet"
"""What units write. Files of another format are made of these when the snapshot's schema is known, so that each of
them has all of its columns, in one order."""


class _Named(Protocol):
    """A piece of an export that is done by itself."""

    @property
    def part(self) -> str:
        """What tells its files from those of other units, as a part of their names."""
        ...


class PagesUnit(_Named, Protocol):
    """A piece of a table that is read in pages."""

    def pages(self, clients: Clients, request: ExportRequest, supervisor: Supervisor) -> Iterator[Page]:
        """Reads it to its end.

        Raises:
            ReadError: It could not be read to its end.
        """
        ...


@runtime_checkable
class FilesUnit(_Named, Protocol):
    """A piece of an export that knows by itself how its files are made."""

    def export(self, job: Job, clients: Clients, supervisor: Supervisor) -> UnitResult:
        """See `export_unit`."""
        ...


Unit = PagesUnit | FilesUnit


@dataclass(frozen=True)
class Job:
    """What all units of one export share.

    Attributes:
        request: What was asked for.
        label: The snapshot's label, claimed.
        table: The table's description.
        hint: What the last snapshot leads to expect.
        merge: What changes are merged with, in an export that is made of changes.
    """

    request: ExportRequest
    label: str
    table: TableDescription
    hint: Facts = field(default_factory=Facts)
    merge: Merge | None = None

    @property
    def folder(self) -> str:
        """The snapshot's folder: its files and nothing else lie there when it is complete."""
        return self.request.layout.snapshot_prefix(self.request.name, self.label)

    @property
    def unit_folder(self) -> str:
        """Where units write: the snapshot's folder, or, where its files are made of theirs, one that is removed."""
        if self.request.format == UNIT_FORMAT:
            return self.folder
        return self.request.layout.units_prefix(self.request.name, self.label)

    def expected_facts(self) -> Facts:
        """What is known before anything is read: the hint's columns and the key attributes."""
        facts = self.hint.copy()
        facts.merge(Facts.of_keys(self.table.keys))
        return facts


def stem(folder: str, part: str) -> str:
    """What the keys of a part's files begin with; never twice the same.

    Spark runs a task again that failed, or that it believes to have failed. Each try writes files of its own, and
    only those of the try that is returned are in the manifest.
    """
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


def export_unit(job: Job, clients: Clients, unit: Unit, supervisor: Supervisor) -> UnitResult:
    """Exports one unit. Running it twice does no harm; see `stem`.

    Raises:
        ReadError: It could not be read to its end.
        ConservationError: Fewer values or rows were written than read.
        ConversionError: A value does not fit a type that the request forces.
        IntegrityError: A native export's file, or a file of the base snapshot, is not what it should be.
    """
    if isinstance(unit, FilesUnit):
        return unit.export(job, clients, supervisor)
    return export_pages(job, clients, unit.part, unit.pages(clients, job.request, supervisor), supervisor)


def export_pages(job: Job, clients: Clients, part: str, found: Iterable[Page], supervisor: Supervisor) -> UnitResult:
    """Decodes pages, one after another, and writes their items to files of one part; see `export_unit`."""
    decoder = PageDecoder(job.expected_facts(), job.request, list(job.table.keys))
    items, read_units = 0, 0.0
    pages: list[Page] = []
    with FileWriter(clients.s3, job.request, stem(job.unit_folder, part), UNIT_FORMAT) as writer:
        for page in found:
            items += page.count
            read_units += page.read_units
            if page.count:
                pages.append(page)
            if decoder.is_worth_decoding(pages):
                writer.write(decoder.decode(*pages))
                pages.clear()
            supervisor.progress(page.count)
        if pages:
            writer.write(decoder.decode(*pages))
        files = writer.finish()
    written = sum(done.file.rows for done in files)
    if written != items:
        raise ConservationError(f"table {job.request.table}: {items} items were read and {written} rows written")
    return UnitResult(files, decoder.facts, items, read_units)


@dataclass(frozen=True)
class Rewrite:
    """Files of units to be written again.

    Attributes:
        schema: What the new files get: the snapshot's types, which the old files' are narrower forms of.
        files: The old ones.
    """

    schema: TableSchema
    files: tuple[DataFile, ...]


def rewrite_files(job: Job, clients: Clients, rewrite: Rewrite, supervisor: Supervisor) -> list[DataFile]:
    """Writes files again in the snapshot's format and with its types. The old ones stay."""
    begin = stem(job.folder, "part-final")
    with FileWriter(clients.s3, job.request, begin, job.request.format, rewrite.schema) as writer:
        for done in rewrite.files:
            supervisor.progress(0)
            copy_rows(clients.s3, job.request.bucket, done, writer)
        return writer.finish()


def write_empty_file(job: Job, clients: Clients, schema: TableSchema) -> list[DataFile]:
    """The file of a snapshot of no rows; none where a file of the format says nothing of its columns.

    A crawler does not know what to make of a text file without rows.
    """
    if not file_format(job.request.format).SELF_DESCRIBING:
        return []
    with FileWriter(clients.s3, job.request, stem(job.folder, "part-empty"), job.request.format) as writer:
        return writer.write_empty(schema)
