"""Engine `auto`: looks at the table, chooses another engine, and has it take the snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dynamo_assets.aws.recovery import recoverable_from
from dynamo_assets.engines.engine_choice import GLUE, IN_PROCESS, POINT_IN_TIME, EngineChoice, Situation, choose_engine
from dynamo_assets.engines.glue import GlueEngine
from dynamo_assets.engines.point_in_time import PointInTimeEngine
from dynamo_assets.engines.snapshot import Engine, Log, Snapshot
from dynamo_assets.engines.work import Work
from dynamo_assets.errors import PlanError, SlotError
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.naming import format_snapshot, parse_slot

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class AutoEngine:
    """Has the engine take a snapshot that fits the table, the slot and the limits.

    Attributes:
        dynamodb: Says what the table is.
        in_process: For small tables.
        glue: For scans of large ones.
        point_in_time: For tables whose scan would take or cost more, and for slots of the past.
    """

    dynamodb: DynamoDBClient
    in_process: Engine
    glue: GlueEngine
    point_in_time: PointInTimeEngine

    def take_snapshot(
        self, request: ExportRequest, *, before_start: Callable[[], None], log: Log, work: Work | None = None
    ) -> Snapshot:
        """See `Engine.take_snapshot`. `before_start` refuses slots of the past: only scans are asked to heed it.

        Raises:
            SlotError: The slot is over, and DynamoDB cannot export the past of this table.
            PlanError: There is no such table.
            DynamoAssetsError: What the chosen engine raises.
        """
        choice = self._begun(request) or self._choose(request, before_start)
        log(f"Engine {choice.engine}: {choice.reason}")
        engines = {IN_PROCESS: self.in_process, GLUE: self.glue, POINT_IN_TIME: self.point_in_time}
        heeded = _nothing if choice.engine == POINT_IN_TIME else before_start
        taken = engines[choice.engine].take_snapshot(
            replace(request, engine=choice.engine), before_start=heeded, log=log, work=choice.work or work
        )
        return Snapshot(taken.manifest, {"engine_chosen_because": choice.reason, **taken.facts})

    def _begun(self, request: ExportRequest) -> EngineChoice | None:
        """What an earlier run has begun for this slot is attached to, whatever would be chosen now."""
        if run := self.glue.in_flight(request):
            of_export = {"--native_export", "--base_snapshot"} & run.arguments.keys()
            return EngineChoice(POINT_IN_TIME if of_export else GLUE, f"its Glue run {run.run_id} is in flight")
        if self.point_in_time.has_begun(request):
            return EngineChoice(POINT_IN_TIME, "DynamoDB's export of this slot has begun, and is paid for")
        return None

    def _choose(self, request: ExportRequest, before_start: Callable[[], None]) -> EngineChoice:
        over: SlotError | None = None
        try:
            before_start()
        except SlotError as error:
            over = error
        why_not = self._unrecoverable(request, over)
        situation = Situation(
            table=TableDescription.of(self.dynamodb, request.table),
            request=request,
            limits=self.point_in_time.limits,
            in_process_below=self.point_in_time.in_process_below,
            unrecoverable=why_not,
            slot_is_over=over is not None,
        )
        return choose_engine(situation)

    def _unrecoverable(self, request: ExportRequest, over: SlotError | None) -> str:
        """Why DynamoDB cannot export the slot's instant; of the past that is an error."""
        try:
            earliest = recoverable_from(self.dynamodb, request.table)
        except PlanError as error:
            if over:
                raise SlotError(f"{over} Whether DynamoDB could export the past is not known: {error}") from error
            return f"not possible: {error}"
        if earliest is None:
            if over:
                raise SlotError(f"{over} Point-in-time recovery, which could show the past, is off")
            return "point-in-time recovery is off"
        instant = parse_slot(request.slot or "")
        if over is None and not earliest <= instant <= datetime.now(UTC):
            return f"point-in-time recovery begins at {format_snapshot(earliest)}"
        # Of the past the engine itself says what lies before the window.
        return ""


def _nothing() -> None:
    pass
