"""What the sensor says of views and snapshots that it finds, told from the catalog and S3 alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest
from botocore.client import BaseClient

from dynamo_assets.freshness.known import Cursor
from dynamo_assets.naming import parse_snapshot
from tests.freshness.lake import Lake, ago

MakeLake = Callable[..., Lake]


def test_what_a_view_shows_is_told_once_until_it_changes(make_lake: MakeLake) -> None:
    lake = make_lake("orders")
    old, new = ago(minutes=90), ago(minutes=5)
    lake.snapshot("Orders", old, rows=7)
    lake.show("Orders", old)
    first = lake.tick()
    assert first.value("orders", "published_snapshot_timestamp") == parse_snapshot(old).timestamp()
    assert first.value("orders", "age_minutes") == pytest.approx(90, abs=1)
    assert (first.value("orders", "lag_minutes"), first.value("orders", "rows")) == (0, 7)
    assert first.value("orders", "pinned") is False
    assert first.checked("orders").passed
    assert lake.tick().events == []

    lake.snapshot("Orders", new, rows=8)
    waiting = lake.tick()
    assert waiting.value("orders", "latest_snapshot_timestamp") == parse_snapshot(new).timestamp()
    assert waiting.value("orders", "lag_minutes") == pytest.approx(85, abs=1)
    assert f"Snapshot {new} is complete and not published" in str(waiting.observed("orders").description)
    assert lake.tick().events == []

    lake.show("Orders", new)
    published = lake.tick()
    assert (published.value("orders", "lag_minutes"), published.value("orders", "rows")) == (0, 8)
    assert published.value("orders", "age_minutes") == pytest.approx(5, abs=1)
    assert published.value("orders", "age_reached_minutes") == pytest.approx(90, abs=1)


def test_a_view_that_grew_old_says_where_to_look(make_lake: MakeLake) -> None:
    lake = make_lake("orders", "customers", each={"freshness": {"warn": "2h", "fail": "6h"}, "schedule": "0 * * * *"})
    for table, hours in (("Orders", 7), ("Customers", 3)):
        lake.snapshot(table, ago(hours=hours))
        lake.show(table, ago(hours=hours))
    tick = lake.tick()
    check = tick.checked("orders")
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "is 7 h old (warn after 2 h, fail after 6 h)" in str(check.description)
    assert "whether the schedule export_hourly_schedule is on" in str(check.description)
    assert tick.checked("customers").severity == dg.AssetCheckSeverity.WARN


def test_a_snapshot_that_was_rejected_is_named_with_the_reason(make_lake: MakeLake) -> None:
    lake = make_lake("orders")
    old, new = ago(hours=7), ago(minutes=5)
    for label in (old, new):
        lake.snapshot("Orders", label)
    lake.show("Orders", old)
    assert "not published" in str(lake.tick().checked("orders").description)
    lake.reject("Orders", new, "no rows where there were 1,000.")
    tick = lake.tick()
    said = f"Snapshot {new} is complete and was rejected by its checks: volume: no rows where there were 1,000."
    assert said in str(tick.checked("orders").description)
    assert f"`dynamo-assets publish Orders --snapshot {new} --accept`" in str(tick.checked("orders").description)
    assert tick.value("orders", "rejected_because") == "volume: no rows where there were 1,000."
    assert lake.tick().events == []

    advice = f"`dynamo-assets publish Orders --snapshot {new} --accept`"
    lake.reject("Orders", new, f"emptied. If that is right: {advice}.")
    lake.cursor = None
    assert str(lake.tick().checked("orders").description).count(advice) == 1


def test_a_pinned_view_that_grows_old_says_who_holds_it_and_how_to_let_it_go(make_lake: MakeLake) -> None:
    lake = make_lake("orders")
    old = ago(hours=7)
    lake.snapshot("Orders", old)
    lake.show("Orders", old)
    lake.tick()
    lake.pin("orders", old)
    tick = lake.tick()
    said = str(tick.checked("orders").description)
    assert not tick.checked("orders").passed
    assert f"pinned at {old} since 2026-11-20T08:00:00Z by ada (wrong totals)" in said
    assert "`dynamo-assets publish Orders --unpin`" in said
    assert tick.value("orders", "pinned") is True
    assert tick.value("orders", "pinned_by") == "ada"
    lake.unpin("orders")
    assert lake.tick().value("orders", "pinned") is False


def test_a_view_made_by_hand_and_one_that_is_gone_are_told(make_lake: MakeLake) -> None:
    lake = make_lake("orders", "customers")
    for table in ("Orders", "Customers"):
        lake.snapshot(table, ago(hours=1))
        lake.show(table, ago(hours=1))
    lake.tick()
    lake.put_view("orders", "SELECT 1 AS id")
    lake.drop("Customers")
    tick = lake.tick()
    assert "was made by hand" in str(tick.checked("orders").description)
    assert "is gone" in str(tick.checked("customers").description)
    assert not tick.checked("orders").passed
    assert not tick.checked("customers").passed
    assert tick.value("orders", "published_snapshot_timestamp") == "none"
    assert lake.tick().events == []


def test_what_cannot_be_read_hides_no_other_and_says_why(make_lake: MakeLake) -> None:
    lake = make_lake("orders", "customers", "payments", "nowhere")
    label = ago(hours=1)
    lake.snapshot("Orders", label)
    lake.show("Orders", label)
    lake.put_table({"Name": "customers", "TableType": "EXTERNAL_TABLE"})
    layout = lake.settings.layout
    for key in (f"{layout.manifests_prefix('payments')}stray.json", layout.pin_key("orders")):
        lake.clients.s3.put_object(Bucket=layout.bucket, Key=key, Body=b"not ours")
    tick = lake.tick()
    assert tick.checked("orders").passed
    assert "is not an Athena view" in str(tick.checked("customers").description)
    assert "stray.json is no snapshot's manifest" in str(tick.checked("payments").description)
    assert "Nothing is published yet" in str(tick.checked("nowhere").description)
    assert lake.tick().events == []
    lake.clients.s3.delete_object(Bucket=layout.bucket, Key=f"{layout.manifests_prefix('payments')}stray.json")
    assert lake.tick().names == {"payments"}


def test_a_snapshot_that_somebody_removed_is_not_the_newest_any_more(make_lake: MakeLake) -> None:
    lake = make_lake("orders")
    old, new = ago(hours=1), ago(minutes=5)
    for label in (old, new):
        lake.snapshot("Orders", label)
    lake.show("Orders", old)
    assert lake.tick().value("orders", "lag_minutes") > 0
    lake.forget("Orders", new)
    assert lake.tick().value("orders", "lag_minutes") == 0


def test_many_views_are_told_from_a_listing_and_one_that_it_lacks_is_asked_for(
    make_lake: MakeLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = make_lake(*(f"table_{number:02}" for number in range(24)))
    label = ago(hours=1)
    for table in lake.settings.tables:
        lake.snapshot(table.table, label)
        lake.show(table.table, label)
    lake.put_table({"Name": "table_03", "TableType": "EXTERNAL_TABLE"})
    lake.drop("Table_04")
    asked: list[str] = []
    any_client: Any = BaseClient
    call = any_client._make_api_call

    def counted(self: Any, operation: str, parameters: Any) -> Any:
        asked.append(operation)
        return call(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    tick = lake.tick()
    assert len(tick.names) == 24
    assert "is not an Athena view" in str(tick.checked("table_03").description)
    assert (asked.count("GetTables"), asked.count("GetTable")) == (1, 0)
    lake.drop("Table_05")
    asked.clear()
    tick = lake.tick()
    assert (tick.names, asked.count("GetTable")) == ({"table_05"}, 1)
    assert "is gone" in str(tick.checked("table_05").description)
    assert asked.count("ListObjectsV2") == 24, "one for each table that can be read, and one for the pins"
    assert asked.count("GetObject") == 2, "whether what is complete and shown nowhere was rejected"


def test_a_first_snapshot_that_was_rejected_is_why_nothing_is_published(make_lake: MakeLake) -> None:
    lake = make_lake("orders")
    label = ago(minutes=5)
    lake.snapshot("Orders", label)
    lake.reject("Orders", label, "two rows have one key.")
    said = str(lake.tick().checked("orders").description)
    assert "Nothing is published yet" in said
    assert "was rejected by its checks: volume: two rows have one key." in said


def test_a_cursor_of_another_form_counts_as_none() -> None:
    for text in (None, "", "null", "[]", '{"orders": {"latest": "2026-11-23T10:00:00"}}', '{"version": 1}', "{"):
        assert Cursor.from_text(text) == Cursor()
