"""A message is one that SNS takes, whatever was put into it."""

from __future__ import annotations

from dynamo_assets.alerts.message import asset_url, entries, listed, one_line, run_url, subject_line
from dynamo_assets.configuration.settings import Alerts


def test_a_subject_is_one_line_of_ascii_that_sns_takes() -> None:
    assert subject_line("Not fresh: Orders") == "Not fresh: Orders"
    assert subject_line("Bestellungen für\r\nBcc: eve@example.com\x07") == "Bestellungen f?r Bcc: eve@example.com"
    long = subject_line("x" * 300)
    assert (len(long), long[-3:]) == (99, "...")
    assert subject_line("\n\t")


def test_text_of_others_stays_on_its_line() -> None:
    assert one_line("a\n\nNOT FRESH: b\x1b[31m\u0085c") == "a NOT FRESH: b [31m c"
    assert one_line("abcdef", 5) == "ab..."


def test_what_is_too_much_is_counted() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    text = entries([str(number) for number in range(500)])
    assert text.endswith("49\n\n... and 450 more.")


def test_links_need_the_address_of_the_ui() -> None:
    alerts = Alerts(dagster_url="https://dagster.example.com/")
    assert run_url(alerts, "1") == "https://dagster.example.com/runs/1"
    assert asset_url(alerts, ["db", "orders"]) == "https://dagster.example.com/assets/db/orders"
    assert run_url(Alerts(), "1") == asset_url(Alerts(), ["db"]) == ""
