"""`dynamo-assets init` on an account that has the sandbox's sample tables, and what Dagster makes of its file."""

from __future__ import annotations

from functools import partialmethod
from pathlib import Path

import pytest

from dynamo_assets.cli import main
from dynamo_assets.configuration.load import load_settings
from dynamo_assets.definitions import build_definitions
from dynamo_assets.sandbox import samples
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.conftest import own_client, point_to


def test_the_file_of_the_sample_tables_loads_and_makes_their_assets(
    aws: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # In a region of its own, so that no other test's tables are there.
    monkeypatch.setattr("dynamo_assets.sandbox.endpoint.REGION", "eu-west-3")
    monkeypatch.setattr(Endpoint, "client", partialmethod(own_client, region="eu-west-3"))
    point_to(aws, monkeypatch)
    # Few items of each table are enough: what counts is how the tables are described.
    monkeypatch.setattr(samples, "SERVICES", ("sts",))
    monkeypatch.setattr(samples, "ORDER_COUNT", 25)
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 1
    assert "there is no DynamoDB table in eu-west-3" in capsys.readouterr().err
    tables = samples.load_samples(aws)
    assert main(["init"]) == 0
    assert f"tables.yaml: {len(tables)} tables of eu-west-3" in capsys.readouterr().out
    settings = load_settings(environment={})
    assert {table.table: table.name for table in settings.tables} == {
        "Api-Operations": "api_operations",
        "Customers": "customers",
        "Orders": "orders",
        "Payments": "payments",
        "Reviews": "reviews",
    }
    definitions = build_definitions(settings)
    keys = {key.to_user_string() for key in definitions.resolve_all_asset_keys()}
    assert {f"dynamodb/{table}" for table in tables} <= keys
    assert {f"dynamodb_exports/{table.name}" for table in settings.tables} <= keys
    assert definitions.resolve_job_def("export_daily_at_1000")
    text = Path("tables.yaml").read_text()
    assert text.count("Point-in-time recovery is on") == 2
    assert text.count("Today `auto` means in_process: the cheapest that ends in time") == 5
