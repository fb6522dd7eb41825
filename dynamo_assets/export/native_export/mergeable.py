"""Whether changes can be merged with a snapshot at all, told from its manifest."""

from __future__ import annotations

from collections.abc import Mapping

from dynamo_assets.export.manifest import Manifest
from dynamo_assets.export.request import READ_BACK_FORMATS, ExportRequest


def why_not_mergeable(base: Manifest, request: ExportRequest, keys: Mapping[str, str]) -> str:
    """Why a snapshot cannot be the base of another one; empty where it can.

    Args:
        base: The snapshot's manifest.
        request: What is asked of the other one.
        keys: The table's key attributes and their types now, the partition key first.
    """
    if why := _why_not_whole(base, request):
        return why
    if list(base.keys.items()) != list(keys.items()):
        return f"the table's keys were {_text(base.keys)} at {base.snapshot_timestamp} and are {_text(keys)} now"
    changed = [option for option, value in request.shape.items() if base.shape.get(option) != value]
    if changed:
        return f"{' and '.join(changed)} had another value at {base.snapshot_timestamp}"
    for attribute, kind in keys.items():
        if attribute in request.columns:
            return f"the type of key attribute {attribute!r} is forced (columns), so that keys may not be exact"
        if kind == "N" and request.numbers != "exact":
            return f"key attribute {attribute!r} is a number, and numbers are not kept exactly (numbers)"
    return ""


def _why_not_whole(base: Manifest, request: ExportRequest) -> str:
    """Why not every item of a snapshot can be had from its files."""
    if base.erased:
        return (
            f"{base.erased.rows:,} rows were erased from snapshot {base.snapshot_timestamp}, and the changes since do "
            "not tell whether the table has their items still"
        )
    for written in (base.format, request.format):
        if written not in READ_BACK_FORMATS:
            return f"files of format {written} are not read back: only {' and '.join(READ_BACK_FORMATS)} are"
    return ""


def _text(keys: Mapping[str, str]) -> str:
    return ", ".join(f"{attribute} ({kind})" for attribute, kind in keys.items()) or "unknown"
