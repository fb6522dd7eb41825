"""Text files that another program wrote: as they are, or compressed with gzip or bzip2."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Iterator
from typing import IO, cast

from dynamo_assets.export.whole_lines import whole_lines

_MAGIC = {b"\x1f\x8b": ".gz", b"BZh": ".bz2"}
_BLOCK_BYTES = 4 * 1024 * 1024


def packed_as(file: IO[bytes]) -> str:
    """The suffix by which Athena knows how a file is compressed, told from its beginning; empty where it is not."""
    beginning = file.read(3)
    file.seek(0)
    return next((suffix for magic, suffix in _MAGIC.items() if beginning.startswith(magic)), "")


def line_blocks(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file, many at a time, each ended by a line feed.

    Raises:
        OSError, EOFError: It is cut short.
    """
    yield from whole_lines(_unpacked(file), _BLOCK_BYTES)


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    packed = packed_as(file)
    if packed == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    return cast("IO[bytes]", bz2.BZ2File(file)) if packed else file
