from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dynamo_assets.configuration.table_settings import Table, Verification, Volume
from dynamo_assets.export.manifest import ManifestColumn
from dynamo_assets.naming import Layout
from dynamo_assets.verification.contents import check_volume, demoted_to_text
from dynamo_assets.verification.records import Record
from tests.export.manifests import snapshot_of

BEFORE, NOW = "2026-11-01T10:00:00", "2026-11-02T10:00:00"


def _manifest(rows: int = 0, **changes: Any) -> Any:
    return replace(snapshot_of(Layout("lake"), NOW, "parquet", rows=rows), **changes)


def _volume(rows: int, before: int | None, level: Any = "block_zero", **band: float) -> tuple[bool, str]:
    table = Table(
        table="Zoo",
        name="zoo",
        verification=Verification(volume=level),
        volume=Volume.model_construct(**{"drop": None, "rise": None, **band}),
    )
    record = None if before is None else Record.of(replace(_manifest(before), snapshot_timestamp=BEFORE), [])
    finding = check_volume(_manifest(rows), record, table)
    return finding.passed, finding.level


@pytest.mark.parametrize(
    ("rows", "before", "options", "outcome"),
    [
        (0, None, {}, True),
        (0, 0, {}, True),
        (1, 1_000_000, {}, True),
        (0, 1, {}, (False, "block")),
        (0, 1, {"level": "warn"}, (False, "warn")),
        (5, 10, {"drop": 0.5}, True),
        (4, 10, {"drop": 0.5}, (False, "warn")),
        (4, 10, {"drop": 0.5, "level": "block"}, (False, "block")),
        (20, 10, {"rise": 1.0}, True),
        (21, 10, {"rise": 1.0}, (False, "warn")),
        (21, 10, {"rise": 1.0, "level": "block"}, (False, "block")),
        (21, 0, {"rise": 1.0}, (False, "warn")),
    ],
)
def test_rows_are_compared_with_those_of_the_last_that_passed(rows, before, options, outcome) -> None:
    passed, level = _volume(rows, before, **options)
    assert (passed if outcome is True else (passed, level)) == outcome


@pytest.mark.parametrize(
    ("column", "changes", "count"),
    [
        ({"type": "string", "dynamodb_types": {"S": 9, "NULL": 2}}, {}, 0),
        ({"type": "string", "dynamodb_types": {"S": 9, "N": 2, "BOOL": 1}}, {}, 3),
        ({"type": "bigint", "dynamodb_types": {"N": 9}}, {}, 0),
        ({"type": "string", "dynamodb_types": {"N": 9}}, {"shape": {"columns": {"a": "string"}}}, 0),
        ({"type": "string", "dynamodb_types": {"M": 9}}, {}, 9),
        ({"type": "string", "dynamodb_types": {"M": 9, "L": 1}}, {"shape": {"nested": "json"}}, 0),
        ({"type": "string", "view_type": "bigint", "dynamodb_types": {"N": 9}}, {"format": "csv"}, 0),
        ({"type": "string", "dynamodb_types": {"M": 9}}, {"format": "csv"}, 0),
        ({"type": "string", "dynamodb_types": {"M": 9, "N": 1}}, {"format": "csv"}, 1),
    ],
)
def test_values_are_counted_that_are_text_and_need_not_be(column, changes, count: int) -> None:
    assert demoted_to_text(ManifestColumn(name="a", attribute="a", **column), _manifest(**changes)) == count
