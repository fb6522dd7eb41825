"""What is asked of DynamoDB when it is to export a table: the request, its token, and whether an export answers it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class WantedExport:
    """What is asked of DynamoDB.

    Attributes:
        table: The table's name or ARN, for messages.
        table_arn: Its ARN.
        until: The instant whose state is wanted, or up to which changes are.
        bucket: Where to.
        prefix: Begins every key; no slash at its end.
        since: From when on changes are wanted; None for the whole state.
        bucket_owner: The account that owns the bucket, where it is not the table's.
        kms_key: The key that encrypts the files; the bucket's own encryption where None.
    """

    table: str
    table_arn: str
    until: datetime
    bucket: str
    prefix: str
    since: datetime | None = None
    bucket_owner: str | None = None
    kms_key: str | None = None

    def parameters(self) -> dict[str, Any]:
        """Of `ExportTableToPointInTime`, but for the client token."""
        wanted: dict[str, Any] = {
            "TableArn": self.table_arn,
            "S3Bucket": self.bucket,
            "S3Prefix": self.prefix,
            "ExportFormat": "DYNAMODB_JSON",
        }
        if self.since is None:
            wanted |= {"ExportType": "FULL_EXPORT", "ExportTime": self.until}
        else:
            period = {
                "ExportFromTime": self.since,
                "ExportToTime": self.until,
                "ExportViewType": "NEW_AND_OLD_IMAGES",
            }
            wanted |= {"ExportType": "INCREMENTAL_EXPORT", "IncrementalExportSpecification": period}
        if self.bucket_owner:
            wanted["S3BucketOwner"] = self.bucket_owner
        if self.kms_key:
            wanted |= {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": self.kms_key}
        return wanted

    def token(self, failed: int) -> str:
        """The client token: the same for the same export, another one after an export that failed.

        A token is valid for eight hours, and refused with other parameters (API reference, ExportTableToPointInTime).
        """
        text = json.dumps([self.parameters(), failed], sort_keys=True, default=datetime.isoformat)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def is_described_by(self, description: Mapping[str, Any]) -> bool:
        """Whether an export is of the same instant or period, into the same folder."""
        period = description.get("IncrementalExportSpecification", {})
        until = description.get("ExportTime") or period.get("ExportToTime")
        return (
            description.get("TableArn") == self.table_arn
            and description.get("S3Prefix") == self.prefix
            and until == self.until
            and period.get("ExportFromTime") == self.since
        )
