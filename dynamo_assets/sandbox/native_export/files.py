"""The files of a native export, as DynamoDB lays them in the bucket.

    <prefix>/AWSDynamoDB/<ExportId>/_started                            empty; shows that the bucket can be written
    <prefix>/AWSDynamoDB/<ExportId>/data/<name>.json.gz                 a full export's items, one in each line
    <prefix>/AWSDynamoDB/data/<name>.json.gz                            an incremental export's changes, likewise
    <prefix>/AWSDynamoDB/<ExportId>/manifest-files.json, .md5           JSON lines: a data file in each
    <prefix>/AWSDynamoDB/<ExportId>/manifest-summary.json, .md5

AWS's guide ("DynamoDB table export output format") calls the checksum files `.checksum`. What DynamoDB really writes
is `.md5`: the listings of real exports show it, ScyllaDB's tests, which were run against AWS, require it
(scylladb/scylladb, test/alternator/test_export.py), and AWS's own loader reads it (awslabs/amazon-dynamodb-tools,
bulk_executor). They hold the MD5 in base64. `dataFileS3Key` counts from the bucket's root.

An incremental export's lines have `Metadata`, `Keys` and the images: of an insert the new one, of an update both, of
a delete the old one (`NEW_IMAGE`: none); an item that came and went within the period leaves no line. These are the
guide's rules; that `WriteTimestampMicros` is a number in DynamoDB JSON, `{"N": "..."}`, is what public readers parse.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.s3.models import S3Backend

from dynamo_assets.sandbox.dynamodb.hash_space import HASH_SPACE
from dynamo_assets.sandbox.dynamodb.write_log import Change, Image, encode


@dataclass(frozen=True)
class Line:
    """One line of a data file, and where its item falls in the hash space."""

    position: int
    json: bytes


@dataclass(frozen=True)
class Destination:
    """Where an export goes.

    Attributes:
        s3: moto's S3.
        bucket: Its name; whether it exists shows with the first file.
        root: `<prefix>/AWSDynamoDB`.
        export_id: The export's own folder in it.
        encryption: What `PutObject` would be asked for.
    """

    s3: S3Backend
    bucket: str
    root: str
    export_id: str
    encryption: dict[str, Any]

    def put(self, key: str, content: bytes) -> str:
        """Writes one object; returns its entity tag, without quotes."""
        stored = self.s3.put_object(self.bucket, key, content, **self.encryption)
        return str(stored.etag).strip('"')

    def put_manifest(self, stem: str, content: bytes) -> None:
        """Writes a manifest and its checksum."""
        folder = f"{self.root}/{self.export_id}"
        self.put(f"{folder}/{stem}.json", content)
        self.put(f"{folder}/{stem}.md5", md5_base64(content).encode())

    @property
    def files_manifest_key(self) -> str:
        """What the summary names as `manifestFilesS3Key`."""
        return f"{self.root}/{self.export_id}/manifest-files.json"

    @property
    def summary_key(self) -> str:
        """What `DescribeExport` gives as `ExportManifest`."""
        return f"{self.root}/{self.export_id}/manifest-summary.json"


def md5_base64(content: bytes) -> str:
    """A file's checksum as the manifests have it."""
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def item_line(position: int, image: Image) -> Line:
    """A full export's line."""
    return Line(position, b'{"Item":' + image.json + b"}")


def change_line(change: Change, view: str) -> Line:
    """An incremental export's line.

    Args:
        change: What became of the item.
        view: `NEW_IMAGE` or `NEW_AND_OLD_IMAGES`.
    """
    parts = [
        b'"Metadata":' + encode({"WriteTimestampMicros": {"N": str(change.stamp)}}),
        b'"Keys":' + encode(change.keys),
    ]
    if change.old and view == "NEW_AND_OLD_IMAGES":
        parts.append(b'"OldImage":' + change.old.json)
    if change.new:
        parts.append(b'"NewImage":' + change.new.json)
    return Line(change.position, b"{" + b",".join(parts) + b"}")


def write_data(destination: Destination, lines: Sequence[Line], partitions: int, *, shared_folder: bool) -> None:
    """Writes `_started`, a data file for each partition, some of them perhaps empty, and the files' manifest.

    Args:
        destination: Where to.
        lines: All of them.
        partitions: How many equal ranges of the hash space the table's partitions are.
        shared_folder: Whether data goes to the folder that all exports of the prefix share: an incremental export's.
    """
    destination.put(f"{destination.root}/{destination.export_id}/_started", b"")
    folder = f"{destination.root}/data" if shared_folder else f"{destination.root}/{destination.export_id}/data"
    shares: list[list[bytes]] = [[] for _ in range(partitions)]
    for line in lines:
        shares[line.position * partitions // HASH_SPACE].append(line.json + b"\n")
    entries: list[bytes] = []
    for share in shares:
        content = gzip.compress(b"".join(share))
        # Names like AWS's: 26 characters of lower-case base32.
        name = base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
        key = f"{folder}/{name}.json.gz"
        etag = destination.put(key, content)
        entry = {"itemCount": len(share), "md5Checksum": md5_base64(content), "etag": etag, "dataFileS3Key": key}
        entries.append(json.dumps(entry).encode() + b"\n")
    destination.put_manifest("manifest-files", b"".join(entries))


def write_summary(destination: Destination, described: Mapping[str, Any]) -> None:
    """Writes the summary manifest: the export is complete.

    Args:
        destination: Where to.
        described: The `ExportDescription` of the completed export.
    """
    period = described.get("IncrementalExportSpecification")
    if period is None:
        version, kind = "2020-06-30", {"exportType": "FULL_EXPORT"}
        moments = {"exportTime": described["ExportTime"]}
    else:
        version, kind = "2023-08-01", {"outputView": period["ExportViewType"], "exportType": "INCREMENTAL_EXPORT"}
        moments = {"exportFromTime": period["ExportFromTime"], "exportToTime": period["ExportToTime"]}
    summary = {
        "version": version,
        "exportArn": described["ExportArn"],
        "startTime": described["StartTime"],
        "endTime": described["EndTime"],
        "tableArn": described["TableArn"],
        "tableId": described["TableId"],
        **moments,
        "s3Bucket": described["S3Bucket"],
        "s3Prefix": described.get("S3Prefix"),
        "s3SseAlgorithm": described["S3SseAlgorithm"],
        "s3SseKmsKeyId": described.get("S3SseKmsKeyId"),
        "manifestFilesS3Key": destination.files_manifest_key,
        "billedSizeBytes": described["BilledSizeBytes"],
        "itemCount": described["ItemCount"],
        "outputFormat": described["ExportFormat"],
        **kind,
    }
    destination.put_manifest("manifest-summary", json.dumps(summary, default=_moment).encode())


def _moment(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds") + "Z"
