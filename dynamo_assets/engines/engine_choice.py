"""Engine `auto`: which of the others takes a snapshot, and why. Pure: what AWS says of the table is given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dynamo_assets.engines.sizing import Limits, Size, duration_text, full_export_size, size_of, size_text
from dynamo_assets.engines.work import Work, conversion_work, scan_work
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.table_description import TableDescription

IN_PROCESS, GLUE, POINT_IN_TIME = "in_process", "glue", "point_in_time"
IN_PROCESS_SECONDS = 900.0
"""An export in the Dagster run is lost with it, and few of them run at once: it should not take longer."""
SPARE = 1.5
"""What is expected is not certain: by so much the time limit must be longer."""


@dataclass(frozen=True)
class Situation:
    """What the choice rests on.

    Attributes:
        table: What DynamoDB says about the table.
        request: What is asked for.
        limits: How long it may take, and what AWS bills.
        in_process_below: Less than this, in bytes, is small enough for the Dagster run.
        unrecoverable: Why DynamoDB cannot export the slot's instant; empty where it can.
        slot_is_over: Whether the slot is one of the past, which no scan can show any more.
    """

    table: TableDescription
    request: ExportRequest
    limits: Limits
    in_process_below: float
    unrecoverable: str = ""
    slot_is_over: bool = False


@dataclass(frozen=True)
class EngineChoice:
    """An engine, and why it is this one.

    Attributes:
        engine: `in_process`, `glue` or `point_in_time`.
        reason: Why, and what the others would have taken.
        work: What it has to read; None where that was not asked for.
    """

    engine: str
    reason: str
    work: Work | None = None


@dataclass(frozen=True)
class _Option:
    engine: str
    work: Work
    size: Size
    objection: str = ""

    @property
    def cost(self) -> float:
        return self.size.cost_usd or 0.0

    @property
    def seconds(self) -> float:
        return self.size.seconds or 0.0

    def text(self) -> str:
        expected = f"{duration_text(self.seconds)}, ${self.cost:,.4f}" if self.size.seconds is not None else ""
        return f"{self.engine}: {', '.join(filter(None, (expected, self.objection)))}"


def choose_engine(situation: Situation) -> EngineChoice:
    """The cheapest engine that ends well within the time limit; of the past, the only one that can show it."""
    options = {option.engine: option for option in _options(situation)}
    if situation.slot_is_over:
        option = options[POINT_IN_TIME]
        return EngineChoice(
            POINT_IN_TIME, "the slot is over, and only DynamoDB's own export shows the past", option.work
        )
    if not situation.table.bytes:
        reason = "DynamoDB has not counted the table yet, so it may hold anything"
        return EngineChoice(GLUE, reason, options[GLUE].work)
    possible = [option for option in options.values() if not option.objection]
    if possible:
        best = min(possible, key=lambda option: (option.cost, option.seconds))
        why = "the cheapest that ends in time" if len(possible) > 1 else "the only one that ends in time"
    else:
        usable = [option for option in options.values() if _can_run(option, situation)]
        best = min(usable, key=lambda option: option.seconds)
        limit = duration_text(situation.limits.time_limit.total_seconds())
        why = f"none is expected to end well within time_limit, {limit}; this is the fastest"
    others = "; ".join(option.text() for option in options.values() if option is not best)
    return EngineChoice(best.engine, f"{why} ({best.text().partition(': ')[2]}). {others}", best.work)


def _options(situation: Situation) -> Iterator[_Option]:
    table, request, limits = situation.table, situation.request, situation.limits
    for engine in (IN_PROCESS, GLUE):
        work = scan_work(table, request, engine)
        size = size_of(work, engine, limits)
        yield _Option(engine, work, size, _too_much(engine, size, situation) or _too_long(size, limits))
    work = conversion_work(table.bytes, request.format, table.items)
    size = full_export_size(work, limits, on_glue=table.bytes >= situation.in_process_below)
    yield _Option(POINT_IN_TIME, work, size, _not_exported(situation) or _too_long(size, limits))


def _can_run(option: _Option, situation: Situation) -> bool:
    match option.engine:
        case "glue":
            return True
        case "point_in_time":
            return not _not_exported(situation)
        case _:
            return not _too_much(option.engine, option.size, situation)


def _too_much(engine: str, size: Size, situation: Situation) -> str:
    if engine != IN_PROCESS:
        return ""
    if situation.table.bytes >= situation.in_process_below:
        return f"{size_text(situation.table.bytes)} are too much for the Dagster run"
    return "too long for the Dagster run" if (size.seconds or 0) > IN_PROCESS_SECONDS else ""


def _not_exported(situation: Situation) -> str:
    # What DynamoDB exports is the table within a minute, and not what a strongly consistent read shows.
    return situation.unrecoverable or ("no consistent reads" if situation.request.consistent_read else "")


def _too_long(size: Size, limits: Limits) -> str:
    return "too long for time_limit" if (size.seconds or 0) * SPARE > limits.time_limit.total_seconds() else ""
