"""Snapshots and views by hand: manifests in S3 and views in the catalog, as the pipeline leaves them, and no data."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.views import view_query
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.freshness.sensor import freshness_sensor
from dynamo_assets.naming import format_snapshot
from dynamo_assets.publishing.pins import Pin, Pins
from dynamo_assets.verification.finding import Finding
from dynamo_assets.verification.records import Record, Records
from tests.export.manifests import snapshot_of


def ago(**age: float) -> str:
    """The label of a snapshot that is so old now, give or take half a minute."""
    return format_snapshot(datetime.now(UTC) - timedelta(**age))


@dataclass
class Lake:
    """A bucket and a database; what the sensor says of them, tick after tick."""

    settings: Settings
    clients: AwsClients = field(default_factory=AwsClients)
    cursor: str | None = None

    def create(self) -> None:
        self.clients.s3.create_bucket(Bucket=self.settings.storage.bucket)
        self.clients.glue.create_database(DatabaseInput={"Name": self.database})

    @property
    def database(self) -> str:
        return self.settings.catalog.database

    def table(self, name: str) -> Table:
        return next(table for table in self.settings.tables if table.table == name)

    def snapshot(self, name: str, label: str, rows: int = 1, like: Manifest | None = None) -> None:
        """A complete snapshot."""
        layout, table = self.settings.layout, self.table(name)
        manifest = replace(
            like or snapshot_of(layout, label), table=name, name=table.name, snapshot_timestamp=label, rows=rows
        )
        ManifestStore(self.clients.s3, layout).write(manifest)

    def forget(self, name: str, label: str) -> None:
        """Removes its manifest."""
        layout = self.settings.layout
        self.clients.s3.delete_object(Bucket=layout.bucket, Key=layout.manifest_key(self.table(name).name, label))

    def show(self, name: str, label: str) -> None:
        """The view, as publishing leaves it."""
        table = self.table(name).name
        self.put_view(table, view_query(self.database, table, ['"id"'], label))

    def put_view(self, name: str, sql: str) -> None:
        text = base64.b64encode(json.dumps({"originalSql": sql}).encode()).decode()
        self.put_table({"Name": name, "TableType": "VIRTUAL_VIEW", "ViewOriginalText": f"/* Presto View: {text} */"})

    def put_table(self, definition: Any) -> None:
        definition = {"StorageDescriptor": {"Columns": [{"Name": "id", "Type": "string"}]}, **definition}
        glue = self.clients.glue
        if Catalog(glue, self.database).table(definition["Name"]):
            glue.update_table(DatabaseName=self.database, TableInput=definition)
        else:
            glue.create_table(DatabaseName=self.database, TableInput=definition)

    def drop(self, name: str) -> None:
        self.clients.glue.delete_table(DatabaseName=self.database, Name=self.table(name).name)

    def pin(self, name: str, label: str) -> None:
        """A pin by catalog name or set's name."""
        pin = Pin(
            name=name, snapshot_timestamp=label, pinned_at="2026-11-20T08:00:00Z", by="ada", reason="wrong totals"
        )
        Pins(self.clients.s3, self.settings.layout).set(pin)

    def unpin(self, name: str) -> None:
        Pins(self.clients.s3, self.settings.layout).remove(name)

    def reject(self, name: str, label: str, text: str) -> None:
        manifest = snapshot_of(self.settings.layout, label)
        record = Record.of(replace(manifest, table=name, name=self.table(name).name), [Finding("volume", False, text)])
        Records(self.clients.s3, self.settings.layout).write(record)

    def tick(self) -> Tick:
        """One tick of the sensor, with the cursor of the last one."""
        context = dg.build_sensor_context(cursor=self.cursor, resources={"aws": self.clients})
        result = freshness_sensor(self.settings)(context)
        if isinstance(result, dg.SensorResult):
            self.cursor = result.cursor
            return Tick([*result.asset_events])
        assert isinstance(result, dg.SkipReason)
        self.cursor = context.cursor
        return Tick([])


@dataclass
class Tick:
    """What the sensor said."""

    events: list[Any]

    @property
    def names(self) -> set[str]:
        return {event.asset_key.path[-1] for event in self.events}

    def observed(self, name: str) -> dg.AssetObservation:
        [found] = [event for event in self._of(name) if isinstance(event, dg.AssetObservation)]
        return found

    def checked(self, name: str) -> dg.AssetCheckEvaluation:
        [found] = [event for event in self._of(name) if isinstance(event, dg.AssetCheckEvaluation)]
        return found

    def value(self, name: str, key: str) -> Any:
        """An entry of the observation's metadata."""
        return self.observed(name).metadata[key].value

    def _of(self, name: str) -> list[Any]:
        return [event for event in self.events if event.asset_key.path[-1] == name]
