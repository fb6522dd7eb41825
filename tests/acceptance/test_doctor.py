"""`dynamo-assets doctor`: in an empty account, after `deploy`, after the first exports, and with much amiss."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dynamo_assets import cli
from dynamo_assets.configuration.load import load_settings
from dynamo_assets.doctor.case import Place
from dynamo_assets.doctor.needs import needs_of_dagster
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION, Endpoint
from dynamo_assets.sandbox.traffic import used_actions
from tests.acceptance.conftest import FAST, NO_WHEELS, Pipeline, failure_of

LOOKS = {
    "athena:GetWorkGroup",
    "cloudformation:DescribeStackResources",
    "cloudformation:DescribeStacks",
    "dynamodb:DescribeTimeToLive",
    "glue:GetJob",
    "iam:GetRole",
    "iam:SimulatePrincipalPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetEncryptionConfiguration",
    "sts:GetCallerIdentity",
}
"""What the doctor asks beyond what Dagster's own policies allow."""
LOOKS_AT_MORE = {"kms:DescribeKey", "sns:GetTopicAttributes"}
"""The same, with keys and a topic."""
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
            "Action": "sts:AssumeRole",
        },
    }
)
Found = list[tuple[str | None, str, str]]


@pytest.fixture
def name(unique) -> str:
    return unique("examined")


@pytest.fixture
def command(aws: Endpoint, name: str, tmp_path: Path, monkeypatch, capsys) -> Callable[..., str]:
    """Runs a command after the tables file has been written; gives what it printed."""

    def run(*arguments: str, exits: int = 0, tables: dict[str, Any], **sections: dict[str, Any]) -> str:
        document = {
            "storage": {"bucket": name.replace("_", "-")},
            "catalog": {"database": name, **sections.pop("catalog", {})},
            "athena": {"workgroup": name},
            "glue": {"job_name": name, "role_arn": f"arn:aws:iam::{ACCOUNT_ID}:role/exports/{name}"},
            "defaults": FAST,
            "deploy": NO_WHEELS,
            "tables": tables,
            **sections,
        }
        path = tmp_path / "tables.yaml"
        path.write_text(yaml.safe_dump(document))
        monkeypatch.setenv("DYNAMO_ASSETS_CONFIG", str(path))
        assert cli.main(arguments) == exits
        return capsys.readouterr().out

    return run


def _amiss(printed: str) -> Found:
    """What is not ok: the table, the subject, the level."""
    document = json.loads(printed)
    assert document["version"] == 1
    found = [each for each in document["findings"] if each["level"] != "ok"]
    assert all(each["advice"] for each in found)
    return [(each["table"], each["subject"], each["level"]) for each in found]


def _create(aws: Endpoint, table: str) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName=table, Item={"id": {"S": "1"}, "stars": {"N": "5"}})


@pytest.fixture
def become(aws: Endpoint, name: str, monkeypatch) -> Callable[[], str]:
    """From here on this test's credentials are those of a role with the two policies; gives their access key."""

    def assume() -> str:
        iam, role = aws.client("iam"), f"{name}_dagster"
        [stack] = aws.client("cloudformation").describe_stacks(StackName=f"dynamo-assets-{name.replace('_', '-')}")[
            "Stacks"
        ]
        arn = iam.create_role(RoleName=role, Path="/data/", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        for output in stack["Outputs"]:
            if output["OutputKey"].endswith("PolicyArn"):
                iam.attach_role_policy(RoleName=role, PolicyArn=output["OutputValue"])
        given = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="doctor")["Credentials"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", given["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", given["SecretAccessKey"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", given["SessionToken"])
        return given["AccessKeyId"]

    return assume


def _allowed_to_dagster(folder: Path) -> set[str]:
    needs = needs_of_dagster(load_settings(folder / "tables.yaml"), Place("aws", REGION, ACCOUNT_ID))
    return {action for need in needs for action in need.actions}


