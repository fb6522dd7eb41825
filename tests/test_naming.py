from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.naming import (
    Layout,
    cadence_name,
    catalog_name,
    format_slot,
    format_snapshot,
    is_label,
    parse_slot,
    parse_snapshot,
    table_name,
)


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("Orders", "orders"),
        ("My-Table", "my_table"),
        ("eu.shop.Orders", "eu_shop_orders"),
        ("arn:aws:dynamodb:eu-west-1:123456789012:table/My.Orders", "my_orders"),
        ("arn:aws-cn:dynamodb:cn-north-1:123456789012:table/Orders", "orders"),
    ],
)
def test_catalog_name_is_lower_case_with_underscores(table: str, name: str) -> None:
    assert catalog_name(table) == name


@pytest.mark.parametrize("table", ["ab", "a b c", "x" * 256, "tab/le", "a'; drop", "arn:aws:s3:::bucket", "", "tablé"])
def test_what_is_no_table_name_is_refused(table: str) -> None:
    with pytest.raises(ValueError, match="neither a DynamoDB table name"):
        table_name(table)


@given(st.from_regex(r"[a-zA-Z0-9_.-]{3,255}", fullmatch=True))
def test_every_table_name_has_a_catalog_name_that_needs_no_escaping(table: str) -> None:
    name = catalog_name(table)
    assert len(name) == len(table)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")


@given(st.datetimes(min_value=parse_slot("1971-01-01T00:00").replace(tzinfo=None)))
def test_labels_sort_as_their_instants(instant) -> None:
    from datetime import UTC, timedelta

    aware = instant.replace(tzinfo=UTC, microsecond=0)
    assert parse_snapshot(format_snapshot(aware)) == aware
    assert parse_slot(format_slot(aware)) == aware.replace(second=0)
    if aware.year < 9999:
        assert format_snapshot(aware) < format_snapshot(aware + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("cron", "name"),
    [
        ("0 * * * *", "hourly"),
        ("5 * * * *", "hourly_at_05"),
        ("0 10 * * *", "daily_at_1000"),
        ("*/15 * * * *", "every_15_minutes"),
        ("30 2 * * 1", "weekly_on_monday_at_0230"),
        ("0 9-17 * * 1-5", "cron_0_9to17_x_x_1to5"),
        ("0 0 1,15 * *", "cron_0_0_1n15_x_x"),
    ],
)
def test_cadences_have_readable_names(cron: str, name: str) -> None:
    assert cadence_name(cron) == name


def test_two_spellings_of_one_cadence_have_one_name() -> None:
    assert cadence_name("0 0 * * 0") == cadence_name("00 0 * * 7")


@pytest.mark.parametrize("prefix", ["", "team/exports"])
def test_every_key_lies_below_the_prefix(prefix: str) -> None:
    layout = Layout("bucket", prefix)
    keys = [
        layout.snapshot_prefix("orders", "2026-11-23T10:00:07"),
        layout.manifest_key("orders", "2026-11-23T10:00:07"),
        layout.claim_key("orders", "2026-11-23T10:00:07"),
        layout.native_export_prefix("orders", "2026-11-23T10:00:07"),
        layout.athena_results_prefix(),
        layout.glue_code_prefix(),
    ]
    assert all(key.startswith(prefix) and not key.startswith("/") and "//" not in key for key in keys)
    assert keys[0].endswith("snapshots_orders/snapshot_timestamp=2026-11-23T10:00:07/")
    assert len(set(keys)) == len(keys)


def test_one_tables_folder_is_no_prefix_of_another_ones() -> None:
    layout = Layout("bucket")
    assert not layout.snapshots_prefix("orders_2").startswith(layout.snapshots_prefix("orders"))
    assert not layout.manifests_prefix("orders_2").startswith(layout.manifests_prefix("orders"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-11-23T10:00:07", True), ("2026-11-23T10:00", False), ("2026-1-23T10:00:07", False), ("readme", False)],
)
def test_a_label_is_told_from_whatever_else_lies_beside_it(text: str, expected: bool) -> None:
    assert is_label(text) is expected
