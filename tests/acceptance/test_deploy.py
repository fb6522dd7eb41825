"""From an empty account to what exports need, by `dynamo-assets deploy`, and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from dynamo_assets import cli
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.load import load_settings
from dynamo_assets.errors import ConfigError, DeploymentError
from dynamo_assets.infrastructure import deployment
from dynamo_assets.infrastructure.deployment import deploy
from dynamo_assets.infrastructure.stack import Stack
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, Endpoint
from tests.acceptance.conftest import NO_WHEELS

Run = Callable[..., str]


@pytest.fixture
def name(unique) -> str:
    return unique("deployed")


@pytest.fixture
def run(aws: Endpoint, name: str, tmp_path: Path, monkeypatch, capsys) -> Run:
    """Runs a command after the tables file has been written, with the sections given; gives what it printed."""

    def command(*arguments: str, fails: bool = False, **sections: dict[str, Any]) -> str:
        document = {
            "storage": {"bucket": name.replace("_", "-"), "prefix": "lake"},
            "catalog": {"database": name},
            "athena": {"workgroup": name},
            "glue": {"job_name": name, "role_arn": f"arn:aws:iam::{ACCOUNT_ID}:role/exports/{name}"},
            "deploy": NO_WHEELS,
            "tables": {"Orders": {}, "arn:aws:dynamodb:eu-west-1:210987654321:table/Stock": {}},
        }
        for section, keys in sections.items():
            document[section] = {**document.get(section, {}), **keys}
        path = tmp_path / "tables.yaml"
        path.write_text(yaml.safe_dump(document))
        monkeypatch.setenv("DYNAMO_ASSETS_CONFIG", str(path))
        assert cli.main(arguments) == int(fails)
        shown = capsys.readouterr()
        return shown.out + shown.err

    return command


def _exists(aws: Endpoint, name: str) -> dict[str, bool]:
    s3, glue, athena, iam = (aws.client(service) for service in ("s3", "glue", "athena", "iam"))
    # By name each: a listing of a sandbox that other tests use, too, may have several pages.
    return {
        "bucket": _answers(s3.head_bucket, Bucket=name.replace("_", "-")),
        "database": _answers(glue.get_database, Name=name),
        "workgroup": _answers(athena.get_work_group, WorkGroup=name),
        "role": _answers(iam.get_role, RoleName=name),
        "job": _answers(glue.get_job, JobName=name),
        "connector": _answers(glue.get_job, JobName=f"{name}_connector"),
    }


def _answers(call: Callable[..., object], **request: str) -> bool:
    try:
        call(**request)
    except ClientError as error:
        if not re.search("not ?found|nosuch", str(error), re.IGNORECASE):
            raise
        return False
    return True


def test_an_empty_account_gets_everything_once_and_destroy_takes_it_away(aws: Endpoint, name: str, run: Run) -> None:
    bucket, nothing = name.replace("_", "-"), dict.fromkeys(_exists(aws, name), False)
    s3, stacks = aws.client("s3"), aws.client("cloudformation")

    assert "would make Bucket (AWS::S3::Bucket)" in run("deploy", "--dry-run")
    assert _exists(aws, name) == nothing
    with pytest.raises(ClientError, match="does not exist"):
        stacks.describe_stacks(StackName=f"dynamo-assets-{bucket}")

    assert "created" in run("deploy")
    assert _exists(aws, name) == dict.fromkeys(nothing, True)
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    [rule] = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert rule["ObjectOwnership"] == "BucketOwnerEnforced"
    expires = {
        each["Filter"]["Prefix"]: each["Expiration"]["Days"]
        for each in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        if "Expiration" in each
    }
    assert expires == {"lake/_athena_results/": 7, "lake/_units/": 8, "lake/_native_exports/": 14}
    group = aws.client("athena").get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"]
    assert group["EnforceWorkGroupConfiguration"]
    assert group["BytesScannedCutoffPerQuery"] == 1024**4
    assert group["ResultConfiguration"] == {
        "OutputLocation": f"s3://{bucket}/lake/_athena_results/",
        "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
    }
    job = aws.client("glue").get_job(JobName=name)["Job"]
    assert job["Role"] == f"arn:aws:iam::{ACCOUNT_ID}:role/exports/{name}"
    for address in (job["Command"]["ScriptLocation"], job["DefaultArguments"]["--extra-py-files"]):
        s3.head_object(Bucket=bucket, Key=address.removeprefix(f"s3://{bucket}/"))
    policy = aws.client("iam").get_role_policy(RoleName=name, PolicyName="exports")["PolicyDocument"]
    assert policy["Statement"][0]["Resource"] == [
        f"arn:aws:dynamodb:us-east-1:{ACCOUNT_ID}:table/Orders",
        "arn:aws:dynamodb:eu-west-1:210987654321:table/Stock",
    ]

    again = run("deploy")
    assert "unchanged" in again
    assert not [word for word in ("make", "change ", "uploaded", "exists") if word in again]

    assert "would change Job (AWS::Glue::Job): NumberOfWorkers" in run("deploy", "--dry-run", glue={"workers": 3})
    assert "change Job (AWS::Glue::Job): NumberOfWorkers" in run("deploy", glue={"workers": 3})
    assert aws.client("glue").get_job(JobName=name)["Job"]["NumberOfWorkers"] == 3

    s3.put_object(Bucket=bucket, Key="lake/_manifests/snapshots_orders/2026-11-23T10:00:00.json", Body=b"{}")
    assert "holds data (lake/_manifests/" in run("destroy", fails=True)
    assert _exists(aws, name) == dict.fromkeys(nothing, True)
    assert f"bucket {bucket}: kept" in run("destroy", "--keep-data")
    assert _exists(aws, name) == {**nothing, "bucket": True, "database": True}
    # The bucket that was kept is used from now on, and never changed: nor does it go.
    assert f"bucket {bucket}: exists" in run("deploy")
    run("destroy", "--delete-data")
    assert _exists(aws, name) == {**nothing, "bucket": True, "database": True}


def test_data_goes_where_that_is_asked_for(aws: Endpoint, name: str, run: Run) -> None:
    bucket, s3 = name.replace("_", "-"), aws.client("s3")
    run(
        "deploy",
        alerts={"sns_topic": f"arn:aws:sns:us-east-1:{ACCOUNT_ID}:{name}"},
        deploy={"kms_key": "new"},
        glue={"flex": True},
    )
    assert aws.client("glue").get_job(JobName=name)["Job"]["ExecutionClass"] == "FLEX"
    [rule] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        s3.put_object(Bucket=bucket, Key="lake/data", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="lake/data")
    s3.put_object(Bucket=bucket, Key="lake/more", Body=b"x")

    assert "KMS key" in run("destroy", "--delete-data")

    assert not any(_exists(aws, name).values())
    assert "there is none" in run("destroy")


def test_what_exists_already_is_used_and_left_alone(aws: Endpoint, name: str, run: Run) -> None:
    bucket, role = name.replace("_", "-"), f"arn:aws:iam::999999999999:role/{name}"
    aws.client("s3").create_bucket(Bucket=bucket)
    aws.client("athena").create_work_group(Name=name, Description="ours")
    command = {"Name": "glueetl", "ScriptLocation": "s3://theirs/script.py"}
    aws.client("glue").create_job(Name=name, Role=role, Command=command, GlueVersion="5.1")

    shown = run("deploy", glue={"role_arn": role})

    for what in (f"bucket {bucket}", f"workgroup {name}", f"Glue job {name}", f"role {role}"):
        assert f"{what}: exists, and is none of" in shown
    assert f"Glue job {name}: set its script to s3://{bucket}/lake/_glue/" in shown
    assert aws.client("glue").get_job(JobName=name)["Job"]["Command"] == command
    assert aws.client("athena").get_work_group(WorkGroup=name)["WorkGroup"]["Description"] == "ours"
    assert "unchanged" in run("deploy", glue={"role_arn": role})
    run("destroy", "--delete-data", glue={"role_arn": role})
    assert {key for key, there in _exists(aws, name).items() if there} == {"bucket", "workgroup", "job"}


def test_a_change_that_fails_is_rolled_back_and_says_why(aws: Endpoint, name: str, run: Run, monkeypatch) -> None:
    body = deployment.template_body
    broken = "Resources:\n  Broken: {Type: AWS::SNS::Topic, Properties: {TopicNames: x}}\n"
    with monkeypatch.context() as patch:
        patch.setattr(deployment, "template_body", lambda: body().replace("Resources:\n", broken, 1))
        message = run("deploy", fails=True)
        assert "ROLLBACK_COMPLETE: everything is as it was before" in message
        assert "Broken (AWS::SNS::Topic): Encountered unsupported property TopicNames" in message
        assert not any(_exists(aws, name).values())
        assert "what a creation that failed had left is removed" in run("deploy", fails=True)
    assert "created" in run("deploy")

    broken = broken.replace("Broken:", "Broken: {Type: AWS::SNS::Topic, DependsOn: Workgroup}\n  Worse:")
    monkeypatch.setattr(deployment, "template_body", lambda: body().replace("Resources:\n", broken, 1))
    message = run("deploy", fails=True, deploy={"scan_limit": "64MB"})

    assert "UPDATE_ROLLBACK_COMPLETE" in message
    group = aws.client("athena").get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"]
    assert group["BytesScannedCutoffPerQuery"] == 1024**4


def test_what_cannot_be_deployed_is_said_before_anything_is_made(aws: Endpoint, name: str, run: Run, tmp_path) -> None:
    assert "glue.role_arn" in run("deploy", fails=True, glue={"role_arn": ""})
    topic = f"arn:aws:sns:eu-west-1:{ACCOUNT_ID}:{name}"
    assert f"topic {topic}: exists" in run("deploy", "--dry-run", alerts={"sns_topic": topic}), "of another region"
    many = {f"Table-{number}": {} for number in range(60)}
    assert "deploy.table_arns" in run("deploy", fails=True, tables=many)
    shown = run("deploy", "--dry-run", tables=many, deploy={"table_arns": ["arn:aws:dynamodb:us-east-1:1:table/T*"]})
    assert "would make Role" in shown
    settings = load_settings(tmp_path / "tables.yaml")
    nowhere = settings.model_copy(update={"glue": settings.glue.model_copy(update={"role_arn": "dynamodb-exports"})})
    with pytest.raises(ConfigError, match="is no role's ARN"):
        deploy(nowhere, AwsClients(), print)


def test_a_stack_in_trouble_is_left_alone(aws: Endpoint, monkeypatch, run: Run) -> None:
    for status, advice in {"UPDATE_IN_PROGRESS": "wait for its end", "UPDATE_ROLLBACK_FAILED": "console"}.items():
        monkeypatch.setattr(Stack, "status", lambda *_, status=status: status)
        with pytest.raises(DeploymentError, match=advice):
            Stack(aws.client("cloudformation"), "any").make_way()
