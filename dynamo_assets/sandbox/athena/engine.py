"""One query's way through DuckDB: planned on empty tables, which are then filled with what the plan reads, and run."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from dynamo_assets.sandbox.athena.databases import Databases
from dynamo_assets.sandbox.athena.errors import from_engine
from dynamo_assets.sandbox.athena.mount import Mount

_ROWS_IN_A_BATCH = 10_000


class Engines:
    """Where queries' engines come from.

    Args:
        spill: A folder for what does not fit in memory.
    """

    def __init__(self, spill: Path) -> None:
        # The tables are still empty while a query is planned: nothing may be concluded from that.
        self.planners = Databases(spill, disabled_optimizers="statistics_propagation,empty_result_pullup")
        self.runners = Databases(spill)


class Engine:
    """One query's.

    Args:
        engines: What it works with.
        names: The query's own names of the generated columns, for errors.

    Attributes:
        used: Of each mount that the plan reads, the generated names of the columns it reads.
    """

    def __init__(self, engines: Engines, names: dict[str, str]) -> None:
        self.names = names
        self.used: dict[str, set[str]] = {}
        self._engines = engines
        self._at_work: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.Lock()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns what DuckDB raises into Athena's failures."""
        try:
            yield
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise from_engine(error, self.names) from error

    @contextmanager
    def _with_tables(self, databases: Databases, mounts: Sequence[Mount]) -> Iterator[duckdb.DuckDBPyConnection]:
        with databases.one_with(mounts) as database:
            self._at_work = database
            try:
                yield database
            finally:
                with self._lock:  # no interrupt reaches the query that has it next
                    self._at_work = None

    def plan(self, sql: str, mounts: Sequence[Mount]) -> None:
        """Plans a query; `used` then says what it will read of its tables.

        Raises:
            QueryFailure: It cannot be run.
        """
        with self.errors(), self._with_tables(self._engines.planners, mounts) as database:
            explained = database.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()
        pending = json.loads(explained[0][1])
        while pending:
            node = pending.pop()
            pending += node["children"]
            if table := node.get("extra_info", {}).get("Table"):
                columns = re.findall(r"\bc\d+\b", json.dumps(node["extra_info"]))
                self.used.setdefault(table.rsplit(".", 1)[-1], set()).update(columns)

    @contextmanager
    def database(self, mounts: Sequence[Mount]) -> Iterator[duckdb.DuckDBPyConnection]:
        """A database to run the query in, with its tables, still empty."""
        with self.errors(), self._with_tables(self._engines.runners, mounts) as database:
            yield database

    def run(self, database: duckdb.DuckDBPyConnection, sql: str) -> Iterator[pa.RecordBatch]:
        """The query's rows."""
        with self.errors():
            yield from database.execute(sql).to_arrow_reader(_ROWS_IN_A_BATCH)

    def interrupt(self) -> None:
        """Ends what runs now, from another thread."""
        with self._lock:
            if self._at_work:
                self._at_work.interrupt()
