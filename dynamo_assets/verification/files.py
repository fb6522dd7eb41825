"""The check `files`: what lies in S3 now is what the manifest says was written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from dynamo_assets.aws.cancellation import all_side_by_side, pause
from dynamo_assets.errors import ManifestError
from dynamo_assets.export.manifest import Manifest, ManifestFile
from dynamo_assets.verification.finding import FILES, Finding, finding_of
from dynamo_assets.verification.folders import differences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_s3 import S3Client

BLOCK_BYTES = 8 * 1024 * 1024
ADVICE = "Do not repair the files: materialize the slot again, and a new snapshot is taken."


@dataclass(frozen=True)
class _Found:
    """What was found of one file: how many rows, and what is wrong with it."""

    rows: int = 0
    problem: str = ""


def check_files(
    s3: S3Client, bucket: str, manifest: Manifest, sizes: Mapping[str, int], counted: Mapping[str, int]
) -> Finding:
    """Compares the files with the manifest: each is there, with its size, checksum and rows, and there is no other.

    S3 keeps the checksum with which a file was uploaded, and compares the content with it then: so it is asked for
    the checksum, and the file is not read. One that was uploaded without is read. Rows are taken from a file's footer,
    where the format has one; a file of another format is read.

    Args:
        s3: Where the files lie.
        bucket: Their bucket.
        manifest: What they should be.
        sizes: What is in the snapshot's folder: sizes in bytes by their keys.
        counted: The rows of those files, by their keys, that somebody has just counted by reading them.
    """
    problems = list(differences(manifest, sizes, bucket))
    wrong_already = {file.key for file in manifest.files if sizes.get(file.key) != file.bytes}
    sound = [file for file in manifest.files if file.key not in wrong_already]
    found = all_side_by_side(
        [partial(_look, s3, bucket, file, manifest.file_format, counted.get(file.key)) for file in sound]
    )
    problems += [each.problem for each in found if each.problem]
    rows = sum(each.rows for each in found)
    if not problems and rows != manifest.rows:
        problems.append(f"{rows:,} rows in all files, the manifest says {manifest.rows:,}")
    return finding_of(
        FILES,
        problems,
        good=f"{rows:,} rows in {len(manifest.files)} file(s), each with its size and checksum, and no other file",
        advice=ADVICE,
        figures={
            "rows_in_files": rows,
            "rows_in_manifest": manifest.rows,
            "files": len(manifest.files),
            "bytes": sum(sizes.values()),
        },
    )


def _look(s3: S3Client, bucket: str, file: ManifestFile, format: str, rows: int | None) -> _Found:
    # pyarrow is 50 MB that a process which only loads the definitions need not pay for.
    from dynamo_assets.export.row_counts import rows_in_file  # noqa: PLC0415

    pause(0)  # a cancelled run ends between two files
    place = f"s3://{bucket}/{file.key}"
    try:
        if not _has_its_checksum(s3, bucket, file):
            return _Found(problem=f"{place}: its SHA-256 is not the manifest's: something wrote over it")
        if rows is None:
            rows = rows_in_file(s3, bucket, file.key, format)
    except ManifestError as error:
        return _Found(problem=str(error))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in {"404", "NoSuchKey"}:
            raise
        return _Found(problem=f"{place}: it went away while it was looked at")
    problem = "" if rows == file.rows else f"{place}: {rows:,} rows, the manifest says {file.rows:,}"
    return _Found(rows, problem)


def _has_its_checksum(s3: S3Client, bucket: str, file: ManifestFile) -> bool:
    if file.checksum or file.etag:
        kept = s3.head_object(Bucket=bucket, Key=file.key, ChecksumMode="ENABLED")
        if file.checksum and "ChecksumSHA256" in kept:
            return kept["ChecksumSHA256"] == file.checksum
        if file.etag and kept["ETag"] == file.etag:
            return True
    body = s3.get_object(Bucket=bucket, Key=file.key)["Body"]
    content = hashlib.sha256()
    for block in body.iter_chunks(BLOCK_BYTES):
        pause(0)
        content.update(block)
    return content.hexdigest() == file.sha256
