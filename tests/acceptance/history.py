"""A table with a past: written to at known times, and what it held when."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dynamo_assets.naming import parse_slot
from tests.acceptance.conftest import Pipeline

HOURLY = "0 * * * *"


@dataclass
class History:
    """A table that was written to at full hours of the past, and what it held when."""

    pipeline: Pipeline
    table: str
    move: Callable[[float], datetime]
    hours: int
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    states: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.pipeline.table(self.table).name

    def slot(self, hours_ago: int) -> str:
        return (self.now - timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:00")

    def clock(self, instant: datetime) -> None:
        self.move(instant.timestamp() - time.time())

    def begin(self) -> None:
        """The table, with recovery on, a minute before the oldest slot."""
        self.clock(parse_slot(self.slot(self.hours)) - timedelta(minutes=1))
        self.pipeline.create_table(self.table)
        self.recover(True)

    def recover(self, on: bool) -> None:
        self.pipeline.endpoint.client("dynamodb").update_continuous_backups(
            TableName=self.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on}
        )

    def write(self) -> None:
        """Some writes half an hour before each slot; what is there at the slot is remembered."""
        random.seed(self.table)
        state: dict[str, int] = {}
        client = self.pipeline.endpoint.client("dynamodb")
        for hours_ago in range(self.hours, -1, -1):
            slot = self.slot(hours_ago)
            if hours_ago < self.hours:
                self.clock(parse_slot(slot) - timedelta(minutes=30))
            for _ in range(5):
                key = random.choice("abcdefg")
                if random.random() < 0.3:
                    client.delete_item(TableName=self.table, Key={"id": {"S": key}})
                    state.pop(key, None)
                else:
                    state[key] = random.randrange(1000)
                    self.pipeline.put(self.table, {"id": key, "n": state[key]})
            self.states[slot] = dict(state)
        self.clock(datetime.now(UTC))

    def snapshot(self, slot: str) -> dict[str, int]:
        """What Athena finds in the raw table's partition of a slot."""
        rows = self.pipeline.query(
            f"SELECT id, n FROM \"snapshots_{self.name}\" WHERE snapshot_timestamp = '{slot}:00'"
        )
        found = {str(key): int(n) for key, n in rows}
        assert len(found) == len(rows)
        return found

    def shown(self) -> str:
        ((label,),) = self.pipeline.query(f'SELECT DISTINCT snapshot_timestamp FROM "{self.name}"')
        return str(label)

    def exports(self) -> list[dict[str, Any]]:
        client = self.pipeline.endpoint.client("dynamodb")
        arn = client.describe_table(TableName=self.table)["Table"]["TableArn"]
        summaries = client.list_exports(TableArn=arn)["ExportSummaries"]
        return [client.describe_export(ExportArn=entry["ExportArn"])["ExportDescription"] for entry in summaries]

    def native_files(self) -> list[str]:
        listing = self.pipeline.clients.s3.list_objects_v2(
            Bucket=self.pipeline.settings.storage.bucket, Prefix="_native_exports/"
        )
        return [entry.get("Key", "") for entry in listing.get("Contents", [])]
