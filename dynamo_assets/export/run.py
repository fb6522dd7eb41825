"""One export from its request to its manifest: describe, plan, claim, map the units, commit."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import boto3

from dynamo_assets.errors import ConservationError, ManifestError
from dynamo_assets.export.claim import claim_label, release_label, utc_now
from dynamo_assets.export.clients import Clients
from dynamo_assets.export.manifest import Manifest, ManifestColumn, ManifestStore
from dynamo_assets.export.plan import Plan, TableDescription, make_plan
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import Facts, TableSchema, athena_type, key_facts, merge_facts
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
        on_progress: Called with the items exported and the items expected; the latter is DynamoDB's own estimate.
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
    observer = observer or Observer()
    request = replace(request, attempt=request.attempt or uuid.uuid4().hex)
    clients = Clients(request.table, session, map_units.parallelism)
    table = TableDescription.of(clients.dynamodb, request.table)
    plan = make_plan(table, request, map_units.parallelism)
    observer.on_plan(plan)
    label = claim_label(clients.s3, request, now=now)
    started_at = now()
    job = Job(request, label, table)
    try:
        results = _export(job, plan, clients, map_units, observer)
        manifest = _commit(job, results, clients, map_units, (started_at, now))
    except BaseException:
        _discard(job, clients)
        raise
    return manifest


def _export(job: Job, plan: Plan, clients: Clients, map_units: Mapper, observer: Observer) -> list[UnitResult]:
    done = 0

    def on_items(items: int) -> None:
        nonlocal done
        done += items
        observer.on_progress(done, plan.table.items)

    _ = clients.reader  # made here: a session is not to be used by several threads, its clients are
    return map_units(partial(export_unit, job, clients), plan.segments, on_items)


def _commit(
    job: Job,
    results: Iterable[UnitResult],
    clients: Clients,
    map_units: Mapper,
    clock: tuple[datetime, Callable[[], datetime]],
) -> Manifest:
    results = list(results)
    facts: Facts = key_facts(job.table.keys)
    for result in results:
        merge_facts(facts, result.facts)
    schema = TableSchema.of(facts, job.request, job.table.keys)
    files = _unify([done for result in results for done in result.files], schema, job, clients, map_units)
    items = sum(result.items for result in results)
    if (rows := sum(done.file.rows for done in files)) != items:
        raise ConservationError(f"table {job.request.table}: {items} items were read and {rows} rows are in the files")
    # What a Spark task left that was tried again would be read by the crawler and by Athena.
    folder = job.request.layout.snapshot_prefix(job.request.name, job.label)
    _delete(clients, job.request.bucket, folder, keep={done.file.key for done in files})
    started_at, now = clock
    manifest = Manifest(
        table=job.request.table,
        name=job.request.name,
        snapshot_timestamp=job.label,
        slot=job.request.slot,
        engine=job.request.engine,
        format=job.request.format,
        location=job.request.layout.uri(folder),
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
            "consistent": job.request.consistent_read,
        },
        attempt=job.request.attempt,
    )
    _write_manifest(manifest, job, clients)
    return manifest


def _unify(
    files: Sequence[DataFile], schema: TableSchema, job: Job, clients: Clients, map_units: Mapper
) -> list[DataFile]:
    kept = [done for done in files if done.schema.fits(schema)]
    narrow = [done for done in files if not done.schema.fits(schema)]
    rewritten = map_units(partial(rewrite_unit, job, clients, schema), narrow, lambda _: None) if narrow else []
    kept.extend(done for group in rewritten for done in group)
    return kept or [write_empty(clients.s3, job.request, job.stem("part-empty"), schema)]


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


def _write_manifest(manifest: Manifest, job: Job, clients: Clients) -> None:
    store = ManifestStore(clients.s3, job.request.layout)
    try:
        store.write(manifest)
    except ManifestError:
        # boto3 repeats a request whose answer was lost, and then meets its own first one.
        if store.read(job.request.name, job.label).attempt != job.request.attempt:
            raise


def _discard(job: Job, clients: Clients) -> None:
    """Removes what this attempt wrote; its claim made the folder its own. A committed snapshot is left alone."""
    request = job.request
    key = request.layout.manifest_key(request.name, job.label)
    if clients.s3.list_objects_v2(Bucket=request.bucket, Prefix=key)["KeyCount"]:
        return
    _delete(clients, request.bucket, request.layout.snapshot_prefix(request.name, job.label))
    release_label(clients.s3, request, job.label)


def _delete(clients: Clients, bucket: str, prefix: str, keep: Iterable[str] = ()) -> None:
    kept = set(keep)
    for page in clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        doomed = [entry["Key"] for entry in page.get("Contents", []) if entry["Key"] not in kept]
        if doomed:
            clients.s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in doomed]})
