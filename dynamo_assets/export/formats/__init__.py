"""The formats of data files, one module each: writing Arrow columns to a file, counting rows, reading some columns."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
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

    def read_columns(self, file: IO[bytes], columns: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Reads some columns, as they are stored, all rows in batches; of the file as little as the format allows.

        Args:
            file: The file.
            columns: Scalars, as the manifest has them for this format. One that the file lacks is null; one that is of
                another type in a file that has types is given as it is.

        Raises:
            ValueError, OSError, EOFError: It is not a file of this format, or is cut short.
        """
        ...


class ReadableFormat(Protocol):
    """The part of `FileFormat` that adopted files have, too."""

    def count_rows(self, file: IO[bytes]) -> int:
        """See `FileFormat`."""
        ...

    def read_columns(self, file: IO[bytes], columns: pa.Schema) -> Iterator[pa.RecordBatch]:
        """See `FileFormat`."""
        ...


_MODULES = {"parquet": "parquet", "orc": "orc", "avro": "avro", "json": "json_lines", "csv": "quoted_csv"}
_ADOPTED = {
    "adopted_json": ("adopted_json", "LINES"),
    "adopted_csv": ("adopted_csv", "QUOTED"),
    "adopted_csv_escaped": ("adopted_csv", "ESCAPED"),
}


def file_format(name: str) -> FileFormat:
    """The format of a name as requests spell it; its library is loaded when it is first asked for."""
    return cast("FileFormat", importlib.import_module(f"{__name__}.{_MODULES[name]}"))


def readable_format(name: str) -> ReadableFormat:
    """The format of a name as `Manifest.file_format` gives it."""
    if name not in _ADOPTED:
        return file_format(name)
    module, reader = _ADOPTED[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), reader)
