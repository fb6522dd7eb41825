"""Prices: dated defaults, overridden by `tables.yaml`, and what follows from them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dynamo_assets.configuration.load import load_settings
from dynamo_assets.metadata import costs_of
from dynamo_assets.naming import Layout
from dynamo_assets.prices import GB, TB, Prices
from tests.export.manifests import snapshot_of


def test_the_defaults_are_dated_and_a_tables_file_overrides_any_of_them(tmp_path: Path) -> None:
    path = tmp_path / "tables.yaml"
    path.write_text("storage: {bucket: exports}\ntables: {Orders: {}}\nprices: {as_of: mine, glue_dpu_hour: 0.29}\n")
    mine, defaults = load_settings(path, {}).prices, Prices()
    assert re.match(r"20\d\d-\d\d, us-east-1$", defaults.as_of)
    assert (mine.as_of, mine.glue_dpu_hour) == ("mine", 0.29)
    assert (mine.read_million_units, mine.athena_tb) == (defaults.read_million_units, defaults.athena_tb)


def test_what_aws_bills_at_least_is_billed() -> None:
    prices = Prices(glue_dpu_hour=0.36, glue_minimum_seconds=60, athena_tb=5)
    assert prices.glue_run(20, 2) == pytest.approx(0.012)
    assert prices.glue_run(3600, 2) == pytest.approx(0.36)
    assert prices.queries([0, 2 * TB]) == pytest.approx(10 + 5 * 10 / 1024**2)


@pytest.mark.parametrize(
    ("facts", "read", "costs"),
    [
        ({}, {"read_units": 2e6}, {"reads": 0.25}),
        ({"billing_mode": "PROVISIONED"}, {"read_units": 2e6}, {}),
        ({"glue_dpu_seconds": 7200, "glue_dpus": 2.0}, {"read_units": 0}, {"glue": 0.88}),
        ({"glue_dpu_seconds": 7200, "glue_dpus": 2.0, "glue_flex": True}, {"read_units": 0}, {"glue": 0.58}),
        # What a merge that failed had exported is billed too: only the engine knows of it.
        ({"billed_bytes": 3 * GB}, {"billed_bytes": GB}, {"native_export": 0.3}),
        ({}, {"billed_bytes": GB}, {"native_export": 0.1}),
    ],
)
def test_what_a_snapshot_cost_follows_from_what_aws_has_counted(facts: dict, read: dict, costs: dict) -> None:
    prices = Prices(read_million_units=0.125, native_export_gb=0.1, glue_dpu_hour=0.44, glue_flex_dpu_hour=0.29)
    taken = snapshot_of(Layout("exports", ""), "2026-11-25T10:00:00", read=read)
    expected = {"reads": 0.0, "native_export": 0.0, "glue": 0.0, **costs}
    assert costs_of(taken, facts, prices) == pytest.approx(expected)
