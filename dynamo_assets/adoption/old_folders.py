"""The folders that the original pipeline left below its output prefix, as S3 lists them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from dynamo_assets.naming import label_of_old_folder
from dynamo_assets.verification.folders import is_hidden

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

SUCCESS = "_SUCCESS"
"""What Spark's committer writes last. Glue's own writers leave none."""
_TEMPORARY = ("_temporary", ".spark-staging")
_MARKER = "_$folder$"


@dataclass(frozen=True)
class OldFile:
    """A file that Athena would read."""

    key: str
    size: int
    etag: str
    modified: datetime


@dataclass
class OldFolder:
    """One folder `snapshot_timestamp=<minute>`.

    Attributes:
        label: The label that its snapshot gets.
        key: What its files' keys begin with, a slash at its end.
        files: What Athena would read in it.
        succeeded: Whether the writer left its mark that all is there.
        temporary: Keys of a writer's work that was never finished, or is not yet.
        nested: Keys of files in folders within.
    """

    label: str
    key: str
    files: list[OldFile] = field(default_factory=list)
    succeeded: bool = False
    temporary: list[str] = field(default_factory=list)
    nested: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """The size of its files."""
        return sum(file.size for file in self.files)


def list_old_folders(s3: S3Client, bucket: str, prefix: str) -> tuple[list[OldFolder], list[str]]:
    """The snapshots' folders right below a prefix, oldest first, and what else there is.

    Args:
        s3: Where they lie.
        bucket: Their bucket.
        prefix: The prefix, empty or with a slash at its end.
    """
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return sorted_out((entry for page in pages for entry in page.get("Contents", [])), prefix)


def sorted_out(objects: Iterable[ObjectTypeDef], prefix: str) -> tuple[list[OldFolder], list[str]]:
    """Objects by their folders; see `list_old_folders`."""
    folders: dict[str, OldFolder] = {}
    others: dict[str, None] = {}
    for entry in objects:
        name, slash, path = entry.get("Key", "").removeprefix(prefix).partition("/")
        label = label_of_old_folder(name)
        if label is None or not slash:
            if not name.endswith(_MARKER):
                others[name + slash] = None
            continue
        _add(entry, path, folders.setdefault(name, OldFolder(label, f"{prefix}{name}/")))
    return sorted(folders.values(), key=lambda folder: (folder.label, folder.key)), list(others)


def _add(entry: ObjectTypeDef, path: str, folder: OldFolder) -> None:
    key, size = entry.get("Key", ""), entry.get("Size", 0)
    if path == SUCCESS:
        folder.succeeded = True
    elif path.startswith(_TEMPORARY):
        folder.temporary.append(key)
    elif size and not is_hidden(path):  # Athena passes over what is empty
        if "/" in path:
            folder.nested.append(key)
        folder.files.append(OldFile(key, size, entry.get("ETag", ""), entry["LastModified"]))


def doubts(folder: OldFolder, others: Sequence[OldFolder]) -> str:
    """What speaks against a folder's being complete: it lacks the mark which others have; empty if nothing."""
    marked = sum(each.succeeded for each in others)
    if folder.succeeded or not marked:
        return ""
    return f"it has no {SUCCESS}, which {marked} of the {len(others)} snapshots there have: most likely its run failed"
