"""What Dagster is told of adopted snapshots: each once, and never over a newer one."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from dynamo_assets.adoption.dagster_events import DagsterEvents
from dynamo_assets.configuration.settings import Partitions, Settings, Storage
from dynamo_assets.export.manifest import Adopted, Manifest

SETTINGS = Settings(
    storage=Storage(bucket="a-bucket"), partitions=Partitions(start=datetime(2019, 10, 1, tzinfo=UTC)), tables=[]
)


def adopted(label: str, slot: str | None) -> Manifest:
    return Manifest(
        table="Orders", name="orders", snapshot_timestamp=label, slot=slot, engine="adopted", format="csv",
        location=f"s3://a-bucket/old/snapshot_timestamp={label[:16]}/", started_at="", finished_at="", rows=1, bytes=2,
        files=(), columns=(), read={}, adopted=Adopted("", "", "person"),
    )  # fmt: skip


def test_a_slot_shows_its_newest_snapshot_and_is_told_of_each_once() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        events = DagsterEvents(instance, SETTINGS)
        slot = "2019-10-02T10:00"
        for label, told in (
            ("2019-10-02T11:00:00", f"slot {slot}"),
            ("2019-10-02T12:00:00", f"slot {slot}"),
            ("2019-10-02T11:00:00", f"slot {slot}"),
            ("2019-10-02T10:00:00", f"slot {slot}, which shows 2019-10-02T12:00:00"),
        ):
            assert events.report(adopted(label, slot), verified=True) == told
        assert "before partitions.start" in events.report(
            adopted("2019-09-30T10:00:00", "2019-09-30T10:00"), verified=True
        )
        assert "never ticked" in events.report(adopted("2019-10-02T10:00:00", None), verified=True)
        records = instance.fetch_materializations(dg.AssetKey(["s3", "orders_export"]), limit=10).records
        found = [record.asset_materialization for record in records if record.asset_materialization]
        assert [(each.partition, each.metadata["snapshot_timestamp"].value) for each in found] == [
            (slot, "2019-10-02T12:00:00"),
            (slot, "2019-10-02T11:00:00"),
        ]
