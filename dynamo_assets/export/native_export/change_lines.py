"""The lines of incremental exports: each says what became of one item within the export's period.

    {"Metadata":{...},"Keys":{...},"OldImage":{...},"NewImage":{...}}

An item that came has no old image, one that went no new one (developer guide, "DynamoDB table export output format").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from dynamo_assets.errors import IntegrityError
from dynamo_assets.export.native_export.data_files import verified_lines
from dynamo_assets.export.native_export.manifests import ExportedFile
from dynamo_assets.export.supervision import Supervisor

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


NO_IMAGE = msgspec.Raw()


class Change(msgspec.Struct, gc=False):
    """One line. An image that there is not is empty."""

    Keys: dict[str, dict[str, str]]
    OldImage: msgspec.Raw = NO_IMAGE
    NewImage: msgspec.Raw = NO_IMAGE

    @property
    def old(self) -> bytes:
        """The item as it was before the period; empty where there was none."""
        return bytes(self.OldImage)

    @property
    def new(self) -> bytes:
        """The item as it was at the period's end; empty where there was none any more."""
        return bytes(self.NewImage)


_CHANGES = msgspec.json.Decoder(Change)


def changes_in(
    s3: S3Client, bucket: str, files: Iterable[ExportedFile], supervisor: Supervisor
) -> Iterator[list[Change]]:
    """The changes in some data files, some at a time. Of a file that is not whole there is none.

    Args:
        s3: Where the files lie.
        bucket: Their bucket.
        files: What the export's manifest says of them.
        supervisor: Hears that it goes on.

    Raises:
        IntegrityError: A file is missing, is not what the manifest says, or has a line of another form.
    """
    for file in files:
        for lines in verified_lines(s3, bucket, file, supervisor):
            try:
                yield _CHANGES.decode_lines(lines)
            except msgspec.DecodeError as error:
                raise IntegrityError(
                    f"s3://{bucket}/{file.key} has a line that is no change: {error}; a full export is needed"
                ) from error
