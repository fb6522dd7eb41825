"""What an export has to read, as far as that is known before it begins: what estimates and sizes rest on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dynamo_assets.export.request import ExportRequest, Format
from dynamo_assets.export.scan_plan import SEGMENT_BYTES, allowed_rate, most_segments, passes, unit_bytes
from dynamo_assets.export.table_description import TableDescription

PROVISIONED = "PROVISIONED"


@dataclass(frozen=True)
class Work:
    """What there is to read.

    Attributes:
        bytes: How much, as DynamoDB counts it; each pass over the table by itself. 0 where nobody has counted yet.
        items: How many; 0 where that is not known.
        parts: How many pieces of it can be of use at once.
        format: Of the files to be written.
        units_per_second: The rate of read units to be kept; infinite where the table is not read.
        bytes_per_second: The same, in bytes.
        read_units: What reading consumes.
        billing_mode: How the table pays for them; empty where it is not read.
    """

    bytes: float
    items: float = 0
    parts: int = 1
    format: Format = "parquet"
    units_per_second: float = math.inf
    bytes_per_second: float = math.inf
    read_units: float = 0
    billing_mode: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is a size to go by. DynamoDB counts about every six hours, so a new table has none."""
        return self.bytes > 0

    @property
    def billed_units(self) -> float:
        """The read units that are billed: provisioned capacity is paid for anyway."""
        return 0 if self.billing_mode == PROVISIONED else self.read_units

    @property
    def item_bytes(self) -> float:
        """The size of an average item; infinite where items were not counted, so that they limit nothing."""
        return self.bytes / self.items if self.items else math.inf


def scan_work(table: TableDescription, request: ExportRequest, engine: str) -> Work:
    """A scan of a table, at the rate that the request allows, by one of the engines that scan."""
    times, per_unit, rate = passes(engine), unit_bytes(request), allowed_rate(table, request)
    units = table.bytes / per_unit * times
    return Work(
        bytes=table.bytes * times,
        items=table.items * times,
        parts=most_segments(table, request),
        format=request.format,
        units_per_second=rate,
        bytes_per_second=rate * per_unit,
        read_units=units,
        billing_mode=table.billing_mode,
    )


def conversion_work(size: float, file_format: Format, items: float = 0) -> Work:
    """The conversion of a native export, or a merge: as much as the files hold, and no rate to be kept."""
    return Work(bytes=size, items=items, parts=max(1, math.ceil(size / SEGMENT_BYTES)), format=file_format)
