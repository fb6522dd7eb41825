"""The manifest, the document that says a snapshot is complete, and the store that keeps and finds manifests in S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from dynamo_assets.errors import ManifestError
from dynamo_assets.export.labels import labels_below, last_label
from dynamo_assets.export.s3_files import read_if_there, read_object
from dynamo_assets.export.schema_changes import SchemaChanges
from dynamo_assets.naming import Layout, parse_snapshot

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

VERSION = 1
# S3 answers 412 where the object is another, 409 where somebody writes it at this moment, 404 where it is gone.
_CHANGED = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404"}


@dataclass(frozen=True)
class ManifestFile:
    """One data file.

    Attributes:
        key: Its key in the bucket.
        rows: How many it has.
        bytes: Its size.
        sha256: Of its content, in hex.
        checksum: The SHA-256 that S3 keeps beside the object, as S3 gives it: of a file that was uploaded in parts that
            of the parts' checksums. By it S3 tells what lies there now without the file being read. Empty where S3 kept
            none.
        etag: S3's entity tag, of an adopted file for which S3 keeps no such checksum: while it is the same, so is the
            content, and the file need not be read again.
    """

    key: str
    rows: int
    bytes: int
    sha256: str
    checksum: str = ""
    etag: str = ""


@dataclass(frozen=True)
class ManifestColumn:
    """One column.

    Attributes:
        name: The column's name in the catalog.
        attribute: The DynamoDB attribute it came from.
        type: Athena's type of the column in the raw table, such as `bigint` or `struct<city:string>`.
        dynamodb_types: How many values of each DynamoDB type were seen at top level, NULL included.
        encoding: What a text column's values are where they are not plain text: `dynamodb_json`, `base64`, or `csv`
            (see `dynamo_assets.export.formats.quoted_csv`).
        view_type: The type that the view gives the column, where that is another one.
        lossy: How many values lost digits in a conversion that the table's settings asked for.
        observed: All that was seen, nested values included; see `dynamo_assets.export.hint.document_of`.
        in_files: What the files call the column, where that is another name: in adopted ones the attribute's own.
    """

    name: str
    attribute: str
    type: str
    dynamodb_types: Mapping[str, int] = field(default_factory=dict)
    encoding: str = ""
    view_type: str = ""
    lossy: int = 0
    observed: Mapping[str, Any] = field(default_factory=dict)
    in_files: str = ""

    @property
    def file_name(self) -> str:
        """What the column is called in the files."""
        return self.in_files or self.name


@dataclass(frozen=True)
class Erased:
    """What was erased from a snapshot since it was taken.

    Attributes:
        rows: How many rows, all erasures together.
        at: When the last ones were.
        still_counted: The columns whose counts still have erased values in them, because files do not tell which.
    """

    rows: int
    at: str
    still_counted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Adopted:
    """That another program wrote the files, and where they lay before this one knew of them.

    Attributes:
        at: When it was adopted.
        by: Who did it.
        complete_by: What says that the files are all there: `_SUCCESS`, where the writer left that, or `person`.
    """

    at: str
    by: str
    complete_by: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is known of one complete snapshot. Times are UTC, ISO 8601 with `Z`.

    Attributes:
        attempt: Identifies the run that wrote it, so that a restarted engine can find the outcome of its own work.
        schema_changes: How its columns differ from those of the snapshot before it.
        serde_parameters: What the catalog must tell a reader of the files beside the format.
        keys: The table's key attributes and their types, the partition key first.
        shape: The options that decided which form values have in the files; see `ExportRequest.shape`.
        erased: What was erased since; `rows`, `bytes` and `files` are as they are without it.
        adopted: Set where another program wrote the files: they may lie outside the layout, at `location`, and of their
            columns no DynamoDB types are known.
    """

    version: int = VERSION
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
    schema_changes: SchemaChanges = field(default_factory=SchemaChanges)
    serde_parameters: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    shape: Mapping[str, Any] = field(default_factory=dict)
    erased: Erased | None = None
    adopted: Adopted | None = None

    @property
    def folder(self) -> str:
        """The key that all keys of its files begin with, a slash at its end."""
        return self.location.split("/", 3)[3]

    @property
    def file_format(self) -> str:
        """What reads the files: see `dynamo_assets.export.formats.file_format`."""
        if self.adopted is None or self.format not in {"csv", "json"}:
            return self.format
        escaped = self.format == "csv" and self.serde_parameters.get("escapeChar") == "\\"
        return f"adopted_{self.format}{'_escaped' if escaped else ''}"

    def to_json(self) -> bytes:
        """The document as it is stored."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Reads a stored document; keys that this version does not know are ignored.

        Raises:
            ManifestError: It is not a manifest, or one of a version that this package cannot read.
        """
        try:
            version = msgspec.json.decode(text, type=_Version).version
            if version == VERSION:
                return msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError as error:
            raise ManifestError(f"not a manifest: {error}") from error
        raise ManifestError(f"manifest of version {version!r}; this package reads version {VERSION}: upgrade it")


