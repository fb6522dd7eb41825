"""Asks what there is to read, and says what a run gets for it and what is expected of it, before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.engines.sizing import Limits, Size, duration_text, size_of
from dynamo_assets.engines.snapshot import Announce, Log, nobody
from dynamo_assets.engines.work import Work, scan_work
from dynamo_assets.errors import PlanError
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.table_description import TableDescription

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Sizer:
    """Sizes the runs of one table's exports.

    Attributes:
        dynamodb: Of the table's region.
        limits: Within what.
        announce: Is told what is expected; not of a conversion, which is part of what was expected of the whole.
    """

    dynamodb: DynamoDBClient
    limits: Limits
    announce: Announce = nobody

    def size(self, request: ExportRequest, engine: str, work: Work | None, log: Log) -> tuple[Size, dict[str, object]]:
        """What a run gets, and the metadata of that; both are told to the log.

        Args:
            request: What is asked for.
            engine: What runs it; `point_in_time` has conversions run by the others.
            work: What there is to read; without it DynamoDB is asked.
            log: Is told.
        """
        engine = "glue" if engine == "point_in_time" else engine
        work = work or self._scan(request, engine, log)
        size = size_of(work, engine, self.limits)
        log(f"Expected: {expectation(size)}")
        facts = size.facts()
        if work.billing_mode:
            facts["billing_mode"] = work.billing_mode
        if request.native_export is None:
            self.announce(facts)
        return size, facts

    def _scan(self, request: ExportRequest, engine: str, log: Log) -> Work:
        try:
            return scan_work(TableDescription.of(self.dynamodb, request.table), request, engine)
        except (PlanError, BotoCoreError, ClientError) as error:
            # The export asks too, under its own credentials: if that fails, its reason is the one that counts.
            log(f"{request.table} could not be described, so its run is not sized to it: {error}")
            return Work(0)


def expectation(size: Size) -> str:
    """One line for a person: how long, how much, why."""
    if size.seconds is None or size.cost_usd is None:
        return size.reason
    return f"{duration_text(size.seconds)}, ${size.cost_usd:,.4f}: {size.reason}"
