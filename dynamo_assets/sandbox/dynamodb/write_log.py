"""What a DynamoDB table of the sandbox holds and, where point-in-time recovery is on, what it held.

moto keeps the present only. Here each write leaves the item's new image, stamped by the sandbox's clock and in
DynamoDB's own order: by the hash of the partition key, then by the sort key. Scans, sizes and exports read from it.
"""

from __future__ import annotations

import bisect
import copy
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from dynamo_assets.sandbox.dynamodb.clock import MICROS, clock
from dynamo_assets.sandbox.dynamodb.errors import refusal
from dynamo_assets.sandbox.dynamodb.hash_space import OrderKey, order_key, segment_bounds, typed
from dynamo_assets.sandbox.dynamodb.item_size import PAGE_BYTES, item_size

# How far the clock may step back without anybody having moved it.
_CLOCK_STEP_MICROS = 60 * MICROS

# moto's own type of a value has a `type`, such as "S", and a `value`.
_encoder = msgspec.json.Encoder(enc_hook=lambda value: {value.type: value.value})


class Image(NamedTuple):
    """An item at some moment: its DynamoDB JSON, and its size in bytes by DynamoDB's rules."""

    json: bytes
    size: int


class Version(NamedTuple):
    """An item's image from a moment on; None once deleted."""

    stamp: int
    image: Image | None


class Change(NamedTuple):
    """What became of an item between two moments: `old` before the first, `new` just before the second."""

    position: int
    keys: dict[str, Any]
    stamp: int
    old: Image | None
    new: Image | None


@dataclass
class Record:
    """One key's versions, oldest first; only the last without point-in-time recovery."""

    keys: dict[str, dict[str, Any]]
    versions: list[Version] = field(default_factory=list)

    @property
    def now(self) -> Image | None:
        """The present image; None where it is deleted."""
        return self.versions[-1].image if self.versions else None

    def at(self, stamp: int) -> Image | None:
        """The image just before `stamp`."""
        index = bisect.bisect_left(self.versions, stamp, key=attrgetter("stamp"))
        return self.versions[index - 1].image if index else None


@dataclass
class Page:
    """What one Scan request reads."""

    records: list[Record] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    size: int = 0
    more: bool = False


