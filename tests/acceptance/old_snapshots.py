"""A table with snapshots of past days, and retention as the Dagster job runs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import dagster as dg
from botocore.client import BaseClient

from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.storage_formats import storage_descriptor, table_parameters
from dynamo_assets.definitions import build_definitions
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.naming import format_snapshot, snapshots_table
from dynamo_assets.verification.records import Record
from tests.acceptance.conftest import Pipeline

NOW = datetime.now(UTC).replace(microsecond=0)


def label(days_ago: float) -> str:
    return format_snapshot(NOW - timedelta(days=days_ago))


@dataclass
class OldSnapshots:
    """One table, whose newest snapshot a run has taken; the older ones are copies of it under older labels."""

    pipeline: Pipeline
    table: str

    @property
    def name(self) -> str:
        return self.pipeline.table(self.table).name

    @property
    def raw(self) -> str:
        return snapshots_table(self.name)

    @property
    def catalog(self) -> Catalog:
        return Catalog(self.pipeline.clients.glue, self.pipeline.database)

    @property
    def newest(self) -> Manifest:
        return self.pipeline.latest(self.table)

    def add(self, labels: Iterable[str], **changes: Any) -> list[str]:
        """Copies of the newest snapshot: files, manifests, claims and partitions."""
        labels, newest = list(labels), self.newest
        layout, s3 = self.pipeline.settings.layout, self.pipeline.clients.s3
        body = s3.get_object(Bucket=layout.bucket, Key=newest.files[0].key)["Body"].read()

        def one(each: str) -> Manifest:
            folder = layout.snapshot_prefix(self.name, each)
            file = replace(newest.files[0], key=f"{folder}part-0.parquet")
            copy = replace(newest, snapshot_timestamp=each, location=layout.uri(folder), files=(file,), **changes)
            self.put(file.key, body)
            self.put(layout.claim_key(self.name, each), b"{}")
            self.put(layout.manifest_key(self.name, each), copy.to_json())
            return copy

        with ThreadPoolExecutor(8) as pool:
            copies = list(pool.map(one, labels))
        columns = [(column.name, column.type) for column in newest.columns]
        self.catalog.register(
            self.raw,
            ((m.snapshot_timestamp, storage_descriptor(m.format, columns, m.location, {}), table_parameters(m.format))
             for m in copies),
        )  # fmt: skip
        return labels

    def put(self, key: str, body: bytes = b"x") -> None:
        self.pipeline.clients.s3.put_object(Bucket=self.pipeline.settings.storage.bucket, Key=key, Body=body)

    def verified(self, each: str) -> None:
        """Says that a snapshot passed its checks."""
        self.pipeline.records.write(Record.of(self.pipeline.manifests.read(self.name, each), []))

    def keys(self, *beginnings: str) -> list[str]:
        """What lies in the bucket, query results and code aside; only what concerns retention or is given."""
        bucket, found = self.pipeline.settings.storage.bucket, []
        for page in self.pipeline.clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            found += [entry.get("Key", "") for entry in page.get("Contents", [])]
        wanted = beginnings or (
            "snapshots_",
            "_manifests/",
            "_claims/",
            "_retired/",
            "_units/",
            "_native_exports/",
            "_verified/",
        )
        return [key for key in found if key.startswith(wanted)]

    def of(self, each: str) -> list[str]:
        """Everything that there is of one label."""
        return [key for key in self.keys() if each in key] + [each] * self.catalog.has_label(self.raw, each)

    def point_view_to(self, each: str) -> None:
        columns = ", ".join(f'"{column.name}"' for column in self.newest.columns)
        self.pipeline.query(
            f'CREATE OR REPLACE VIEW "{self.name}" AS SELECT {columns}, "snapshot_timestamp" '
            f'FROM "{self.raw}" WHERE "snapshot_timestamp" = \'{each}\''
        )

    def rows(self) -> dict[str, int]:
        """What Athena counts in the raw table, by snapshot."""
        return dict(self.pipeline.query(f'SELECT snapshot_timestamp, count(*) FROM "{self.raw}" GROUP BY 1'))  # pyright: ignore[reportReturnType]

    def run(self, *, dry_run: bool = False, tables: Sequence[str] = ()) -> dg.ExecuteInProcessResult:
        job = build_definitions(self.pipeline.settings).resolve_job_def("retention")
        config = {"dry_run": dry_run, "tables": list(tables)}
        return job.execute_in_process(
            run_config={"ops": {"remove_old_snapshots": {"config": config}}},
            instance=self.pipeline.instance,
            raise_on_error=False,
        )

    def observed(self, result: dg.ExecuteInProcessResult) -> dict[str, Any]:
        """What the table's snapshots show in the UI of a run."""
        [event] = [e for e in result.all_events if e.event_type_value == "ASSET_OBSERVATION"]
        observation = event.asset_observation_data.asset_observation
        assert observation.asset_key == dg.AssetKey(["s3", f"{self.name}_export"])
        return {name: value.value for name, value in observation.metadata.items()}

    @contextmanager
    def counted_calls(self) -> Iterator[Counter[str]]:
        """The calls of AWS that are made meanwhile, by operation."""
        calls: Counter[str] = Counter()
        make = BaseClient._make_api_call  # pyright: ignore[reportAttributeAccessIssue]

        def count(self: BaseClient, operation: str, parameters: Any) -> Any:
            calls[operation] += 1
            return make(self, operation, parameters)

        with patch.object(BaseClient, "_make_api_call", count):
            yield calls
