"""Pins: a person holds a view, or the views of a set, at a snapshot until they are unpinned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from dynamo_assets.aws.cancellation import all_side_by_side
from dynamo_assets.export.s3_files import read_if_there
from dynamo_assets.naming import Layout

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, kw_only=True)
class Pin:
    """Where a view is held.

    Attributes:
        name: The catalog name of the table, or the name of the set.
        snapshot_timestamp: The label of the snapshot that is shown.
        pinned_at: Since when, in UTC, ISO 8601.
        by: Who did it: a run's id, or a user at a command line.
        reason: Why, in a person's words; may be empty.
    """

    name: str
    snapshot_timestamp: str
    pinned_at: str
    by: str = ""
    reason: str = ""


class Pins:
    """The pins of all views below one bucket and prefix."""

    def __init__(self, s3: S3Client, layout: Layout):
        self._s3 = s3
        self._layout = layout

    def of(self, name: str) -> Pin | None:
        """The pin of a table's view, or of a set; None where it moves by itself."""
        return self._read(self._layout.pin_key(name))

    def all(self) -> dict[str, Pin]:
        """All pins by their names: one listing, and a request for each."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._layout.bucket, Prefix=self._layout.pins_prefix()
        )
        keys = [entry.get("Key", "") for page in pages for entry in page.get("Contents", [])]
        pins = all_side_by_side([partial(self._read, key) for key in keys if key.endswith(".json")])
        return {pin.name: pin for pin in pins if pin}

    def set(self, pin: Pin) -> None:
        """Pins, in the place of an older pin."""
        body = msgspec.json.format(msgspec.json.encode(pin), indent=1)
        self._s3.put_object(
            Bucket=self._layout.bucket, Key=self._layout.pin_key(pin.name), Body=body, ContentType="application/json"
        )

    def remove(self, name: str) -> None:
        """Unpins; nothing happens where there is no pin."""
        self._s3.delete_object(Bucket=self._layout.bucket, Key=self._layout.pin_key(name))

    def _read(self, key: str) -> Pin | None:
        body = read_if_there(self._s3, self._layout.bucket, key)
        return None if body is None else msgspec.json.decode(body, type=Pin)
