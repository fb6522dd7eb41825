"""Tables of other accounts, named by ARN: what a table's resource-based policy allows, and nothing else.

Developer guide, "DynamoDB API operations supported by resource-based policies": across accounts there are the
operations below only. Point-in-time recovery and exports are not among them.
"""

from __future__ import annotations

import json
from typing import Any, cast

from moto.core.common_types import TYPE_RESPONSE
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler

from dynamo_assets.sandbox.accounts.identities import caller
from dynamo_assets.sandbox.accounts.policies import allows

ACROSS_ACCOUNTS = frozenset(
    {"DeleteItem", "DeleteTable", "DescribeTable", "GetItem", "PutItem", "Query", "Scan", "UpdateItem", "UpdateTable"}
)
_NAMING = ("TableName", "TableArn", "ResourceArn", "ExportArn")


def enter(handler: DynamoHandler) -> TYPE_RESPONSE | None:
    """Lets a request act in the account of the table that it names; gives the refusal where it may not."""
    body: Any = handler.raw_body
    if b"arn:" not in (body if isinstance(body, bytes) else str(body).encode()):
        return None
    request = json.loads(body)
    arn = next((str(request[name]) for name in _NAMING if str(request.get(name, "")).startswith("arn:")), None)
    if arn is None or arn.split(":")[4] == handler.current_account:
        return None
    operation, who = handler._get_action(), caller(cast("Any", handler.headers))
    account = arn.split(":")[4]
    policy = dynamodb_backends[account][handler.region].resource_policies.get(arn)
    if operation in ACROSS_ACCOUNTS and policy and allows(policy.policy_doc, f"dynamodb:{operation}", who, arn):
        handler.current_account = account
        return None
    message = (
        f"User: {who.arn} is not authorized to perform: dynamodb:{operation} on resource: {arn} because no "
        f"resource-based policy allows the dynamodb:{operation} action"
    )
    answer = {"__type": "com.amazon.coral.service#AccessDeniedException", "Message": message}
    return 400, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(answer)
