"""The lines of a text, many at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Readable(Protocol):
    """An open binary file, packed or not."""

    def read(self, size: int, /) -> bytes:
        """So many bytes at most; none at its end."""
        ...


def whole_lines(content: Readable, block_bytes: int) -> Iterator[bytes]:
    """A text in pieces of whole lines, each ended by a line feed, the last one, too.

    Args:
        content: What is read, to its end.
        block_bytes: How much is read at once.
    """
    rest: list[bytes] = []
    while chunk := content.read(block_bytes):
        end = chunk.rfind(b"\n") + 1
        if end:
            yield b"".join([*rest, chunk[:end]])
            rest.clear()
        rest.append(chunk[end:])
    if last := b"".join(rest):
        yield last + b"\n"
