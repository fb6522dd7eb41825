"""Settings, for tests of what follows of them."""

from __future__ import annotations

from typing import Any

from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.doctor.case import Place
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION

PLACE = Place("aws", REGION, ACCOUNT_ID)
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/exports"


def table(called: str = "Orders", /, **entry: Any) -> Table:
    return Table.model_validate({"table": called, "name": called.lower(), **entry})


def settings(*tables: Table, **sections: Any) -> Settings:
    return Settings.model_validate(
        {
            "storage": {"bucket": "exports", "prefix": "lake"},
            "glue": {"role_arn": ROLE, **sections.pop("glue", {})},
            "tables": list(tables or [table()]),
            **sections,
        }
    )