def test_what_the_doctor_asks_is_in_the_docs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text()
    assert [action for action in sorted(LOOKS | LOOKS_AT_MORE) if action not in text] == []


def test_an_empty_account_is_told_what_is_missing_and_a_deployed_one_is_fine_before_and_after_exports(  # noqa: PLR0917
    aws: Endpoint, name: str, unique, command, become, tmp_path: Path, instance
) -> None:
    crawled, other, past = unique("Reviews"), unique("Orders"), unique("Stock")
    tables = {
        crawled: {"engine": "in_process", "freshness": {"warn": "26h", "fail": "30h"}, "keep_views": 1},
        other: {"engine": "in_process", "format": "csv"},
        past: {"engine": "point_in_time", "schedule": "0 * * * *"},
    }

    missing = _amiss(command("doctor", "--json", exits=1, tables=tables))
    assert missing == [
        (None, "permissions", "unknown"),
        (None, "permissions of the Glue role", "unknown"),
        (None, "bucket", "problem"),
        (None, "workgroup", "problem"),
        (None, "query", "unknown"),
        (None, "database", "problem"),
        (None, "Glue role", "problem"),
        (None, "Glue job", "problem"),
        (other, "table", "problem"),
        (crawled, "table", "problem"),
        (past, "table", "problem"),
    ]

    command("deploy", tables=tables)
    for table in tables:
        _create(aws, table)
    aws.client("dynamodb").update_continuous_backups(
        TableName=past, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    key = become()
    shown = command("doctor", "--strict", tables=tables)
    assert "0 problem(s), 0 warning(s), 0 unknown" in shown
    assert f"role/data/{name}_dagster may do" in shown
    assert used_actions(aws, key) - _allowed_to_dagster(tmp_path) == LOOKS

    pipeline = Pipeline(aws, load_settings(tmp_path / "tables.yaml"), tmp_path / "tables.yaml", instance)
    runs = [pipeline.run(crawled), pipeline.run(other)]
    assert all(run.success for run in runs), [failure_of(run) for run in runs if not run.success]
    made = {table["Name"] for table in aws.client("glue").get_tables(DatabaseName=name)["TableList"]}
    assert f"{crawled.lower()}_history" in made
    assert _amiss(command("doctor", "--json", "--strict", tables=tables)) == []
    assert "unchanged" in command("deploy", tables=tables)


def test_everything_that_is_amiss_is_found_and_named(aws: Endpoint, name: str, unique, command, become) -> None:
    off, slow, renamed, gone = (unique(stem) for stem in ("Off", "Slow", "Renamed", "Gone"))
    kms, glue, athena, iam = (aws.client(service) for service in ("kms", "glue", "athena", "iam"))
    key, bucket = kms.create_key()["KeyMetadata"], name.replace("_", "-")
    topic = f"arn:aws:sns:eu-west-1:{ACCOUNT_ID}:{name}"
    sections: dict[str, Any] = {
        "tables": {
            off: {"engine": "point_in_time", "freshness": {"warn": "20h", "fail": "23h"}},
            slow: {"engine": "in_process", "schedule": "* * * * *", "max_read_units": 0.5, "time_limit": "90s"},
            renamed: {"name": name, "ttl_attribute": "expires"},
            gone: {},
        },
        "deploy": {**NO_WHEELS, "kms_key": key["Arn"]},
        "alerts": {"sns_topic": topic},
    }
    command("deploy", **sections)
    for table in (off, slow, renamed):
        _create(aws, table)
    for number in range(2):
        item = {"id": {"S": f"long-{number}"}, "text": {"S": "x" * 250_000}}
        aws.client("dynamodb").put_item(TableName=slow, Item=item)
    access_key = become()

    kms.disable_key(KeyId=key["KeyId"])
    iam.put_role_policy(
        RoleName=f"{name}_dagster",
        PolicyName="no_queries",
        PolicyDocument=_document({"Effect": "Deny", "Action": "athena:StartQuery*", "Resource": "*"}),
    )
    by_ec2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=_document(by_ec2))
    reads = {"Effect": "Allow", "Action": ["dynamodb:*", "kms:*"], "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="exports", PolicyDocument=_document(reads))
    aws.client("s3").delete_public_access_block(Bucket=bucket)
    athena.update_work_group(
        WorkGroup=name,
        ConfigurationUpdates={"ResultConfigurationUpdates": {"RemoveOutputLocation": True}},
    )
    job = glue.get_job(JobName=name)["Job"]
    glue.update_job(
        JobName=name,
        JobUpdate={
            "Role": job["Role"],
            "Command": {**job["Command"], "ScriptLocation": f"s3://{bucket}/other.py"},
            "DefaultArguments": job["DefaultArguments"],
            "GlueVersion": job["GlueVersion"],
            "ExecutionProperty": {"MaxConcurrentRuns": 1},
        },
    )
    glue.create_table(
        DatabaseName=name,
        TableInput={"Name": name, "TableType": "VIRTUAL_VIEW", "ViewOriginalText": _view("SELECT 1 AS one")},
    )
    elsewhere = {"Location": f"s3://{bucket}/elsewhere/", "Columns": []}
    glue.create_table(
        DatabaseName=name, TableInput={"Name": f"snapshots_{off.lower()}", "StorageDescriptor": elsewhere}
    )
    beside = {"Location": f"s3://{bucket}/snapshots_{gone.lower()}/part/", "Columns": []}
    glue.create_table(DatabaseName=name, TableInput={"Name": "stray", "StorageDescriptor": beside})
    glue.create_crawler(
        Name=f"{name}_snapshots_{slow.lower()}",
        Role=job["Role"],
        DatabaseName=name,
        Targets={"S3Targets": [{"Path": f"s3://{bucket}/elsewhere/"}]},
    )

    printed = command("doctor", "--json", exits=1, **sections)

    expected: Found = [
        (None, "permissions", "problem"),
        *[(None, "permissions of the Glue role", "problem")] * 6,
        (None, "bucket public access", "warning"),
        (None, "KMS key", "problem"),
        (None, "workgroup", "problem"),
        (None, "query", "unknown"),
        (None, "Glue role", "problem"),
        (None, "SNS topic", "problem"),
        (None, "Glue job", "warning"),
        (None, "Glue code", "problem"),
        (None, "Glue concurrency", "warning"),
        (off, "point-in-time recovery", "problem"),
        (off, "freshness", "problem"),
        (off, "names", "problem"),
        (slow, "duration", "problem"),
        (slow, "schedule", "problem"),
        (slow, "names", "problem"),
        (renamed, "time to live", "warning"),
        (renamed, "names", "problem"),
        (gone, "table", "problem"),
        (gone, "names", "problem"),
    ]
    assert sorted(_amiss(printed), key=str) == sorted(expected, key=str)
    assert f"athena:StartQueryExecution on arn:aws:athena:{REGION}:{ACCOUNT_ID}:workgroup/{name}; denied by" in printed
    assert "is a view that somebody else has made" in printed
    assert used_actions(aws, access_key) >= LOOKS_AT_MORE
    other = f"arn:aws:iam::{ACCOUNT_ID}:role/exports/{name}"
    asked = ("doctor", "--json", "--table", off, "--principal", other)
    of_one = json.loads(command(*asked, exits=1, **sections))["findings"]
    assert {each["table"] for each in of_one} == {None, off}
    of_other = [each["found"] for each in of_one if each["subject"] == "permissions"]
    assert of_other
    assert all(found.startswith(other) for found in of_other)


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _view(sql: str) -> str:
    """As Athena keeps it."""
    return f"/* Presto View: {base64.b64encode(json.dumps({'originalSql': sql}).encode()).decode()} */"
