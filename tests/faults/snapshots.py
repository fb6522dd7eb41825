"""What somebody finds who reads a snapshot as the crawler and Athena do: everything that lies in its folder."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from dynamo_assets.export import ExportRequest, Manifest, ManifestColumn, ManifestStore


@dataclass(frozen=True)
class Snapshot:
    """What must not depend on the faults that were met on the way.

    Attributes:
        rows: All rows, by their keys; one list entry for each row of the files.
        columns: As the manifest describes them.
        counts: Its rows, and what it says of reading.
    """

    rows: Sequence[Mapping[str, Any]]
    columns: Sequence[ManifestColumn]
    counts: Mapping[str, Any]


@dataclass(frozen=True)
class Exports:
    """The exports of one request: what lies below its prefix in its bucket.

    Attributes:
        s3: Reaches the sandbox without any proxy.
    """

    s3: Any
    request: ExportRequest

    def keys(self, prefix: str = "") -> list[str]:
        """All keys below the request's own prefix, as S3 has them."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.request.bucket, Prefix=f"{self.request.prefix}/{prefix}"
        )
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def labels(self) -> list[str]:
        """The complete snapshots."""
        return list(self._store().labels(self.request.name))

    def manifest(self) -> Manifest:
        """The newest snapshot's."""
        return self._store().read(self.request.name, self.labels()[-1])

    def newest(self) -> Snapshot:
        """The newest snapshot; fails unless its files are what its manifest says, and nothing else is in its folder."""
        return self.read(self.manifest())

    def read(self, manifest: Manifest, *, removed: bool = True) -> Snapshot:
        """A snapshot, checked against its manifest.

        Args:
            manifest: The snapshot's.
            removed: Whether what was made on the way to it must be gone.
        """
        bucket = self.request.bucket
        folder = self.request.layout.snapshot_prefix(manifest.name, manifest.snapshot_timestamp)
        assert manifest.location == f"s3://{bucket}/{folder}"
        listed = self.keys(folder.removeprefix(f"{self.request.prefix}/"))
        assert listed == [file.key for file in manifest.files]
        if removed:
            assert self.keys(f"_units/snapshots_{manifest.name}/{manifest.snapshot_timestamp}/") == []
        rows: list[dict[str, Any]] = []
        missing = dict.fromkeys(column.name for column in manifest.columns)
        for file in manifest.files:
            data = self.s3.get_object(Bucket=bucket, Key=file.key)["Body"].read()
            assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
            found = _rows(data, manifest.format)
            assert file.rows == len(found)
            rows += [{**missing, **row} for row in found]
        assert manifest.rows == len(rows)
        assert manifest.bytes == sum(file.bytes for file in manifest.files)
        rows.sort(key=lambda row: (row["orderid"], row["line"]))
        return Snapshot(rows, manifest.columns, {"rows": manifest.rows, **manifest.read})

    def assert_nothing_but(self, labels: Sequence[str]) -> None:
        """Fails unless these snapshots are all there is: with their claims, and no stray file, claim or unit."""
        store = self._store()
        files = [file.key for label in labels for file in store.read(self.request.name, label).files]
        layout, name = self.request.layout, self.request.name
        claims = [layout.claim_key(name, label) for label in labels]
        assert self.keys() == sorted([*files, *claims, *(layout.manifest_key(name, label) for label in labels)])

    def _store(self) -> ManifestStore:
        return ManifestStore(self.s3, self.request.layout)


def _rows(data: bytes, format: str) -> list[dict[str, Any]]:
    if format == "json":
        return [json.loads(line, parse_float=str) for line in gzip.decompress(data).splitlines()]
    return pq.read_table(io.BytesIO(data)).to_pylist()
