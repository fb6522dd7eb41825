"""What a reader of data files is given, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

BATCH_ROWS = 20_000


@dataclass(frozen=True)
class DataFile:
    """One file.

    Attributes:
        path: Its local copy.
        location: Its address in S3.
        size: In bytes.
    """

    path: Path
    location: str
    size: int


@dataclass(frozen=True)
class Wanted:
    """A column to read.

    Attributes:
        name: As the partition calls it.
        index: Its place among the partition's columns.
        type: As the partition declares it; None for a column that the partition does not have: all NULL.
    """

    name: str
    index: int
    type: pa.DataType | None


# The number of rows, and for each wanted column their values; batch by batch.
Rows = Iterator[tuple[int, list[pa.Array]]]
Count = Callable[[int], None]
Reader = Callable[[DataFile, list[Wanted], Count], Rows]
