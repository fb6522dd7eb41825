"""The manifest, the document that says a snapshot is complete, and the store that keeps and finds manifests in S3."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dynamo_assets.errors import ManifestError
from dynamo_assets.naming import Layout

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

VERSION = 1


@dataclass(frozen=True)
class ManifestFile:
    """One data file: its key in the bucket, rows, bytes and SHA-256 (hex)."""

    key: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class ManifestColumn:
    """One column.

    Attributes:
        name: The column's name in the catalog.
        attribute: The DynamoDB attribute it came from.
        type: Athena's type, such as `bigint` or `struct<city:string>`.
        dynamodb_types: How many values of each DynamoDB type were seen at top level, NULL included.
        lossy: How many values lost digits in a conversion that the table's settings asked for.
    """

    name: str
    attribute: str
    type: str
    dynamodb_types: Mapping[str, int] = field(default_factory=dict)
    lossy: int = 0


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is known of one complete snapshot. Times are UTC, ISO 8601 with `Z`.

    Attributes:
        attempt: Identifies the run that wrote it, so that a restarted engine can find the outcome of its own work.
    """

    table: str
    name: str
    snapshot_timestamp: str
    slot: str | None
    engine: str
    format: str
    location: str
    started_at: str
    finished_at: str
    rows: int
    bytes: int
    files: tuple[ManifestFile, ...]
    columns: tuple[ManifestColumn, ...]
    read: Mapping[str, Any]
    attempt: str = ""
    version: int = VERSION

    def to_json(self) -> str:
        """The document as it is stored."""
        document = asdict(self)
        return json.dumps({"version": document.pop("version"), **document}, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Reads a stored document; keys that this version does not know are ignored.

        Raises:
            ManifestError: It is not a manifest, or one of a version that this package cannot read.
        """
        try:
            document = json.loads(text)
            if document["version"] != VERSION:
                raise ManifestError(
                    f"manifest of version {document['version']!r}; this package reads version {VERSION}: upgrade it"
                )
            known = {f.name for f in fields(cls)}
            values = {key: value for key, value in document.items() if key in known}
            values["files"] = tuple(ManifestFile(**_known(ManifestFile, entry)) for entry in values["files"])
            values["columns"] = tuple(ManifestColumn(**_known(ManifestColumn, entry)) for entry in values["columns"])
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise ManifestError(f"not a manifest: {error!r}") from error


def _known(kind: type, entry: Mapping[str, Any]) -> dict[str, Any]:
    names = {f.name for f in fields(kind)}
    return {key: value for key, value in entry.items() if key in names}


class ManifestStore:
    """The manifests of all tables below one bucket and prefix. A snapshot is complete when its manifest exists."""

    def __init__(self, s3: S3Client, layout: Layout):
        self._s3 = s3
        self.layout = layout

    def write(self, manifest: Manifest) -> str:
        """Commits a snapshot. Its data files must all exist; nothing may be written to its folder afterwards.

        Returns:
            The manifest's key.

        Raises:
            ManifestError: The snapshot has a manifest already: another attempt owns this label.
        """
        key = self.layout.manifest_key(manifest.name, manifest.snapshot_timestamp)
        try:
            self._s3.put_object(
                Bucket=self.layout.bucket,
                Key=key,
                Body=manifest.to_json().encode(),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise
            raise ManifestError(
                f"table {manifest.table}: snapshot {manifest.snapshot_timestamp} already has a manifest at "
                f"{self.layout.uri(key)}; a complete snapshot is never written again"
            ) from error
        return key

    def read(self, name: str, label: str) -> Manifest:
        """The manifest of one snapshot.

        Raises:
            ManifestError: The snapshot is not complete, or its manifest cannot be read.
        """
        key = self.layout.manifest_key(name, label)
        try:
            body = self._s3.get_object(Bucket=self.layout.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"NoSuchKey", "404"}:
                raise
            raise ManifestError(
                f"{name}: there is no complete snapshot {label} (no object {self.layout.uri(key)})"
            ) from error
        try:
            return Manifest.from_json(body)
        except ManifestError as error:
            raise ManifestError(f"{name}: {self.layout.uri(key)}: {error}") from error

    def labels(self, name: str, *, after: str | None = None) -> Iterator[str]:
        """The labels of a table's complete snapshots, oldest first.

        Args:
            name: The table's catalog name.
            after: Only labels greater than this. Labels sort as text, so S3 starts its listing there: looking for
                what came after the last one known never lists the whole history.
        """
        prefix = self.layout.manifests_prefix(name)
        start: dict[str, Any] = {"StartAfter": f"{prefix}{after}.json"} if after else {}
        paginator = self._s3.get_paginator("list_objects_v2")
        for page in paginator.paginate(Bucket=self.layout.bucket, Prefix=prefix, **start):
            for entry in page.get("Contents", []):
                label = entry.get("Key", "")[len(prefix) :]
                if label.endswith(".json") and "/" not in label:
                    yield label.removesuffix(".json")

    def latest(self, name: str, *, after: str | None = None) -> str | None:
        """The newest complete snapshot's label, or None where there is none (after `after`)."""
        newest = None
        for label in self.labels(name, after=after):
            newest = label
        return newest
