"""Tables as the pages that DynamoDB's Scan would answer with, generated once and kept on disk."""

from __future__ import annotations

import hashlib
import json
import mmap
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.tables import TABLES, Item, Table
from dynamo_assets.sandbox.dynamodb.item_size import PAGE_BYTES, item_size

CACHE = Path(".local/bench/tables")
_HEAD = b'{"Items":['


@dataclass(frozen=True)
class Page:
    """Where the first part of a page's body lies, everything up to the end of its items, and what it holds.

    The rest depends on the request. A CRC-32 can be carried on, so the items' part is summed only once.

    Attributes:
        offset: In the file of all pages.
        length: Of this part.
        crc32: Of this part.
        items: How many items it holds.
        size: Their size as DynamoDB counts it, in bytes.
    """

    offset: int
    length: int
    crc32: int
    items: int
    size: int


def _cut_into_pages(table: Table) -> Iterator[tuple[list[Item], int]]:
    """DynamoDB ends a page with the last item that keeps it within 1 MB; one item is always on it."""
    page: list[Item] = []
    total = 0
    for item in table.generate():
        size = item_size(item)
        if page and total + size > PAGE_BYTES:
            yield page, total
            page, total = [], 0
        page.append(item)
        total += size
    if page:
        yield page, total


def _generator_version() -> str:
    """Changes when what generates pages does, so that pages of an older generator are never replayed."""
    sources = [Path(__file__), Path(__file__).with_name("tables.py")]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


def generate(name: str, cache: Path = CACHE, table: Table | None = None) -> Path:
    """The folder of a table's pages; they are generated where they are missing or of an older generator.

    Args:
        name: One of `TABLES`.
        cache: Where the folders of all tables are.
        table: What to generate instead of that table as it stands, a smaller one say.
    """
    table = table or TABLES[name]
    version = f"{_generator_version()}-{table.items}"
    folder = cache / name
    index = folder / "pages.json"
    if index.exists() and json.loads(index.read_text())["version"] == version:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pages: list[Page] = []
    with (folder / "pages.bin").open("wb") as file:
        for items, size in _cut_into_pages(table):
            body = _HEAD + msgspec.json.encode(items)[1:]
            pages.append(Page(file.tell(), len(body), zlib.crc32(body), len(items), size))
            file.write(body)
    # Written last: a folder without it is one whose generation was interrupted.
    index.write_text(json.dumps({"version": version, "keys": table.keys, "pages": [asdict(page) for page in pages]}))
    return folder


class PagePosition(NamedTuple):
    """A page of a table, and where the scan goes on; None after the last page of the segment."""

    page: Page
    next: int | None


class Pages:
    """A table's pages, read from its folder. A larger table repeats them, keys included; a smaller one has the first.

    Args:
        folder: From `generate`.
    """

    def __init__(self, folder: Path):
        index = json.loads((folder / "pages.json").read_text())
        self.keys: tuple[str, ...] = tuple(index["keys"])
        self._pages = [Page(**page) for page in index["pages"]]
        self._items_before = list(accumulate((page.items for page in self._pages), initial=0))
        with (folder / "pages.bin").open("rb") as file:
            self._bytes = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def count(self, items: int) -> int:
        """How many pages a table of at least so many items has."""
        repeats, rest = divmod(items, self._items_before[-1])
        partial = next(number for number, before in enumerate(self._items_before) if before >= rest)
        return repeats * len(self._pages) + partial

    def _all(self, items: int) -> Iterator[Page]:
        return (self._pages[number % len(self._pages)] for number in range(self.count(items)))

    def items(self, items: int) -> int:
        """How many items a table of at least so many has: those of whole pages."""
        return sum(page.items for page in self._all(items))

    def size(self, items: int) -> int:
        """The size of such a table as DynamoDB counts it, in bytes."""
        return sum(page.size for page in self._all(items))

    def body(self, page: Page) -> memoryview:
        """The first part of a page's body, everything up to the end of its items."""
        return self._bytes[page.offset : page.offset + page.length]

    def at(self, items: int, position: int | None, segment: int, segments: int) -> PagePosition | None:
        """The page at a position of a segment, the first one where it is None; None where the segment is empty.

        Args:
            items: How many items the table has at least.
            position: From the answer before, or None.
            segment: The segment's number.
            segments: How many there are.
        """
        count = self.count(items)
        first, end = (count * number // segments for number in (segment, segment + 1))
        position = first if position is None else position
        if not first <= position < end:
            return None
        return PagePosition(self._pages[position % len(self._pages)], position + 1 if position + 1 < end else None)
