"""DuckDB databases in memory, each for one query at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Any

import duckdb
from duckdb.sqltypes import DOUBLE, FLOAT, INTEGER, VARCHAR

from dynamo_assets.sandbox.athena.mount import Mount
from dynamo_assets.sandbox.athena.results import java_double, java_float

_EXACT = Context(prec=100, rounding=ROUND_HALF_UP)


def _quotient(dividend: str, divisor: str, scale: int) -> str | None:
    """A decimal quotient, exact and rounded once; DuckDB's own is a DOUBLE. NULL for nothing divided by nothing."""
    if not Decimal(divisor):
        return None
    quotient = _EXACT.divide(Decimal(dividend), Decimal(divisor))
    return format(quotient.quantize(Decimal(1).scaleb(-scale), context=_EXACT), "f")


class Databases:
    """Databases with no way to files, network or settings. They are kept: to make one takes longer than most queries.

    Args:
        spill: A folder for what does not fit in memory.
        disabled_optimizers: Rules that the planner shall not apply.
    """

    def __init__(self, spill: Path, disabled_optimizers: str = "") -> None:
        self._spill = spill
        self._disabled_optimizers = disabled_optimizers
        self._idle: list[duckdb.DuckDBPyConnection] = []

    @contextmanager
    def one_with(self, mounts: Sequence[Mount]) -> Iterator[duckdb.DuckDBPyConnection]:
        """A database of this block's own, with these tables, empty, and nothing else in it."""
        try:
            database = self._idle.pop()
        except IndexError:
            database = self._make()
        try:
            for mount in mounts:
                database.execute(mount.definition)
            yield database
            for mount in mounts:
                database.execute(f"DROP TABLE {mount.name}")
        except BaseException:
            database.close()  # who knows what is left in it
            raise
        self._idle.append(database)

    def _make(self) -> duckdb.DuckDBPyConnection:
        database = duckdb.connect(
            ":memory:",
            config={
                "threads": 2,
                "memory_limit": "1GB",
                "temp_directory": str(self._spill / f"{threading.get_ident()}"),
                "python_enable_replacements": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        functions: list[tuple[str, Any, Any]] = [
            ("athena_quotient", _quotient, [VARCHAR, VARCHAR, INTEGER]),
            ("athena_double_text", java_double, [DOUBLE]),
            ("athena_real_text", java_float, [FLOAT]),
        ]
        for name, function, parameters in functions:
            database.create_function(name, function, parameters, VARCHAR)
        database.execute(
            f"SET TimeZone = 'UTC'; SET disabled_optimizers = '{self._disabled_optimizers}'; "
            "SET enable_external_access = false; SET lock_configuration = true"
        )
        return database
