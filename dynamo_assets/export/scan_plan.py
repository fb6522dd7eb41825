"""How a scan is cut into segments, and what it will take, from the table's description."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamo_assets.errors import PlanError
from dynamo_assets.export.request import READ_PERCENTAGE_RANGE, ExportRequest
from dynamo_assets.export.source import ScanSegment
from dynamo_assets.export.table_description import TableDescription

if TYPE_CHECKING:
    from dynamo_assets.export.attempt import Attempt
    from dynamo_assets.export.unit import UnitResult

UNIT_BYTES = 4096
PAGE_BYTES = 1024 * 1024
SEGMENT_BYTES = 128 * 1024 * 1024
"""A segment should hold at least this much of the table; smaller ones make a swarm of small files."""
SEGMENTS_PER_WORKER = 4
"""Units are finer than the parallelism, so that a slow one does not stretch the end."""
SEGMENT_READ_UNITS = 50.0
"""A running segment should have at least this share of the rate, in read units a second."""
CONNECTOR_ON_DEMAND_READ_UNITS = 40_000
"""What AWS's own reader takes an on-demand table's capacity for (Glue developer guide, "DynamoDB connections")."""


@dataclass(frozen=True)
class ScanPlan:
    """How a table is scanned; see `dynamo_assets.export.plan.Plan`.

    Attributes:
        table: The description it rests on.
        segments: The units of the scan.
        parallelism: How many of them run at once.
        read_units_per_second: The rate that all of them keep together.
        expected_read_units: What the scan will consume, by the table's size.
        expected_seconds: How long that takes at the rate; the start of the engine comes on top.
        expected_files: About how many data files there will be.
        time_limit_seconds: How long the engine lets an export run, where it has a limit.
        consistent_read: Whether reads are strongly consistent.
    """

    table: TableDescription
    segments: tuple[ScanSegment, ...]
    parallelism: int
    read_units_per_second: float
    expected_read_units: float
    expected_seconds: float
    expected_files: int
    time_limit_seconds: float | None = None
    consistent_read: bool = False

    @property
    def units(self) -> Sequence[ScanSegment]:
        """The segments."""
        return self.segments

    @property
    def expected_items(self) -> int:
        """As DynamoDB last counted them."""
        return self.table.items

    def read(self, attempt: Attempt) -> list[UnitResult]:
        """See `Plan`."""
        return attempt.read(self.units)

    def describe(self) -> str:
        """One line for a person."""
        return (
            f"about {self.table.items:,} items, {self.table.bytes / 1e6:,.1f} MB, "
            f"{self.expected_read_units:,.0f} read units at {self.read_units_per_second:,.0f} a second: "
            f"{_duration(self.expected_seconds)}; {len(self.segments)} segment(s), {self.parallelism} at once, "
            f"about {self.expected_files} file(s)"
        )

    def connector_percentage(self) -> float:
        """The rate as AWS's own reader takes it: a share of what it believes the capacity to be.

        Raises:
            PlanError: It cannot read as slowly as that.
        """
        on_demand = self.table.billing_mode == "PAY_PER_REQUEST"
        capacity = CONNECTOR_ON_DEMAND_READ_UNITS if on_demand else self.table.read_units_per_second
        low, high = READ_PERCENTAGE_RANGE
        if (share := self.read_units_per_second / capacity) < low:
            raise PlanError(
                f"AWS's own reader takes the capacity for {capacity:,.0f} read units a second and cannot use less than "
                f"{low:.0%} of it; this export may read {self.read_units_per_second:,.0f} a second. Use engine glue, "
                "which keeps any rate, or raise read_percentage or max_read_units"
            )
        return min(share, high)

    def warnings(self) -> list[str]:
        """What a person should know before the export begins."""
        limit = self.time_limit_seconds
        if limit is None or self.expected_seconds <= limit:
            return []
        text = (
            f"This export takes about {_duration(self.expected_seconds)} at {self.read_units_per_second:,.0f} read "
            f"units a second, and is stopped after {_duration(limit)}. Raise time_limit, or let it read at least "
            f"{self.expected_read_units / limit:,.0f} units a second: read_percentage, max_read_units, the table's "
            "capacity"
        )
        return [text]

    def read_facts(self) -> Mapping[str, Any]:
        """Whether reads are consistent."""
        return {"consistent": self.consistent_read}


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"


def plan_scan(table: TableDescription, request: ExportRequest, parallelism: int) -> ScanPlan:
    """Cuts a table into segments and gives each its share of the rate.

    Args:
        table: What DynamoDB says about the table.
        request: The share of the capacity, the absolute cap, the kind of reads.
        parallelism: How many units the engine can run at once.
    """
    rate = allowed_rate(table, request)
    segments = request.segments or _segments(table.bytes, rate, parallelism)
    at_once = min(parallelism, segments)
    bytes_per_unit = unit_bytes(request)
    units = table.bytes / bytes_per_unit * passes(request.engine)
    page_items = _page_items(table, rate / at_once * bytes_per_unit)
    page_bytes = PAGE_BYTES if page_items is None else page_items * table.bytes / table.items
    # DynamoDB counts about every six hours. A table that it has not counted yet may hold anything.
    page_units = (min(page_bytes, table.bytes / segments) if table.bytes else PAGE_BYTES) / bytes_per_unit
    return ScanPlan(
        table=table,
        segments=tuple(ScanSegment(number, segments, page_units, page_items) for number in range(segments)),
        parallelism=at_once,
        read_units_per_second=rate,
        expected_read_units=units,
        expected_seconds=units / rate,
        # Parquet takes very roughly a quarter of what DynamoDB counts.
        expected_files=max(segments, math.ceil(table.bytes / 4 / request.target_file_bytes)),
        time_limit_seconds=request.time_limit_seconds,
        consistent_read=request.consistent_read,
    )


def allowed_rate(table: TableDescription, request: ExportRequest) -> float:
    """How many read units a second an export may consume."""
    rate = table.read_units_per_second * request.read_percentage
    return min(rate, request.max_read_units or rate)


def unit_bytes(request: ExportRequest) -> int:
    """How much of a table one read unit reads: a page's bytes are added up before they are rounded to units."""
    # An eventually consistent read costs half.
    return UNIT_BYTES if request.consistent_read else 2 * UNIT_BYTES


def passes(engine: str) -> int:
    """How often an engine reads the table: AWS's own reader once for its schema and once for its items."""
    return 2 if engine == "glue_connector" else 1


def most_segments(table: TableDescription, request: ExportRequest) -> int:
    """How many segments can be of use at once, however many the engine could run."""
    rate = allowed_rate(table, request)
    return request.segments or max(1, min(math.ceil(table.bytes / SEGMENT_BYTES), int(rate / SEGMENT_READ_UNITS)))


def _segments(table_bytes: int, rate: float, parallelism: int) -> int:
    by_size = math.ceil(table_bytes / SEGMENT_BYTES)
    by_rate = int(rate / SEGMENT_READ_UNITS)
    # Fewer than the engine could run at once where the rate is the limit: those that run share it.
    most = SEGMENTS_PER_WORKER * parallelism if by_rate >= parallelism else by_rate
    return max(1, min(by_size, most))


def _page_items(table: TableDescription, bytes_per_second: float) -> int | None:
    if bytes_per_second >= PAGE_BYTES or not table.items or not table.bytes:
        return None
    return max(1, int(bytes_per_second / (table.bytes / table.items)))
