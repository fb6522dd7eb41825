"""The manifest of a snapshot after an erasure, from the one before it. Nothing is asked of AWS here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from dynamo_assets.export.manifest import Erased, Manifest, ManifestFile
from dynamo_assets.export.observed import NULL


def amended(
    document: bytes,
    files: Mapping[str, ManifestFile | None],
    present: Mapping[str, int],
    at: str,
) -> dict[str, Any]:
    """The manifest without the rows that went; keys of it that this version does not know stay.

    Args:
        document: The manifest as it is stored.
        files: What became of the files that were written again, by key: None where a file went.
        present: Of the rows that went, how many had a value, by column.
        at: When.
    """
    before = Manifest.from_json(document)
    after: dict[str, Any] = msgspec.json.decode(document)
    left = [files.get(file.key, file) for file in before.files]
    kept = [file for file in left if file is not None]
    gone = before.rows - sum(file.rows for file in kept)
    uncounted = set(before.erased.still_counted if before.erased else ())
    for column in after["columns"]:
        name = column["name"]
        counts = column.get("dynamodb_types", {})
        fewer = None if name in uncounted else _without(counts, before.rows, gone, present.get(name, 0))
        if fewer is None or column.get("lossy"):
            uncounted.add(name)
        if fewer is not None and fewer != counts:
            column["dynamodb_types"] = fewer
            if observed := column.get("observed"):
                observed["types"] = {**observed.get("types", {}), **fewer}
    after["rows"] = before.rows - gone
    after["bytes"] = sum(file.bytes for file in kept)
    after["files"] = [asdict(file) for file in kept]
    order = [column.name for column in before.columns]
    rows = gone + (before.erased.rows if before.erased else 0)
    after["erased"] = msgspec.to_builtins(Erased(rows, at, tuple(filter(uncounted.__contains__, order))))
    return after


def _without(counts: Mapping[str, int], rows: int, gone: int, present: int) -> Mapping[str, int] | None:
    """A column's counts by DynamoDB type without the rows that went; None where files do not tell.

    Args:
        counts: Before.
        rows: How many rows there were.
        gone: How many went.
        present: How many of those had a value.
    """
    seen = [tag for tag, number in counts.items() if number and tag != NULL]
    fewer = dict(counts)
    if present:
        if len(seen) != 1:
            return None
        fewer[seen[0]] -= present
    if counts.get(NULL) and present < gone:
        # A null in a file was NULL, or no attribute at all; unless each item had the attribute.
        if sum(counts.values()) != rows:
            return None
        fewer[NULL] -= gone - present
    return fewer if min(fewer.values(), default=0) >= 0 else None


def document_of(manifest: Mapping[str, Any]) -> bytes:
    """A manifest as it is stored: the same bytes, however often it is made."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)
