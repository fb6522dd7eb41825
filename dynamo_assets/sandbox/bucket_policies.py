"""Bucket policies, where moto evaluates them: it passes over the conditions of their statements."""

from __future__ import annotations

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult


def get_permission(bucket: Any, action: str, resource: str) -> PermissionResult:
    """What a bucket's policy says to an action, for moto's bucket.

    Statements about requests without TLS are about none here: the sandbox's address stands for AWS's, which has TLS.
    """
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    statements = [each for each in policy["Statement"] if not _is_of_plain_requests(each)]
    return IAMPolicy(json.dumps({**policy, "Statement": statements})).is_action_permitted(action, resource=resource)


def _is_of_plain_requests(statement: Any) -> bool:
    return str(statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")).lower() == "false"
