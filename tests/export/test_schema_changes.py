"""What is said of a snapshot's columns beside those of the snapshot before."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_assets.export.manifest import ManifestColumn
from dynamo_assets.export.manifest_columns import manifest_columns
from dynamo_assets.export.observed import Facts, NumberRange, Observed
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema
from dynamo_assets.export.schema_changes import SchemaChanges, TypeChange

BEFORE = "2026-11-23T10:00:00"


def column(name: str, kind: str = "string", **counts: int) -> ManifestColumn:
    return ManifestColumn(name.lower(), name, kind, counts)


def test_attributes_that_came_that_went_and_that_grew_are_told_apart() -> None:
    before = [column("Id", S=3), column("N", "bigint", N=3), column("Gone", S=1), column("long_gone"), column("m", M=1)]
    now = [
        column("Id", S=5), column("N", "decimal(38,18)", N=5), column("Gone", S=0), column("long_gone"),
        column("m", M=1, S=1), column("New", S=1),
    ]  # fmt: skip
    changes = SchemaChanges.between(BEFORE, before, now)
    assert changes == SchemaChanges(BEFORE, ("New",), ("Gone",), (TypeChange("N", "bigint", "decimal(38,18)"),))
    assert changes.lines() == [
        "added: New",
        "gone: Gone (its column stays, and is null)",
        "widened: N: bigint -> decimal(38,18)",
    ]
    assert changes


def test_an_attribute_that_is_only_null_is_not_gone() -> None:
    assert not SchemaChanges.between(BEFORE, [column("x", S=1)], [column("x", NULL=1)])


def test_one_that_comes_back_is_not_added() -> None:
    assert not SchemaChanges.between(BEFORE, [column("x", S=0)], [column("x", S=1)])


def test_nothing_is_said_where_nothing_changed_or_nothing_was_before() -> None:
    columns = [column("Id", S=3)]
    same = SchemaChanges.between(BEFORE, columns, columns)
    assert (bool(same), same.since, same.lines()) == (False, BEFORE, [])
    assert (bool(SchemaChanges()), SchemaChanges().since) == (False, None)


def columns_of(format: Any, numbers: NumberRange) -> tuple[ManifestColumn, ...]:
    request = ExportRequest(table="Zoo", bucket="exports", format=format)
    facts = Facts({"Price": Observed({"N": 1}, numbers)})
    return manifest_columns(TableSchema.of(facts, request, []), facts, request)


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_a_column_of_a_view_that_grew_is_told_in_every_format(format: str) -> None:
    """In CSV's raw table every column is text; whoever queries the view sees another type."""
    changes = SchemaChanges.between(
        BEFORE, columns_of(format, NumberRange.INT64), columns_of(format, NumberRange.DECIMAL)
    )
    assert changes.widened == (TypeChange("Price", "bigint", "decimal(38,18)"),)


def test_a_change_of_format_widens_nothing() -> None:
    before, now = columns_of("parquet", NumberRange.INT64), columns_of("csv", NumberRange.INT64)
    assert not SchemaChanges.between(BEFORE, before, now)


def test_columns_that_a_rediscovery_dropped_are_told() -> None:
    """Whoever queries them will miss them."""
    changes = SchemaChanges.between(
        BEFORE, [column("Id", S=1), column("Old", S=0), column("Gone", S=2)], [column("Id", S=1)]
    )
    assert changes.dropped == ("Old", "Gone")
    assert changes.lines() == ["dropped: Old (it has no column any more)", "dropped: Gone (it has no column any more)"]
    assert changes
