"""`accounts` of `tables.yaml`: which role reads the tables of another account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from dynamo_assets.configuration.aws_names import EXTERNAL_ID, AccountId, RoleArn
from dynamo_assets.configuration.setting_types import Section
from dynamo_assets.naming import table_account


class Account(Section):
    """The role that reads the tables of one account."""

    role_arn: RoleArn
    """A role of that account; DynamoDB is asked with its credentials."""
    external_id: str | None = Field(default=None, pattern=EXTERNAL_ID)
    """What its trust policy demands to hear."""


class Accounts(Section):
    """The section alone, as it is read before the tables that it is of."""

    accounts: dict[AccountId, Account] = Field(default={})

    def entry_of(self, table: str, entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
        """A table's settings: its own, before its account's role, before the defaults.

        An external ID is of one role: one that was given with another role is left out.
        """
        account = self.accounts.get(table_account(table) or "")
        merged: dict[str, Any] = {}
        for level in (defaults, account.model_dump() if account else {}, entry):
            if "role_arn" in level:
                merged.pop("external_id", None)
            merged |= level
        return merged
