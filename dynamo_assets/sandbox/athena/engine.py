"""DuckDB, one fresh database for each query: it plans, is filled with what the plan reads, and runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from duckdb.sqltypes import DOUBLE, FLOAT, INTEGER, VARCHAR

from dynamo_assets.sandbox.athena.errors import from_engine
from dynamo_assets.sandbox.athena.mount import Mount
from dynamo_assets.sandbox.athena.results import java_double, java_float

_ROWS_IN_A_BATCH = 10_000
_EXACT = Context(prec=100, rounding=ROUND_HALF_UP)


def _quotient(dividend: str, divisor: str, scale: int) -> str | None:
    """A decimal quotient, exact and rounded once; DuckDB's own is a DOUBLE. NULL for nothing divided by nothing."""
    if not Decimal(divisor):
        return None
    quotient = _EXACT.divide(Decimal(dividend), Decimal(divisor))
    return format(quotient.quantize(Decimal(1).scaleb(-scale), context=_EXACT), "f")


class Engine:
    """One query's database, in memory, with no way to files, network or settings.

    Args:
        spill: A folder for what does not fit in memory.
        names: The query's own names of the generated columns, for errors.

    Attributes:
        used: Of each mount that the plan reads, the generated names of the columns it reads.
    """

    def __init__(self, spill: Path, names: dict[str, str]) -> None:
        self.names = names
        self.used: dict[str, set[str]] = {}
        self.connection = duckdb.connect(
            ":memory:",
            config={
                "threads": 2,
                "memory_limit": "1GB",
                "temp_directory": str(spill),
                "python_enable_replacements": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        self.connection.execute("SET TimeZone = 'UTC'; SET enable_external_access = false")
        functions: list[tuple[str, Any, Any]] = [
            ("athena_quotient", _quotient, [VARCHAR, VARCHAR, INTEGER]),
            ("athena_double_text", java_double, [DOUBLE]),
            ("athena_real_text", java_float, [FLOAT]),
        ]
        for name, function, parameters in functions:
            self.connection.create_function(name, function, parameters, VARCHAR)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns what DuckDB raises into Athena's failures."""
        try:
            yield
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise from_engine(error, self.names) from error

    def plan(self, sql: str, mounts: list[Mount]) -> None:
        """Plans a query on tables that are still empty; `used` then says what it will read of them.

        Raises:
            QueryFailure: It cannot be run.
        """
        with self.errors():
            for mount in mounts:
                self.connection.execute(mount.definition)
            # The tables are still empty: nothing may be concluded from that.
            self.connection.execute("SET disabled_optimizers = 'statistics_propagation,empty_result_pullup'")
            explained = self.connection.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()
            self.connection.execute("SET disabled_optimizers = ''")
        pending = json.loads(explained[0][1])
        while pending:
            node = pending.pop()
            pending += node["children"]
            if table := node.get("extra_info", {}).get("Table"):
                columns = re.findall(r"\bc\d+\b", json.dumps(node["extra_info"]))
                self.used.setdefault(table.rsplit(".", 1)[-1], set()).update(columns)

    def run(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The query's rows; nothing can be changed in the database from here on."""
        with self.errors():
            self.connection.execute("SET lock_configuration = true")
            yield from self.connection.execute(sql).to_arrow_reader(_ROWS_IN_A_BATCH)

    def interrupt(self) -> None:
        """Ends what runs now, from another thread."""
        with suppress(duckdb.ConnectionException):
            self.connection.interrupt()

    def close(self) -> None:
        """Frees the memory."""
        self.connection.close()
