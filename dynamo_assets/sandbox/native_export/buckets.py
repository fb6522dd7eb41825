"""Whether DynamoDB may write an export to a bucket: it does so with its caller's permissions.

API reference, ExportTableToPointInTime: `S3BucketOwner` is required for a bucket of another account. Developer guide,
"Requesting a table export": that bucket's policy has to allow the caller three actions. That a refusal fails the
export, not the request, and how it reads, others have seen (aws-solutions-library-samples, "Guidance for incremental
data exports from Amazon DynamoDB to Amazon S3", issue 6); its code here is made like `S3NoSuchBucket`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from moto.dynamodb.responses import DynamoHandler
from moto.s3.models import s3_backends

from dynamo_assets.sandbox.accounts.identities import caller
from dynamo_assets.sandbox.accounts.policies import allows

DENIED = "Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied)"
ACTIONS = ("s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl")


def owner_of(bucket: str) -> str | None:
    """The account that owns a bucket; None where there is none of this name."""
    _, account = s3_backends.bucket_accounts.get(bucket, (None, None))
    return account


def may_write(handler: DynamoHandler, request: Mapping[str, Any]) -> bool:
    """Whether the caller may have an export written to the bucket. One that is missing refuses nobody."""
    name, account = request["S3Bucket"], handler.current_account
    owner = owner_of(name)
    if owner is None:
        return True
    if request.get("S3BucketOwner", account) != owner:
        return False
    if owner == account:
        return True
    policy = s3_backends[owner][handler.partition].get_bucket(name).policy
    folder = "/".join(part for part in (name, request.get("S3Prefix"), "AWSDynamoDB") if part)
    objects = f"arn:{handler.partition}:s3:::{folder}/_started"
    who = caller(cast("Any", handler.headers))
    return policy is not None and all(allows(_text(policy), action, who, objects) for action in ACTIONS)


def _text(policy: str | bytes) -> str:
    return policy.decode() if isinstance(policy, bytes) else policy
