"""A query's life: QUEUED, RUNNING, and SUCCEEDED, FAILED with its reason, or CANCELLED."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from dynamo_assets.sandbox.athena import ddl
from dynamo_assets.sandbox.athena.analyzer import Analyzer
from dynamo_assets.sandbox.athena.catalog import Catalog
from dynamo_assets.sandbox.athena.engine import Engine, Engines
from dynamo_assets.sandbox.athena.errors import QueryCancelled, QueryFailure
from dynamo_assets.sandbox.athena.mount import Filler, bucket_and_key
from dynamo_assets.sandbox.athena.relations import Relation
from dynamo_assets.sandbox.athena.results import Outcome, ResultColumn, ResultFile, rendered
from dynamo_assets.sandbox.athena.sources import Sources
from dynamo_assets.sandbox.athena.statements import Statement
from dynamo_assets.sandbox.endpoint import Endpoint

_LOGGER = logging.getLogger(__name__)
_QUERIES_AT_ONCE = 8
_INTERRUPT_EVERY_SECONDS = 0.05


@dataclass(eq=False)
class Execution:
    """One query.

    Attributes:
        request: The parts of StartQueryExecution that GetQueryExecution gives back.
        output_location: Where its result goes: the folder in S3 and the file's name.
        scan_limit: The workgroup's BytesScannedCutoffPerQuery; None for no limit.
        submitted, started, planned, computed, ended: When it reached each point of its life, Unix time.
        finished: Set once it has ended.
    """

    statement: Statement
    request: dict[str, Any]
    database: str
    work_group: str
    folder: str
    scan_limit: int | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "QUEUED"
    reason: str | None = None
    error: dict[str, object] | None = None
    scanned_bytes: int = 0
    submitted: float = field(default_factory=time.time)
    started: float | None = None
    planned: float | None = None
    computed: float | None = None
    ended: float | None = None
    finished: threading.Event = field(default_factory=threading.Event)
    result: ResultFile | None = None
    engine: Engine | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def output_location(self) -> str:
        """The result's address: CSV for a query, text for anything else."""
        return f"{self.folder}{self.id}.{'csv' if self.statement.kind == 'select' else 'txt'}"

    def progress(self, scanned_bytes: int = 0) -> None:
        """Counts what was read; see `mount.Progress`."""
        self.scanned_bytes += scanned_bytes
        if self._stop.is_set():
            raise QueryCancelled("Query cancelled by user")
        if self.scan_limit is not None and self.scanned_bytes > self.scan_limit:
            raise QueryCancelled("Bytes scanned limit was exceeded")

    def stop(self) -> None:
        """Stops it; returns at once."""
        self._stop.set()

        def interrupt() -> None:
            # An interrupt that comes before DuckDB has begun is lost, so more follow.
            while not self.finished.wait(_INTERRUPT_EVERY_SECONDS):
                if engine := self.engine:
                    engine.interrupt()

        threading.Thread(target=interrupt, daemon=True).start()

    def end(self, state: str, reason: str | None = None, error: dict[str, object] | None = None) -> None:
        """Records how it ended."""
        self.state, self.reason, self.error, self.ended = state, reason, error, time.time()
        self.finished.set()


class Runner:
    """Executes queries on threads of this process.

    Args:
        endpoint: The sandbox, for its Glue and S3.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.executions: dict[str, Execution] = {}
        self._engines = Engines(endpoint.work_dir / "athena" / "spill")
        self._pool = ThreadPoolExecutor(_QUERIES_AT_ONCE, thread_name_prefix="athena")

    @cached_property
    def s3(self) -> Any:
        """The sandbox's S3."""
        return self.endpoint.client("s3")

    @cached_property
    def catalog(self) -> Catalog:
        """The sandbox's Data Catalog."""
        return Catalog(self.endpoint.client("glue"))

    def submit(self, execution: Execution) -> None:
        """Queues a query."""
        self.executions[execution.id] = execution
        self._pool.submit(self._run, execution)

    def shut_down(self) -> None:
        """Stops every query, and the threads."""
        for execution in self.executions.values():
            if not execution.finished.is_set():
                execution.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for execution in self.executions.values():
            if not execution.finished.is_set():
                execution.end("CANCELLED", "The sandbox was stopped")

    def _run(self, execution: Execution) -> None:
        execution.started = time.time()
        execution.state = "RUNNING"
        try:
            execution.progress()
            directory = self.endpoint.work_dir / "athena" / execution.id
            directory.mkdir(parents=True)
            execution.result = ResultFile(directory)
            with self._outcome(execution, directory) as outcome:
                execution.result.write(outcome)
            execution.computed = time.time()
            self._deliver(execution, execution.result)
        except QueryFailure as failure:
            execution.end("FAILED", failure.reason, failure.athena_error())
        except (QueryCancelled, duckdb.InterruptException) as cancelled:
            is_ours = isinstance(cancelled, QueryCancelled)
            execution.end("CANCELLED", str(cancelled) if is_ours else "Query cancelled by user")
        except Exception as error:
            # The boundary of a query's thread: whatever it was, a client waits for an answer.
            _LOGGER.exception("query %s failed inside the sandbox", execution.id)
            failure = QueryFailure("GENERIC_INTERNAL_ERROR", f"{type(error).__name__}: {error}")
            execution.end("FAILED", failure.reason, failure.athena_error())
        else:
            execution.end("SUCCEEDED")

    @contextmanager
    def _outcome(self, execution: Execution, directory: Path) -> Iterator[Outcome]:
        if execution.statement.kind == "select":
            with (
                self._planned(execution) as (engine, analyzer, relation),
                engine.database(analyzer.mounts) as database,
            ):
                columns = [
                    ResultColumn(found.name or f"_col{place}", found.type)
                    for place, found in enumerate(relation.fields)
                ]
                filler = Filler(database, self.catalog, self.s3, directory, execution.progress)
                for mount in analyzer.mounts:
                    if mount.name in engine.used:
                        filler.fill(mount, engine.used[mount.name])
                yield Outcome(columns, rendered(engine.run(database, relation.sql), columns), is_query=True)
            return

        def analyse() -> Relation:
            with self._planned(execution) as (_, _, relation):
                return relation

        yield ddl.execute(execution.statement, ddl.Context(self.catalog, execution.database, analyse, self.s3))

    @contextmanager
    def _planned(self, execution: Execution) -> Iterator[tuple[Engine, Analyzer, Relation]]:
        """A query analysed, and an engine that could run it."""
        assert execution.statement.query is not None
        analyzer = Analyzer(Sources(self.catalog, execution.database))
        relation = analyzer.query(execution.statement.query)
        engine = execution.engine = Engine(self._engines, analyzer.names.columns)
        try:
            engine.plan(relation.sql, analyzer.mounts)
            execution.planned = time.time()
            yield engine, analyzer, relation
        finally:
            execution.engine = None

    def _deliver(self, execution: Execution, result: ResultFile) -> None:
        bucket, key = bucket_and_key(execution.output_location)
        try:
            with result.output.open("rb") as body:
                self.s3.put_object(Bucket=bucket, Key=key, Body=body)
            # Athena's own is binary, and no client reads it.
            names = ",".join(column.name for column in result.columns)
            self.s3.put_object(Bucket=bucket, Key=f"{key}.metadata", Body=names.encode())
        except (self.s3.exceptions.ClientError, OSError) as error:
            raise QueryFailure("", f"Unable to write the result to {execution.output_location}: {error}") from error
        result.output.unlink()
