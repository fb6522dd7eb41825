"""One attempt at a snapshot, its label claimed: runs the units, finishes their files, commits, or leaves nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.errors import ConservationError, ExportError, ManifestError
from dynamo_assets.export.claim import Claim
from dynamo_assets.export.clients import Clients
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.export.manifest_columns import manifest_columns, serde_parameters
from dynamo_assets.export.plan import Plan
from dynamo_assets.export.s3_files import delete_objects
from dynamo_assets.export.schema import TableSchema
from dynamo_assets.export.schema_changes import SchemaChanges
from dynamo_assets.export.supervision import Supervisor
from dynamo_assets.export.unit import (
    UNIT_FORMAT,
    Job,
    Rewrite,
    Unit,
    UnitResult,
    export_unit,
    rewrite_files,
    write_empty_file,
)
from dynamo_assets.export.write import DataFile

GROUP_BYTES = 128 * 1024 * 1024
"""How much of the units' files one task makes files of another format of."""


class Mapper(ABC):
    """Runs units: on threads, on Spark executors."""

    @property
    @abstractmethod
    def parallelism(self) -> int:
        """How many units run at once."""

    @abstractmethod
    def __call__(
        self, work: Callable[[Any, Supervisor], Any], tasks: Sequence[Any], supervisor: Supervisor
    ) -> list[Any]:
        """Calls `work` with every task, gives it the supervisor or a stand-in of it, returns the results in order."""

    def read(self, attempt: Attempt, plan: Plan) -> list[UnitResult]:
        """Reads a table as planned."""
        return plan.read(attempt)


