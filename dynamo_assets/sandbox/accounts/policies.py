"""What a policy that is attached to a role, a bucket or a table says of somebody's action.

The policies of identities are not looked at: the sandbox gives its callers every permission within their own account.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from dynamo_assets.sandbox.accounts.identities import Identity


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
    """
    statements = _listed(json.loads(policy)["Statement"])
    effects = {each["Effect"] for each in statements if _is_about(each, action, who, resource, context or {})}
    return effects == {"Allow"}


def _is_about(
    statement: Mapping[str, Any], action: str, who: Identity, resource: str, context: Mapping[str, str]
) -> bool:
    return (
        any(fnmatchcase(action.lower(), each.lower()) for each in _listed(statement.get("Action", [])))
        and ("Resource" not in statement or any(fnmatchcase(resource, each) for each in _listed(statement["Resource"])))
        and _names(statement.get("Principal", {}), who)
        and all(
            _holds(operator, key, _listed(values), context)
            for operator, tests in statement.get("Condition", {}).items()
            for key, values in tests.items()
        )
    )


def _names(principal: Any, who: Identity) -> bool:
    if principal == "*":
        return True
    named = _listed(principal.get("AWS", []))
    whole_account = {"*", who.account, f"arn:aws:iam::{who.account}:root"}
    if who.role_arn:
        return bool(whole_account & set(named)) or who.role_arn in named
    # Of whom the sandbox does not know who it is, it may be anybody of the account.
    return bool(whole_account & set(named)) or any(each.startswith(f"arn:aws:iam::{who.account}:") for each in named)


def _holds(operator: str, key: str, values: Iterable[Any], context: Mapping[str, str]) -> bool:
    """Whether a condition does. What is not known of a request is none of the values."""
    given = context.get(key)
    if given is None:
        return False
    if operator in ("StringEquals", "Bool"):
        return given in map(str, values)
    if operator in ("StringLike", "ArnLike", "ArnEquals"):
        return any(fnmatchcase(given, each) for each in values)
    raise NotImplementedError(f"The sandbox does not evaluate the condition {operator}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
