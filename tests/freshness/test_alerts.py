"""The topic is told once of views that become too old, and once when they are no more."""

from __future__ import annotations

from collections.abc import Callable

from tests.alerts.topics import Topic
from tests.freshness.lake import Lake, ago

MakeLake = Callable[..., Lake]


def _publish(lake: Lake, label: str, *tables: str) -> None:
    for table in tables:
        lake.snapshot(table, label)
        lake.show(table, label)


def test_all_views_that_are_too_old_are_told_of_in_one_message_and_once(
    make_lake: MakeLake, unique: Callable[[str], str]
) -> None:
    topic = Topic.of(unique("told"))
    alerts = {"sns_topic": topic.arn, "dagster_url": "https://dagster.example.com"}
    lake = make_lake("orders", "customers", "payments", "added", alerts=alerts)
    topic.create()
    label = ago(minutes=1)
    _publish(lake, label, "Orders", "Customers", "Payments")
    lake.tick()
    assert topic.heard() == [], "a table of which nothing was published yet is no alarm"

    for table in ("orders", "customers"):
        lake.put_view(table, "SELECT 1 AS id")
    assert lake.tick().names == {"orders", "customers"}
    [message] = topic.heard()
    assert message["Subject"] == "Not fresh: Orders, Customers"
    assert message["MessageAttributes"]["event"]["Value"] == "freshness"
    text = message["Message"]
    assert f"NOT FRESH: Orders: The view {lake.database}.orders was made by hand" in text
    assert f"  asset: https://dagster.example.com/assets/{lake.database}/orders" in text
    assert "  view: https://us-east-1.console.aws.amazon.com/glue/home?region=us-east-1#/v2/data-catalog" in text
    lake.tick()
    assert topic.heard() == []

    lake.show("Customers", label)
    lake.drop("Payments")
    lake.tick()
    [message] = topic.heard()
    assert message["Subject"] == "Not fresh: Payments; Fresh again: Customers"
    assert "Fresh again: Customers: The published snapshot" in message["Message"]


def test_what_sns_does_not_take_costs_no_observation_and_is_said_again(
    make_lake: MakeLake, unique: Callable[[str], str]
) -> None:
    topic = Topic.of(unique("told"))
    lake = make_lake("orders", alerts={"sns_topic": topic.arn})
    _publish(lake, ago(hours=7), "Orders")
    assert not lake.tick().checked("orders").passed
    assert lake.tick().events == []
    topic.create()
    assert lake.tick().events == []
    [message] = topic.heard()
    assert message["Subject"] == "Not fresh: Orders"
    assert "is 7 h old" in message["Message"]
    lake.tick()
    assert topic.heard() == []


def test_nobody_is_told_of_views_without_limits(make_lake: MakeLake, unique: Callable[[str], str]) -> None:
    topic = Topic.of(unique("told"))
    lake = make_lake("orders", each={}, alerts={"sns_topic": topic.arn})
    topic.create()
    _publish(lake, ago(hours=7), "Orders")
    assert lake.tick().names == {"orders"}
    assert topic.heard() == []