@dataclass
class Attempt:
    """One attempt.

    Attributes:
        job: What is exported, and under which label.
        claim: Of that label.
        clients: For this process; units make their own elsewhere.
        map_units: What runs the units.
        supervisor: What the units report to.
        previous: The manifest of the snapshot before this one.
    """

    job: Job
    claim: Claim
    clients: Clients
    map_units: Mapper
    supervisor: Supervisor
    previous: Manifest | None = None
    _undecided: bool = field(default=False, init=False)
    """Whether the manifest was sent, and S3 has neither taken nor refused it."""

    def read(self, units: Sequence[Unit]) -> list[UnitResult]:
        """Runs the units."""
        _ = self.clients.reader  # made here: a session is not to be used by several threads, its clients are
        return self.map_units(partial(export_unit, self.job, self.clients), units, self.supervisor)

    def commit(
        self,
        results: Sequence[UnitResult],
        *,
        started_at: datetime,
        now: Callable[[], datetime],
        read_facts: Mapping[str, Any],
    ) -> Manifest:
        """Gives all files the snapshot's final schema and writes the manifest.

        Args:
            results: What the units gave.
            started_at: When reading began.
            now: The wall clock.
            read_facts: How the items were read, by the plan.

        Raises:
            ConservationError: Rows are missing.
            ExportError: Another attempt has taken the label over.
            ManifestError: Another attempt has committed a snapshot of this label.
        """
        request, table = self.job.request, self.job.table
        facts = self.job.expected_facts()
        for result in results:
            facts.merge(result.facts)
        schema = TableSchema.of(facts, request, table.keys)
        files = self._finish([done for result in results for done in result.files], schema)
        items = sum(result.items for result in results)
        if (rows := sum(done.file.rows for done in files)) != items:
            raise ConservationError(f"table {request.table}: {items} items were read and {rows} rows are in the files")
        self.claim.confirm()
        # What a Spark task left that was tried again, or an attempt that died, would be read by the crawler and by
        # Athena.
        self._delete(self.job.folder, keep={done.file.key for done in files})
        columns = manifest_columns(schema, facts, request)
        manifest = Manifest(
            table=request.table,
            name=request.name,
            snapshot_timestamp=self.job.label,
            slot=request.slot,
            engine=request.engine,
            format=request.format,
            location=request.layout.uri(self.job.folder),
            started_at=_iso(started_at),
            finished_at=_iso(now()),
            rows=items,
            bytes=sum(done.file.bytes for done in files),
            files=tuple(sorted((done.file for done in files), key=lambda file: file.key)),
            columns=columns,
            read={
                "items": items,
                "read_units": sum(result.read_units for result in results),
                "segments": len(results),
                **read_facts,
            },
            attempt=request.attempt,
            schema_changes=SchemaChanges.between(self.previous.snapshot_timestamp, self.previous.columns, columns)
            if self.previous
            else SchemaChanges(),
            serde_parameters=serde_parameters(schema, request),
            keys=dict(table.keys),
            shape=request.shape,
        )
        self._publish(manifest)
        return manifest

    def tidy_up(self) -> str:
        """Removes what is not the snapshot's, once that is complete; returns a warning where it could not."""
        try:
            self._delete_units()
        except (BotoCoreError, ClientError, ExportError) as error:
            return f"The snapshot is complete. Files that were made on the way to it are left: {error}"
        return ""

    def _delete_units(self) -> None:
        if self.job.unit_folder != self.job.folder:
            self._delete(self.job.unit_folder)

    def _finish(self, files: list[DataFile], schema: TableSchema) -> list[DataFile]:
        if self.job.request.format == UNIT_FORMAT:
            finished = [done for done in files if done.schema.fits(schema)]
            # Each keeps the columns that it has: what a file lacks is read as null.
            rewrites = [Rewrite(schema.only(f.schema.columns), (f,)) for f in files if not f.schema.fits(schema)]
        else:
            finished, rewrites = [], [Rewrite(schema, group) for group in _groups(files)]
        if rewrites:
            again = self.map_units(partial(rewrite_files, self.job, self.clients), rewrites, self.supervisor)
            finished.extend(done for group in again for done in group)
        return finished or write_empty_file(self.job, self.clients, schema)

    def _publish(self, manifest: Manifest) -> None:
        self._undecided = True
        try:
            self._write(manifest)
        except (ManifestError, ClientError) as error:
            self._undecided = isinstance(error, ClientError) and _status(error) >= 500
            raise
        except BotoCoreError:
            raise
        except BaseException:
            # Interrupted: what was sent may take effect at any time. Only another request tells what became of it.
            self._write(manifest)
            raise
        self._undecided = False

    def _write(self, manifest: Manifest) -> None:
        store = ManifestStore(self.clients.s3, self.job.request.layout)
        try:
            store.write(manifest)
        except ManifestError:
            # boto3 repeats a request whose answer was lost, and then meets its own first one.
            if store.read(manifest.name, manifest.snapshot_timestamp).attempt != manifest.attempt:
                raise

    def discard(self, reason: BaseException) -> None:
        """Removes what this attempt wrote; its claim made the folder its own. A committed snapshot is left alone.

        Args:
            reason: Why there is no snapshot; gets a note where there is one all the same, or where something is left.
        """
        request = self.job.request
        uri = request.layout.uri(self.job.folder)
        try:
            if ManifestStore(self.clients.s3, request.layout).has(request.name, self.job.label):
                reason.add_note(f"Snapshot {self.job.label} was complete by then, and stays: {uri}")
                self._delete_units()
            elif self._undecided:
                reason.add_note(
                    f"S3 did not answer whether it took the manifest, and may yet: what is in {uri} was left there. "
                    "Without a manifest nobody will see it"
                )
            else:
                self.claim.confirm()
                for folder in {self.job.folder, self.job.unit_folder}:
                    self._delete(folder)
                self.claim.release()
        except (BotoCoreError, ClientError, ExportError) as error:
            reason.add_note(f"What it wrote to {uri} could not be removed: {error}")

    def _delete(self, prefix: str, keep: Collection[str] = ()) -> None:
        s3, bucket = self.clients.s3, self.job.request.bucket
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            doomed = [entry["Key"] for entry in page.get("Contents", []) if entry["Key"] not in keep]
            if doomed:
                self._delete_all(doomed, prefix)

    def _delete_all(self, keys: list[str], prefix: str) -> None:
        """Deletes objects, or raises: what stays in a snapshot's folder is read with it."""
        if errors := delete_objects(self.clients.s3, self.job.request.bucket, keys):
            raise ExportError(
                f"table {self.job.request.table}: {len(errors)} object(s) in {self.job.request.layout.uri(prefix)} "
                f"could not be deleted: {errors[0].get('Code')}: {errors[0].get('Message')}; the export needs "
                "s3:DeleteObject there"
            )


def _groups(files: Sequence[DataFile]) -> Iterator[tuple[DataFile, ...]]:
    """Files that one task makes new ones of, so that many small ones become few."""
    group: list[DataFile] = []
    for done in files:
        group.append(done)
        if sum(one.file.bytes for one in group) >= GROUP_BYTES:
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
