"""S3 objects: read whole, or as a seekable file of which only what is read is fetched; deleted, many at once."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore import exceptions as boto

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

READ_AHEAD_BYTES = 1024 * 1024
"""A request fetches at least this much unless asked otherwise; a smaller object is fetched whole by one request."""

READ_ATTEMPTS = 5
DELETE_ATTEMPTS = 6
DELETE_BATCH = 1000  # DeleteObjects' limit
# What S3 may say of a single object within an answer that is a success (API reference, DeleteObjects).
_WORTH_ANOTHER_TRY = {"InternalError", "SlowDown", "ServiceUnavailable"}


def delete_objects(s3: S3Client, bucket: str, keys: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """Deletes objects, as many at once as S3 takes; tries again where that may help.

    Returns:
        What S3 says of those that are still there, of the first batch that has any; nothing where all are gone.
    """
    for begin in range(0, len(keys), DELETE_BATCH):
        if errors := _delete_batch(s3, bucket, keys[begin : begin + DELETE_BATCH]):
            return errors
    return ()


def _delete_batch(s3: S3Client, bucket: str, keys: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    errors: Any = []
    for attempt in range(DELETE_ATTEMPTS):
        doomed: Any = [{"Key": key} for key in keys]
        # The answer is a success, and says of each key whether it was one.
        errors = s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed}).get("Errors", [])
        keys = [error["Key"] for error in errors]
        if not keys or not {error.get("Code") for error in errors} <= _WORTH_ANOTHER_TRY:
            break
        time.sleep(0.1 * 2**attempt)
    return errors


def read_object(s3: S3Client, bucket: str, key: str, **options: Any) -> bytes:
    """An object's content.

    A body that ends early, or is not what its checksum says, is asked for again: boto3 repeats a request until it is
    answered, and what comes after the answer's headers is its caller's.

    Args:
        s3: Where it lies.
        bucket: Its bucket.
        key: Its key.
        options: Of GetObject, such as `Range`.
    """
    attempt = 1
    while True:
        body = s3.get_object(Bucket=bucket, Key=key, **options)["Body"]
        try:
            return body.read()
        except (boto.HTTPClientError, boto.IncompleteReadError, boto.FlexibleChecksumError):
            if attempt == READ_ATTEMPTS:
                raise
        attempt += 1


def read_if_there(s3: S3Client, bucket: str, key: str) -> bytes | None:
    """An object's content; None where there is none. Who may not list the bucket is told 403 instead, an error."""
    try:
        return read_object(s3, bucket, key)
    except boto.ClientError as error:
        if error.response.get("Error", {}).get("Code") not in {"NoSuchKey", "404"}:
            raise
        return None


class S3File(io.RawIOBase):
    """One object.

    Args:
        s3: Where it lies.
        bucket: Its bucket.
        key: Its key.
        size: Its size in bytes.
        ahead: So many bytes at least are fetched by a request. Of the object's end `READ_AHEAD_BYTES` are, always.

    Attributes:
        fetched_bytes: How many were fetched so far.
        failure: Why S3 did not give what was asked for last; whoever reads the file may make an error of its own of it.
    """

    def __init__(self, s3: S3Client, bucket: str, key: str, size: int, ahead: int | None = None):
        super().__init__()
        self._s3, self._bucket, self._key, self._size = s3, bucket, key, size
        self._ahead = READ_AHEAD_BYTES if ahead is None else ahead
        self._position = 0
        self._fetched, self._fetched_from = b"", 0
        self.fetched_bytes = 0
        self.failure: Exception | None = None

    def readable(self) -> bool:  # noqa: D102 - io's
        return True

    def seekable(self) -> bool:  # noqa: D102 - io's
        return True

    def tell(self) -> int:  # noqa: D102 - io's
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:  # noqa: D102 - io's
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative seek position {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Reads as much as was asked for, unless the object ends."""
        first, end = self._position, min(self._position + len(buffer), self._size)
        while self._position < end:
            if not self._fetched_from <= self._position < self._fetched_from + len(self._fetched):
                self._fetch(end)
            begin = self._position - self._fetched_from
            data = self._fetched[begin : end - self._fetched_from]
            buffer[self._position - first : self._position - first + len(data)] = data
            self._position += len(data)
        return self._position - first

    def _fetch(self, end: int) -> None:
        # What is wanted of a file's end lies a little before it, as a rule: footers are read backwards.
        begin = min(self._position, max(0, self._size - READ_AHEAD_BYTES))
        if end < self._size:
            begin, end = self._position, min(max(end, self._position + self._ahead), self._size)
        span = f"bytes={begin}-{end - 1}"
        try:
            self._fetched = read_object(self._s3, self._bucket, self._key, Range=span)
        except (boto.ClientError, boto.BotoCoreError) as error:
            self.failure = error
            raise
        self._fetched_from = begin
        self.fetched_bytes += len(self._fetched)
        if len(self._fetched) != end - begin:
            raise OSError(f"{len(self._fetched)} bytes where {end - begin} were asked for: it has changed meanwhile")
