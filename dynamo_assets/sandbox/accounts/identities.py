"""Whose a request is, by its access key.

A key that AssumeRole has given is of that role. One of twelve digits is of the account with that ID, so that a test can
make what another account has. Every other key is of the sandbox's own account, and of nobody in particular there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dynamo_assets.sandbox.endpoint import ACCOUNT_ID

_ACCOUNT = re.compile(r"[0-9]{12}")
_CREDENTIAL = re.compile(r"Credential=([^/]+)/")
_assumed: dict[str, Identity] = {}


@dataclass(frozen=True)
class Identity:
    """Who asks.

    Attributes:
        account: The account.
        role_arn: The role whose credentials were given; None where nobody has said who it is.
    """

    account: str
    role_arn: str | None = None

    @property
    def arn(self) -> str:
        """What AWS calls it in a refusal."""
        if self.role_arn is None:
            return f"arn:aws:iam::{self.account}:root"
        return f"{self.role_arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/session"


def remember(key: str, identity: Identity) -> None:
    """From now on this key is of a role."""
    _assumed[key] = identity


def identity_of(key: str) -> Identity:
    """Whose a key is."""
    if known := _assumed.get(key):
        return known
    return Identity(key if _ACCOUNT.fullmatch(key) else ACCOUNT_ID)


def caller(headers: Mapping[str, Any]) -> Identity:
    """Whose a request is, by its headers."""
    signed = _CREDENTIAL.search(headers.get("Authorization", ""))
    return identity_of(signed[1] if signed else "")


def current_account(response: Any) -> str:
    """The account of a request, as moto asks for it."""
    return caller(response.headers).account
