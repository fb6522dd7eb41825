"""`s3://` addresses of single files, as arguments of Glue jobs have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from dynamo_assets.errors import SandboxError


def file_name(address: str) -> str:
    """The last part of an address.

    Raises:
        SandboxError: It is no file's address.
    """
    return _parts(address)[2]


def fingerprint(s3: Any, address: str) -> str:
    """What changes with a file's content.

    Raises:
        SandboxError: There is no such file.
    """
    return _asked(address, lambda bucket, key: s3.head_object(Bucket=bucket, Key=key)["ETag"])


def download(s3: Any, address: str, folder: Path) -> Path:
    """Puts a file into a folder, which is made where it does not exist.

    Raises:
        SandboxError: There is no such file.
    """
    path = folder / file_name(address)
    folder.mkdir(parents=True, exist_ok=True)
    _asked(address, lambda bucket, key: s3.download_file(bucket, key, str(path)))
    return path


def _asked(address: str, ask: Callable[[str, str], Any]) -> Any:
    bucket, key, _ = _parts(address)
    try:
        return ask(bucket, key)
    except ClientError as error:
        raise SandboxError(f"Error downloading from S3 for bucket: {bucket}, key: {key}. {error}") from error


def _parts(address: str) -> tuple[str, str, str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    name = PurePosixPath(key).name
    if not address.startswith("s3://") or not bucket or not name or key.endswith("/"):
        raise SandboxError(f"{address!r} is not the s3:// address of a file")
    return bucket, key, name
