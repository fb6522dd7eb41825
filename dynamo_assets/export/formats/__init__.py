"""The formats of data files, one module each: writing Arrow columns to a file, and counting a file's rows."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import IO, Protocol, cast

import pyarrow as pa


class Writer(Protocol):
    """Writes one file."""

    def write(self, table: pa.Table) -> None:
        """Adds rows; every table has the schema that the writer was made with."""
        ...

    def close(self) -> None:
        """Finishes the file. May be called again."""
        ...


class FileFormat(Protocol):
    """What a module of this package has.

    Attributes:
        SUFFIX: What the names of its files end with.
        SELF_DESCRIBING: Whether a file says what its columns are even where it has no rows.
    """

    SUFFIX: str
    SELF_DESCRIBING: bool

    def open_writer(self, path: Path, schema: pa.Schema) -> Writer:
        """Begins a file.

        Args:
            path: Where; made anew.
            schema: The columns, by their names in the catalog.
        """
        ...

    def count_rows(self, file: IO[bytes]) -> int:
        """How many rows a file holds, by reading as little of it as the format allows.

        Raises:
            ValueError, OSError, EOFError: It is not a file of this format, or is cut short.
        """
        ...


_MODULES = {"parquet": "parquet", "orc": "orc", "avro": "avro", "json": "json_lines", "csv": "quoted_csv"}


def file_format(name: str) -> FileFormat:
    """The format of a name as requests spell it; its library is loaded when it is first asked for."""
    return cast("FileFormat", importlib.import_module(f"{__name__}.{_MODULES[name]}"))
