"""Lakes for the sensor to look at: a bucket and a database of their own, and no pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from dynamo_assets.configuration.settings import Settings
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.freshness.lake import Lake

LIMITS = {"warn": "2h", "fail": "6h"}


@pytest.fixture
def make_lake(aws: Endpoint, unique: Callable[[str], str]) -> Callable[..., Lake]:
    """Makes one from the tables, by their catalog names, and further sections of a tables file."""

    def make(*names: str, each: Mapping[str, Any] | None = None, **sections: Any) -> Lake:
        database = unique("lake")
        entry = {"freshness": LIMITS} if each is None else each
        settings = Settings.model_validate(
            {
                "storage": {"bucket": database.replace("_", "-")},
                "catalog": {"database": database},
                "tables": [{"table": name.title(), "name": name, **entry} for name in names],
                **sections,
            }
        )
        lake = Lake(settings)
        lake.create()
        return lake

    return make