class _Version(msgspec.Struct):
    version: int


class ManifestStore:
    """The manifests of all tables below one bucket and prefix. A snapshot is complete when its manifest exists."""

    def __init__(self, s3: S3Client, layout: Layout, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self._s3 = s3
        self.layout = layout
        self._now = now

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
                Body=manifest.to_json(),
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
        body = read_if_there(self._s3, self.layout.bucket, key)
        if body is None:
            raise ManifestError(f"{name}: there is no complete snapshot {label} (no object {self.layout.uri(key)})")
        try:
            return Manifest.from_json(body)
        except ManifestError as error:
            raise ManifestError(f"{name}: {self.layout.uri(key)}: {error}") from error

    def document(self, name: str, label: str) -> tuple[bytes, str]:
        """A manifest as it is stored, and its entity tag.

        Raises:
            ManifestError: The snapshot is not complete.
        """
        key = self.layout.manifest_key(name, label)
        try:
            etag = self._s3.head_object(Bucket=self.layout.bucket, Key=key)["ETag"]
            return read_object(self._s3, self.layout.bucket, key, IfMatch=etag), etag
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"NoSuchKey", "404", "PreconditionFailed", "412"}:
                raise
            raise ManifestError(
                f"{name}: {self.layout.uri(key)} does not exist, or changed while it was read"
            ) from error

    def replace(self, name: str, label: str, document: bytes, etag: str) -> None:
        """Puts another manifest in one's place: of a snapshot from which items were erased, and for nothing else.

        Args:
            name: The table's catalog name.
            label: The snapshot's.
            document: The new one.
            etag: Of the old one.

        Raises:
            ManifestError: The manifest is not the old one any more.
        """
        key = self.layout.manifest_key(name, label)
        try:
            self._s3.put_object(
                Bucket=self.layout.bucket, Key=key, Body=document, ContentType="application/json", IfMatch=etag
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _CHANGED:
                raise
            # boto3 repeats a request whose answer was lost, and then meets its own first one.
            if not self.has(name, label) or read_object(self._s3, self.layout.bucket, key) != document:
                raise ManifestError(
                    f"{name}: {self.layout.uri(key)} was changed by somebody else at this moment"
                ) from error

    def has(self, name: str, label: str) -> bool:
        """Whether a snapshot is complete."""
        key = self.layout.manifest_key(name, label)
        return self._s3.list_objects_v2(Bucket=self.layout.bucket, Prefix=key, MaxKeys=1)["KeyCount"] > 0

    def labels(self, name: str, *, after: str | None = None) -> Iterator[str]:
        """The labels of a table's complete snapshots, oldest first.

        Args:
            name: The table's catalog name.
            after: Only labels greater than this. Labels sort as text, so S3 starts its listing there: looking for
                what came after the last one known never lists the whole history.
        """
        return labels_below(self._s3, self.layout.bucket, self.layout.manifests_prefix(name), after=after)

    def latest(self, name: str, *, after: str | None = None) -> str | None:
        """The newest complete snapshot's label, or None where there is none (after `after`).

        Without `after` it looks back a day, then ten, then a hundred, and only then through the whole history.
        """
        if after is not None:
            return max(self.labels(name, after=after), default=None)
        return self._last(name, self._now(), lambda _: True)

    def before(self, name: str, label: str) -> str | None:
        """The label of the last complete snapshot before an instant; it looks back as `latest` does."""
        return self._last(name, parse_snapshot(label), lambda found: found < label)

    def _last(self, name: str, instant: datetime, wanted: Callable[[str], bool]) -> str | None:
        return last_label(lambda after: takewhile(wanted, self.labels(name, after=after)), instant)
