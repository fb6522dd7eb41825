"""What a policy that is attached to a role, a bucket or a table says of somebody's action.

The policies of identities are not looked at: the sandbox gives its callers every permission within their own account.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dynamo_assets.sandbox.accounts.identities import Identity
from dynamo_assets.sandbox.iam.policies import ALLOWED, Call, Document, as_list, decide


def allows(
    policy: str, action: str, who: Identity, resource: str = "", context: Mapping[str, str] | None = None
) -> bool:
    """Whether a policy lets somebody do something.

    Args:
        policy: The document.
        action: Such as `sts:AssumeRole`.
        who: Who asks.
        resource: To what; a role's trust policy names none.
        context: The condition keys that are known of the request.

    Raises:
        UnknownElementError: A statement about the caller has something that the sandbox does not evaluate.
    """
    statements = [
        _without_principal(each)
        for each in as_list(json.loads(policy)["Statement"])
        if _names(each.get("Principal", {}), who)
    ]
    call = Call(action, resource, {key.lower(): (value,) for key, value in (context or {}).items()})
    return decide([Document("policy", "resource", tuple(statements))], call).verdict == ALLOWED


def _without_principal(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    rest = {key: value for key, value in statement.items() if key != "Principal"}
    return rest if {"Resource", "NotResource"} & set(rest) else {**rest, "Resource": "*"}


def _names(principal: Any, who: Identity) -> bool:
    if principal == "*":
        return True
    named = as_list(principal.get("AWS", []))
    whole_account = {"*", who.account, f"arn:aws:iam::{who.account}:root"}
    if who.role_arn:
        return bool(whole_account & set(named)) or who.role_arn in named
    # Of whom the sandbox does not know who it is, it may be anybody of the account.
    return bool(whole_account & set(named)) or any(each.startswith(f"arn:aws:iam::{who.account}:") for each in named)
