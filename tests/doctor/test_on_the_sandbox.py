"""Single examinations of things as AWS has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.doctor.case import Case, Described
from dynamo_assets.doctor.examination import examine
from dynamo_assets.doctor.inquiry import Inquiry, UntoldError
from dynamo_assets.doctor.keys import arns_of_keys
from dynamo_assets.doctor.principal import principal_of
from dynamo_assets.doctor.queries import examine_queries
from dynamo_assets.doctor.storage import examine_bucket, examine_encryption
from dynamo_assets.doctor.table import describe, examine_table_key
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION
from tests.doctor.cases import PLACE, settings, table

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def _case(of: Settings | None = None) -> Case:
    return Case(of or settings(), AwsClients(), Inquiry(), PLACE, "", (), {}, NOW)


def _in_bucket(bucket: str, **sections: Any) -> Settings:
    return settings(storage={"bucket": bucket}, **sections)


def test_a_bucket_must_be_in_the_region_and_ones_own(aws, unique) -> None:
    name, s3 = unique("far-away").replace("_", "-"), aws.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    case = _case(_in_bucket(name))
    [far] = examine_bucket(case)
    assert (far.level, far.found.split(",")[0]) == ("problem", f"{name} is in eu-west-1")
    # The sandbox has one account.
    with Stubber(case.aws.s3) as stub:
        stub.add_client_error(
            "head_bucket",
            "403",
            http_status_code=403,
            expected_params={"Bucket": name, "ExpectedBucketOwner": ACCOUNT_ID},
        )
        [foreign] = examine_bucket(case)
    assert (foreign.level, f"it is not account {ACCOUNT_ID}'s" in foreign.found) == ("problem", True)


def test_a_bucket_must_encrypt_with_the_key_that_the_settings_name(aws, bucket: str) -> None:
    s3, kms = aws.client("s3"), aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=f"alias/{bucket}", TargetKeyId=key)
    wanted = _in_bucket(bucket, deploy={"kms_key": key})
    other = _in_bucket(bucket, deploy={"kms_key": key[:-1] + "x"})
    by = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": by}]},
    )
    assert [each.level for each in examine_encryption(_case(wanted))] == ["ok"]
    assert [each.level for each in examine_encryption(_case(other))] == ["warning"]
    aliased = table(engine="point_in_time", point_in_time={"kms_key": f"alias/{bucket}"})
    assert arns_of_keys(_case(settings(aliased, storage={"bucket": bucket}))) == [key]
    s3.delete_bucket_encryption(Bucket=bucket)
    assert [each.level for each in examine_encryption(_case(wanted))] == ["warning"]


def test_who_may_not_look_at_the_workgroup_can_query_all_the_same(aws, bucket: str) -> None:
    aws.client("athena").create_work_group(
        Name=bucket, Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{bucket}/results/"}}
    )
    case = _case(_in_bucket(bucket, athena={"workgroup": bucket}))
    assert [(each.subject, each.level) for each in examine_queries(case)] == [("workgroup", "ok"), ("query", "ok")]
    # The sandbox refuses nobody.
    with Stubber(case.aws.athena) as stub:
        stub.add_client_error("get_work_group", "AccessDeniedException", expected_params={"WorkGroup": bucket})
        found = [(each.subject, each.level) for each in examine_queries(case)]
    assert found == [("workgroup", "unknown"), ("query", "ok")]
    nowhere = _case(_in_bucket(bucket, athena={"workgroup": f"no-{bucket}"}))
    assert [(each.subject, each.level) for each in examine_queries(nowhere)] == [
        ("workgroup", "problem"),
        ("query", "unknown"),
    ]


def test_a_table_whose_key_is_disabled_cannot_be_read(aws, unique) -> None:
    kms, name = aws.client("kms"), unique("Encrypted")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    one, case = table(name), _case()
    answer = describe(case, one)
    assert answer
    assert [each.level for each in examine_table_key(case, Described(one, answer))] == ["ok"]
    kms.disable_key(KeyId=key.rpartition("/")[2])
    [found] = examine_table_key(case, Described(one, answer))
    assert (found.level, found.table) == ("problem", name)


@pytest.mark.parametrize(
    ("caller", "why"),
    [
        (f"arn:aws:iam::{ACCOUNT_ID}:root", "root credentials"),
        (f"arn:aws:sts::{ACCOUNT_ID}:federated-user/ann", "neither a role nor a user"),
        ("arn:aws:iam::210987654321:role/dagster", "is of account 210987654321"),
        (f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/nobody-made-it/session", "IAM knows no role"),
    ],
)
def test_of_whom_iam_simulates_nothing_is_said(aws, caller: str, why: str) -> None:
    with pytest.raises(UntoldError, match=why):
        principal_of(_case(), caller)


def test_a_session_is_simulated_as_its_role_with_its_path(aws, unique) -> None:
    name = unique("dagster")
    role = aws.client("iam").create_role(RoleName=name, Path="/data/", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    assert principal_of(_case(), f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{name}/session") == role
    assert principal_of(_case(), role) == role
    user = f"arn:aws:iam::{ACCOUNT_ID}:user/data/ann"
    assert principal_of(_case(), user) == user


def test_without_credentials_it_is_said_what_needs_none(monkeypatch, tmp_path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    one = table(freshness={"warn": "1h", "fail": "2h"}, columns={"price": "money"})
    report = examine(settings(one), AwsClients(), [one], NOW)
    assert [(each.subject, each.level) for each in report.findings] == [
        ("credentials", "problem"),
        ("region", "ok"),
        ("AWS", "unknown"),
        ("Glue concurrency", "ok"),
        ("settings", "problem"),
        ("freshness", "problem"),
        ("retention", "ok"),
    ]
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    assert examine(settings(one), AwsClients(), [one], NOW).findings[0].subject == "region"
