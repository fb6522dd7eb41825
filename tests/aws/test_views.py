from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.aws.views import create_view, published_label, view_query

LABEL = "2026-11-23T10:00:07"


def test_a_view_names_its_columns_and_one_literal_snapshot() -> None:
    query = view_query("db", "orders", ['"order_id"', 'upper("x") AS "x"'], LABEL)
    assert create_view("db", "orders", query) == (
        'CREATE OR REPLACE VIEW "db"."orders" AS SELECT "order_id", upper("x") AS "x", "snapshot_timestamp" '
        f'FROM "db"."snapshots_orders" WHERE "snapshot_timestamp" = \'{LABEL}\''
    )


@given(st.lists(st.text(min_size=1), max_size=5))
def test_the_published_snapshot_is_read_back_whatever_the_columns_are_called(columns: list[str]) -> None:
    assert published_label(view_query("db", "orders", columns, LABEL)) == LABEL


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t",
        "SELECT * FROM t WHERE snapshot_timestamp = (SELECT max(snapshot_timestamp) FROM t)",
        f"SELECT 'WHERE snapshot_timestamp = ''{LABEL}''' FROM t",
    ],
)
def test_a_view_made_by_somebody_else_shows_no_known_snapshot(sql: str) -> None:
    assert published_label(sql) is None
