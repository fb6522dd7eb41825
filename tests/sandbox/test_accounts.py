"""Several accounts in one sandbox: apart from each other, but for what roles and policies let through."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamo_assets.aws.waiting import wait_until
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION, Endpoint
from tests.other_account import OTHER, OtherAccount


@pytest.fixture
def other(sandbox: Endpoint, unique) -> OtherAccount:
    return OtherAccount(sandbox, unique)


def _refusal(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return refused.value.response["Error"]["Code"]  # pyright: ignore[reportTypedDictNotRequiredAccess]


def test_a_table_is_found_in_its_own_account_only_and_through_a_role_of_it(sandbox, other: OtherAccount) -> None:
    arn = other.table("Orders", [{"id": {"S": "1"}}])
    name = arn.rsplit("/", 1)[-1]
    own = sandbox.client("dynamodb")

    assert arn == f"arn:aws:dynamodb:{REGION}:{OTHER}:table/{name}"
    assert _refusal(own.describe_table, TableName=name) == "ResourceNotFoundException"
    assert _refusal(own.describe_table, TableName=arn) == "AccessDeniedException"
    with_role = other.client_with(other.role(), "dynamodb")
    assert with_role.describe_table(TableName=arn)["Table"]["TableArn"] == arn
    assert with_role.scan(TableName=name)["Items"] == [{"id": {"S": "1"}}]


@pytest.mark.parametrize("engine_call", ["describe_table", "scan"])
def test_a_tables_own_policy_lets_another_account_read_it_by_its_arn(sandbox, other, engine_call: str) -> None:
    arn = other.table("Orders", [{"id": {"S": "1"}}])
    allowed = {
        "Effect": "Allow",
        "Principal": {"AWS": ACCOUNT_ID},
        "Action": ["dynamodb:DescribeTable", "dynamodb:Scan", "dynamodb:DescribeContinuousBackups"],
        "Resource": arn,
    }
    other.client("dynamodb").put_resource_policy(
        ResourceArn=arn, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )
    own = sandbox.client("dynamodb")

    assert getattr(own, engine_call)(TableName=arn)
    # Not across accounts, whatever the policy says.
    assert _refusal(own.describe_continuous_backups, TableName=arn) == "AccessDeniedException"


def test_a_role_is_assumed_only_by_whom_it_trusts_and_with_its_external_id(sandbox, other: OtherAccount) -> None:
    sts = sandbox.client("sts")
    role = other.role(external_id="shop")

    def assume(**more: Any) -> dict[str, Any]:
        return sts.assume_role(RoleSessionName="test", **{"RoleArn": role, **more})

    assert _refusal(assume) == "AccessDenied"
    assert _refusal(assume, ExternalId="stop") == "AccessDenied"
    assert _refusal(assume, RoleArn=other.role(trusts="arn:aws:iam::333333333333:root")) == "AccessDenied"
    assert _refusal(assume, RoleArn=f"arn:aws:iam::{OTHER}:role/nobody") == "AccessDenied"
    assert assume(ExternalId="shop")["Credentials"]["SessionToken"]


def test_a_role_that_is_assumed_with_a_role_is_for_an_hour_at_most(sandbox, other: OtherAccount) -> None:
    first = other.role()
    second = other.role(trusts=first)
    chained = other.client_with(first, "sts")

    assert (
        _refusal(chained.assume_role, RoleArn=second, RoleSessionName="chained", DurationSeconds=3601)
        == "ValidationError"
    )
    assert chained.assume_role(RoleArn=second, RoleSessionName="chained")["Credentials"]
    assert chained.get_caller_identity()["Account"] == OTHER


def test_an_export_to_another_accounts_bucket_needs_its_owners_name_and_its_policy(sandbox, other, unique) -> None:
    arn, role, bucket = other.table("Orders"), other.role(), unique("exports").replace("_", "-")
    sandbox.client("s3").create_bucket(Bucket=bucket)
    other.client("dynamodb").update_continuous_backups(
        TableName=arn, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb = other.client_with(role, "dynamodb")

    def outcome(**more: Any) -> str:
        started = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=bucket, **more)["ExportDescription"]
        ended = wait_until(lambda: _ended(dynamodb, started["ExportArn"]), what="export", timeout=timedelta(minutes=1))
        return ended.get("FailureCode", ended["ExportStatus"])

    assert outcome(S3BucketOwner=ACCOUNT_ID) == "S3AccessDenied"
    allowed = {
        "Effect": "Allow",
        "Principal": {"AWS": role},
        "Action": ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"],
        "Resource": f"arn:aws:s3:::{bucket}/exports/*",
    }
    sandbox.client("s3").put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )
    assert outcome(S3BucketOwner=ACCOUNT_ID, S3Prefix="exports") == "COMPLETED"
    assert outcome(S3Prefix="exports") == "S3AccessDenied"
    assert outcome(S3BucketOwner=ACCOUNT_ID, S3Prefix="elsewhere") == "S3AccessDenied"


def _ended(dynamodb: Any, arn: str) -> dict[str, Any] | None:
    described = dynamodb.describe_export(ExportArn=arn)["ExportDescription"]
    return None if described["ExportStatus"] == "IN_PROGRESS" else described


def test_glue_and_athena_are_in_the_sandboxs_own_account_only(sandbox) -> None:
    for service, call in (("glue", "get_databases"), ("athena", "list_work_groups"), ("cloudformation", "list_stacks")):
        client = sandbox.client(service, OTHER)
        with pytest.raises(ClientError, match=f"{OTHER}: only in {ACCOUNT_ID}"):
            getattr(client, call)()
