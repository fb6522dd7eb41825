"""The lines of a gzipped data file, many at a time, and pages made of them without parsing."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
from isal import igzip, isal_zlib

from dynamo_assets.errors import IntegrityError
from dynamo_assets.export.source import Page
from dynamo_assets.export.whole_lines import whole_lines

CHUNK_BYTES = 1280 * 1024
"""About as much JSON as a page of a scan has. Larger chunks take more memory and are no faster."""

# "DynamoDB table export output format": a line is `{"Item":{...}}`. JSON has no raw line feed within a value, so what
# stands between two items cannot be a part of either.
_BEGIN = b'{"Item":'
_BETWEEN = b'}\n{"Item":'


# Its stub says that it is an exception, where it is a class of them.
_ISAL_ERROR = cast("type[Exception]", isal_zlib.IsalError)


class _Line(msgspec.Struct):
    Item: msgspec.Raw


_LINE = msgspec.json.Decoder(_Line)


def chunks_of_lines(path: Path, name: str) -> Iterator[bytes]:
    """A gzipped file's content in chunks of whole lines, each ended by a line feed.

    Args:
        path: The file.
        name: What messages call it.

    Raises:
        IntegrityError: It is not gzip, or ends early.
    """
    try:
        with igzip.IGzipFile(path, "rb") as file:
            yield from whole_lines(file, CHUNK_BYTES)
    except (OSError, EOFError, zlib.error, _ISAL_ERROR) as error:
        raise IntegrityError(f"{name} cannot be unpacked: {error}; export that instant again") from error


def page_of_items(lines: bytes, name: str) -> Page:
    """A page of the items of a full export's lines.

    Args:
        lines: Whole lines, each ended by a line feed.
        name: What messages call their file.

    Raises:
        IntegrityError: A line is not of the documented form.
    """
    count = lines.count(b"\n")
    if lines.startswith(_BEGIN) and lines.endswith(b"}\n"):
        items = lines[len(_BEGIN) : -2].split(_BETWEEN)
        if len(items) == count:
            return Page(b"[" + b",".join(items) + b"]", count)
    return _page_of_parsed(lines, name)


def _page_of_parsed(lines: bytes, name: str) -> Page:
    """For lines that have spaces where DynamoDB's have none today."""
    try:
        items = [bytes(_LINE.decode(line).Item) for line in lines.split(b"\n") if line.strip()]
    except msgspec.DecodeError as error:
        raise IntegrityError(f"{name} has a line that is no item: {error}; export that instant again") from error
    return Page(b"[" + b",".join(items) + b"]", len(items))
