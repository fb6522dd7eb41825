"""Fixtures of the sandbox's own tests."""

from __future__ import annotations

from typing import Any

import pyathena
import pytest

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.sandbox.lake import Lake
from tests.sandbox.warehouse import Warehouse


@pytest.fixture(scope="session")
def lake_clients(sandbox: Endpoint) -> dict[str, Any]:
    return {service: sandbox.client(service) for service in ("s3", "glue", "logs")}


@pytest.fixture
def lake(lake_clients: dict[str, Any], bucket: str, unique: Any) -> Lake:
    """An empty lake."""
    database = unique("lake")
    lake_clients["glue"].create_database(DatabaseInput={"Name": database})
    return Lake(**lake_clients, bucket=bucket, database=database)


@pytest.fixture(scope="session")
def warehouse_clients(sandbox: Endpoint) -> dict[str, Any]:
    clients = {service: sandbox.client(service) for service in ("s3", "glue", "athena")}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in sandbox.environment().items():
            environment.setenv(name, value)
        # Making one costs more than most queries.
        connection = pyathena.connect(s3_staging_dir="s3://given-by-each-test/", poll_interval=0.02)
    return {**clients, "connection": connection}


@pytest.fixture
def warehouse(aws: Endpoint, warehouse_clients: dict[str, Any], bucket: str, unique: Any) -> Warehouse:
    """An empty database, and a bucket for its tables' files."""
    database = unique("warehouse")
    warehouse_clients["glue"].create_database(DatabaseInput={"Name": database})
    return Warehouse(aws, **warehouse_clients, bucket=bucket, database=database)