class WriteLog:
    """One table's items in DynamoDB's order, with their past.

    Attributes:
        table_id: As `DescribeTable` and `DescribeExport` give it.
        created: When the table was, in microseconds of the sandbox's clock.
        item_count: Items now.
        size_bytes: Their size now.
        paused: True while moto writes one item in several steps; whoever paused it writes the outcome.
        touched: For each write since somebody cleared it, the larger of the item's sizes before and after, in bytes.
    """

    def __init__(self, key_names: Sequence[str]) -> None:
        self.table_id = str(uuid.uuid4())
        self.created = clock.micros()
        self.item_count = 0
        self.size_bytes = 0
        self.paused = False
        self.touched: list[int] = []
        self._key_names = list(key_names)
        self._records: dict[OrderKey, Record] = {}
        self._order: list[OrderKey] = []
        self._last_stamp = 0
        self._remembers = False

    def __deepcopy__(self, memo: dict[int, Any]) -> WriteLog:
        # moto copies a table before each transaction, to put the copy back if it fails. Images never change.
        twin = copy.copy(self)
        twin._records = {key: Record(record.keys, list(record.versions)) for key, record in self._records.items()}
        twin._order = list(self._order)
        twin.touched = []
        return twin

    def order_key(self, item: Mapping[str, Any]) -> OrderKey:
        """Where an item with these keys stands.

        Raises:
            KeyError: A key attribute is missing.
        """
        return order_key(*(item[name] for name in self._key_names))

    def image(self, item: Mapping[str, Any]) -> Image | None:
        """The present image of the item with these keys."""
        record = self._records.get(self.order_key(item))
        return record.now if record else None

    def write(self, item: Mapping[str, Any], image: Image | None) -> None:
        """Notes that the item with these keys now has this image, or is gone."""
        key = self.order_key(item)
        record = self._records.get(key)
        old = record.now if record else None
        if self.paused or (old is None and image is None):
            return
        self._last_stamp = max(clock.micros(), self._last_stamp + 1)
        if record is None:
            record = self._records[key] = Record({name: dict([typed(item[name])]) for name in self._key_names})
        if not self._remembers:
            record.versions.clear()
        record.versions.append(Version(self._last_stamp, image))
        if old is None:
            bisect.insort(self._order, key)
        elif image is None:
            del self._order[bisect.bisect_left(self._order, key)]
            if not self._remembers:
                del self._records[key]
        old_size, new_size = (each.size if each else 0 for each in (old, image))
        self.item_count += (image is not None) - (old is not None)
        self.size_bytes += new_size - old_size
        self.touched.append(max(old_size, new_size))

    def refuse_the_past(self, table_name: str) -> None:
        """Raises an error where a write would be older than the last one: history is not rewritten."""
        behind = self._last_stamp - clock.micros()
        if behind > _CLOCK_STEP_MICROS:
            raise refusal(
                f"write to the past: its clock stands {behind // MICROS} s before the last write to the table "
                f"{table_name!r}; move the clock on"
            )

    def remember(self, since: int) -> None:
        """Keeps every version from `since` on; what the table holds now is taken as held just before."""
        self._remembers = True
        for record in self._records.values():
            stamp, image = record.versions[-1]
            record.versions[:] = [Version(min(stamp, since - 1), image)]

    def forget(self) -> None:
        """Drops the past, and keeps none from now on."""
        self._remembers = False
        self._records = {key: self._records[key] for key in self._order}
        for record in self._records.values():
            del record.versions[:-1]

    def as_of(self, stamp: int) -> Iterator[tuple[int, Image]]:
        """Every item just before `stamp`, with its position in the hash space, in DynamoDB's order."""
        for key in sorted(self._records):
            if image := self._records[key].at(stamp):
                yield key[0], image

    def changes(self, since: int, until: int) -> Iterator[Change]:
        """What became of each item written from `since` on and before `until`; nothing of one that came and went."""
        for key in sorted(self._records):
            record = self._records[key]
            stamps = [version.stamp for version in record.versions if since <= version.stamp < until]
            old, new = record.at(since), record.at(until)
            if stamps and (old or new):
                yield Change(key[0], record.keys, stamps[-1], old, new)

    def page(self, segment: tuple[int, int], start: OrderKey | None, limit: int | None) -> Page:
        """The page of one segment that follows `start`, which need not exist any more.

        It ends with the item that makes it 1 MB or more, as AWS's does: a full page costs 128.5 units there, not 128
        (https://dev.to/aws-heroes/dynamodb-scan-and-why-128-5-rcu-2k25). So the next page may be an empty one.

        Args:
            segment: The segment's number, and how many there are.
            start: The last page's last key.
            limit: At most so many items.
        """
        first, end = (bisect.bisect_left(self._order, (bound,)) for bound in segment_bounds(segment))
        if start is not None:
            first = bisect.bisect_right(self._order, start)
        page = Page()
        for key in self._order[first:end]:
            record = self._records[key]
            image = record.now
            assert image is not None, "the order has the living only"
            page.records.append(record)
            page.images.append(image)
            page.size += image.size
            if page.size >= PAGE_BYTES or len(page.records) == limit:
                page.more = True
                break
        return page


def encode(attributes: Mapping[str, Any]) -> bytes:
    """Attributes, in DynamoDB JSON or moto's types, as they go over the wire: binary values in base64."""
    return _encoder.encode(dict(attributes))


def image_of(attributes: Mapping[str, Any]) -> Image:
    """The image of an item, given as `encode` takes it."""
    encoded = encode(attributes)
    return Image(encoded, item_size(msgspec.json.decode(encoded)))
