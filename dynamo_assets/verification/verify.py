"""Runs a table's checks of one snapshot and keeps the outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.verification.contents import check_conversions, check_schema, check_volume
from dynamo_assets.verification.files import check_files
from dynamo_assets.verification.finding import (
    CONVERSIONS,
    FILES,
    KEYS,
    SCHEMA,
    SOURCE,
    VOLUME,
    Finding,
)
from dynamo_assets.verification.folders import ROWS_IN_FOOTER, Folders
from dynamo_assets.verification.keys import check_keys
from dynamo_assets.verification.records import Record, Records
from dynamo_assets.verification.source import check_source


@dataclass(frozen=True)
class Verifier:
    """Verifies snapshots.

    Attributes:
        settings: Where everything is.
        aws: The clients.
        now: The wall clock.
    """

    settings: Settings
    aws: AwsClients
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def manifests(self) -> ManifestStore:
        """Which snapshots are complete."""
        return ManifestStore(self.aws.s3, self.settings.layout)

    @property
    def records(self) -> Records:
        """Which of them were verified."""
        return Records(self.aws.s3, self.settings.layout)

    def verify(self, table: Table, manifest: Manifest) -> Record:
        """Runs every check of a snapshot that its table has not turned off, and keeps what they found.

        Raises:
            botocore.exceptions.ClientError: S3 could not be read; nothing was kept, so that it is asked again.
        """
        record = Record.of(manifest, list(self._findings(table, manifest)))
        self.records.write(record)
        return record

    def _findings(self, table: Table, manifest: Manifest) -> Iterator[Finding]:
        bucket, levels = self.settings.storage.bucket, table.verification
        counted: dict[str, int] = {}
        if levels.keys != "off":
            # First: of formats without a footer it has counted the rows, too, which then need not be read twice.
            finding, rows = check_keys(self.aws.s3, bucket, manifest)
            counted = {} if manifest.format in ROWS_IN_FOOTER else rows
            yield finding if finding.level == "warn" else replace(finding, level=levels.keys)
        if levels.files != "off":
            sizes = Folders(self.aws.s3, self.manifests, table.name).sizes(manifest)
            yield replace(check_files(self.aws.s3, bucket, manifest, sizes, counted), level=levels.files)
        if levels.volume != "off":
            yield check_volume(manifest, self.records.before(table.name, manifest.snapshot_timestamp), table)
        if levels.source != "off":
            yield check_source(self.aws.dynamodb_of(table), manifest, self.now())
        if levels.schema_changes != "off":
            yield check_schema(manifest)
        if levels.conversions != "off":
            yield check_conversions(manifest)


def checks_of_snapshot(table: Table) -> list[tuple[str, bool]]:
    """The names of the checks that are run of a table's snapshots, and whether each may block."""
    levels = table.verification
    of = {
        FILES: levels.files,
        KEYS: levels.keys,
        VOLUME: levels.volume,
        SOURCE: levels.source,
        SCHEMA: levels.schema_changes,
        CONVERSIONS: levels.conversions,
    }
    return [(name, level.startswith("block")) for name, level in of.items() if level != "off"]
