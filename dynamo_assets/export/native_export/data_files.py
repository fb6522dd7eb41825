"""Data files of a native export as units of the export core: fetched, verified, then read."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore import exceptions as boto

from dynamo_assets.errors import IntegrityError
from dynamo_assets.export.clients import Clients
from dynamo_assets.export.native_export.lines import chunks_of_lines, page_of_items
from dynamo_assets.export.native_export.manifests import ExportedFile
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.source import Page
from dynamo_assets.export.supervision import Supervisor

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FETCH_ATTEMPTS = 5
FETCH_BYTES = 1024 * 1024


@dataclass(frozen=True)
class DataFiles:
    """Some data files of a full export, read one after another: one unit, so that small ones end up in one file.

    Attributes:
        number: From 0; part of the names of the files that are made of them.
        files: The files.
    """

    number: int
    files: tuple[ExportedFile, ...]

    @property
    def part(self) -> str:
        """See `dynamo_assets.export.unit.PagesUnit`."""
        return f"part-{self.number:05d}"

    def pages(self, clients: Clients, request: ExportRequest, supervisor: Supervisor) -> Iterator[Page]:
        """See `dynamo_assets.export.unit.PagesUnit`.

        Raises:
            IntegrityError: A file is not what the manifest says.
        """
        for file in self.files:
            name = f"s3://{request.bucket}/{file.key}"
            for lines in verified_lines(clients.s3, request.bucket, file, supervisor):
                yield page_of_items(lines, name)


def verified_lines(s3: S3Client, bucket: str, file: ExportedFile, supervisor: Supervisor) -> Iterator[bytes]:
    """The lines of a data file, in chunks. Nothing is given before the whole file has the MD5 of the manifest.

    Args:
        s3: Where it lies.
        bucket: Its bucket.
        file: What the manifest says of it.
        supervisor: Hears that fetching goes on.

    Raises:
        IntegrityError: It is missing, is not what the manifest says, or has another number of lines.
    """
    name = f"s3://{bucket}/{file.key}"
    with tempfile.TemporaryDirectory(prefix="dynamo-assets-export-") as folder:
        path = Path(folder, "data.json.gz")
        _fetch(s3, bucket, file, path, supervisor)
        found = 0
        for lines in chunks_of_lines(path, name):
            found += lines.count(b"\n")
            yield lines
    if found != file.items:
        raise IntegrityError(f"{name} has {found} lines, and its manifest says {file.items}; export that instant again")


def _fetch(s3: S3Client, bucket: str, file: ExportedFile, path: Path, supervisor: Supervisor) -> None:
    name = f"s3://{bucket}/{file.key}"
    problem: object = None
    for _ in range(FETCH_ATTEMPTS):
        digest = hashlib.md5(usedforsecurity=False)
        try:
            body = s3.get_object(Bucket=bucket, Key=file.key)["Body"]
            with path.open("wb") as copy:
                for chunk in body.iter_chunks(FETCH_BYTES):
                    digest.update(chunk)
                    copy.write(chunk)
                    supervisor.progress(0)
        except boto.ClientError as error:
            if error.response.get("Error", {}).get("Code") not in {"NoSuchKey", "404"}:
                raise
            raise IntegrityError(f"{name} is missing, and the export's manifest names it") from error
        except (boto.HTTPClientError, boto.IncompleteReadError, boto.FlexibleChecksumError) as error:
            problem = error
            continue
        if (found := base64.b64encode(digest.digest()).decode()) == file.md5:
            return
        problem = f"its MD5 is {found}, the manifest says {file.md5}"
    raise IntegrityError(f"{name} could not be fetched as DynamoDB wrote it: {problem}; export that instant again")
