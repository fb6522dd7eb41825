"""One export from its request to its manifest: describe, plan, claim, map the units, commit."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.errors import ConservationError, ManifestError
from dynamo_assets.export.claim import claim_label, release_label, utc_now
from dynamo_assets.export.clients import Clients
from dynamo_assets.export.manifest import Manifest, ManifestColumn, ManifestStore
from dynamo_assets.export.observed import Facts, key_facts, merge_facts
from dynamo_assets.export.plan import Plan, TableDescription, make_plan
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema, athena_type
from dynamo_assets.export.unit import Job, Pulse, UnitResult, export_unit, rewrite_unit
from dynamo_assets.export.write import DataFile, write_empty


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Mapper(Protocol):
    """Runs units: on threads, on Spark executors."""

    @property
    def parallelism(self) -> int:
        """How many units run at once."""
        ...

    def __call__(
        self, work: Callable[[Any, Pulse], Any], tasks: Sequence[Any], on_items: Callable[[int], None]
    ) -> list[Any]:
        """Calls `work` for every task, gives `on_items` the items of each pulse, returns the results in order."""
        ...


@dataclass(frozen=True)
class Observer:
    """Who wants to know how an export goes.

    Attributes:
        on_plan: Called once, before anything is read.
        on_progress: Called with the items exported and the items expected, the latter by DynamoDB's own count of some
            hours ago. In process it comes at least every second, even while the export waits for its share of the
            rate, from whichever thread reads; what it raises ends the export.
    """

    on_plan: Callable[[Plan], None] = lambda _plan: None
    on_progress: Callable[[int, int], None] = lambda _done, _expected: None


def plan_export(request: ExportRequest, parallelism: int, session: boto3.Session | None = None) -> Plan:
    """What `run_export` would do, without doing it.

    Raises:
        PlanError: The table cannot be read as asked.
    """
    table = TableDescription.of(Clients(request.table, session).dynamodb, request.table)
    return make_plan(table, request, parallelism)


def run_export(
    request: ExportRequest,
    map_units: Mapper,
    *,
    session: boto3.Session | None = None,
    observer: Observer | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Manifest:
    """Takes one snapshot of one table.

    Whatever goes wrong, Ctrl-C included, the snapshot then has no manifest and its files are removed.

    Args:
        request: What to export.
        map_units: What runs the units.
        session: Where AWS credentials come from; boto3's own search where None.
        observer: Is told the plan and the progress.
        now: The wall clock.

    Returns:
        The manifest, written.

    Raises:
        ExportError: See its subclasses in `dynamo_assets.errors`.
    """
    request = replace(request, attempt=request.attempt or uuid.uuid4().hex)
    clients = Clients(request.table, session, map_units.parallelism)
    table = TableDescription.of(clients.dynamodb, request.table)
    plan = make_plan(table, request, map_units.parallelism)
    observer = observer or Observer()
    observer.on_plan(plan)
    job = Job(request, claim_label(clients.s3, request, now=now), table)
    export = _Export(job, clients, map_units, lambda items: observer.on_progress(items, table.items))
    try:
        started_at = now()
        results = export.read(plan)
        return export.commit(results, started_at, now)
    except BaseException as error:
        export.discard(error)
        raise


@dataclass
class _Export:
    """One export whose label is claimed."""

    job: Job
    clients: Clients
    map_units: Mapper
    on_progress: Callable[[int], None]
    items: int = 0

    def _on_items(self, items: int) -> None:
        self.items += items
        self.on_progress(self.items)

    def read(self, plan: Plan) -> list[UnitResult]:
        _ = self.clients.reader  # made here: a session is not to be used by several threads, its clients are
        return self.map_units(partial(export_unit, self.job, self.clients), plan.segments, self._on_items)

    def commit(self, results: list[UnitResult], started_at: datetime, now: Callable[[], datetime]) -> Manifest:
        request, table = self.job.request, self.job.table
        facts: Facts = key_facts(table.keys)
        for result in results:
            merge_facts(facts, result.facts)
        schema = TableSchema.of(facts, request, table.keys)
        files = self._unify([done for result in results for done in result.files], schema)
        items = sum(result.items for result in results)
        if (rows := sum(done.file.rows for done in files)) != items:
            raise ConservationError(f"table {request.table}: {items} items were read and {rows} rows are in the files")
        # What a Spark task left that was tried again would be read by the crawler and by Athena.
        folder = request.layout.snapshot_prefix(request.name, self.job.label)
        self._delete(folder, keep={done.file.key for done in files})
        manifest = Manifest(
            table=request.table,
            name=request.name,
            snapshot_timestamp=self.job.label,
            slot=request.slot,
            engine=request.engine,
            format=request.format,
            location=request.layout.uri(folder),
            started_at=_iso(started_at),
            finished_at=_iso(now()),
            rows=items,
            bytes=sum(done.file.bytes for done in files),
            files=tuple(sorted((done.file for done in files), key=lambda file: file.key)),
            columns=_columns(schema, facts),
            read={
                "items": items,
                "read_units": sum(result.read_units for result in results),
                "segments": len(results),
                "consistent": request.consistent_read,
            },
            attempt=request.attempt,
        )
        self._publish(manifest)
        return manifest

    def _unify(self, files: list[DataFile], schema: TableSchema) -> list[DataFile]:
        kept = [done for done in files if done.schema.fits(schema)]
        narrow = [done for done in files if not done.schema.fits(schema)]
        if narrow:
            rewritten = self.map_units(partial(rewrite_unit, self.job, self.clients, schema), narrow, self._on_items)
            kept.extend(done for group in rewritten for done in group)
        return kept or [write_empty(self.clients.s3, self.job.request, self.job.stem("part-empty"), schema)]

    def _publish(self, manifest: Manifest) -> None:
        store = ManifestStore(self.clients.s3, self.job.request.layout)
        try:
            store.write(manifest)
        except ManifestError:
            # boto3 repeats a request whose answer was lost, and then meets its own first one.
            if store.read(manifest.name, manifest.snapshot_timestamp).attempt != manifest.attempt:
                raise

    def discard(self, reason: BaseException) -> None:
        """Removes what this attempt wrote; its claim made the folder its own. A committed snapshot is left alone."""
        request, s3 = self.job.request, self.clients.s3
        folder = request.layout.snapshot_prefix(request.name, self.job.label)
        manifest_key = request.layout.manifest_key(request.name, self.job.label)
        try:
            if not s3.list_objects_v2(Bucket=request.bucket, Prefix=manifest_key)["KeyCount"]:
                self._delete(folder)
                release_label(s3, request, self.job.label)
        except (BotoCoreError, ClientError) as error:
            reason.add_note(f"What it wrote to {request.layout.uri(folder)} could not be removed: {error}")

    def _delete(self, prefix: str, keep: Collection[str] = ()) -> None:
        s3, bucket = self.clients.s3, self.job.request.bucket
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            doomed = [entry["Key"] for entry in page.get("Contents", []) if entry["Key"] not in keep]
            if doomed:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in doomed]})


def _columns(schema: TableSchema, facts: Facts) -> tuple[ManifestColumn, ...]:
    return tuple(
        ManifestColumn(
            name=column.name,
            attribute=attribute,
            type=athena_type(column.type),
            dynamodb_types={tag: count for tag, count in sorted(facts[attribute].counts.items()) if count},
            lossy=facts[attribute].total_lossy(),
        )
        for attribute, column in schema.columns.items()
    )
