"""Fixtures of the sandbox's own tests."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.sandbox.lake import Lake


@pytest.fixture(scope="session")
def lake_clients(sandbox: Endpoint) -> dict[str, Any]:
    return {service: sandbox.client(service) for service in ("s3", "glue", "logs")}


@pytest.fixture
def lake(lake_clients: dict[str, Any], bucket: str, unique: Any) -> Lake:
    """An empty lake."""
    database = unique("lake")
    lake_clients["glue"].create_database(DatabaseInput={"Name": database})
    return Lake(**lake_clients, bucket=bucket, database=database)
