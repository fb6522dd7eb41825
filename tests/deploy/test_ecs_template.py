"""deploy/ecs.yaml by itself: what linters say, and least privilege."""

from __future__ import annotations

import re

import pytest
from cfnlint.api import lint

from dynamo_assets.sandbox.cloudformation.template import MAX_TEMPLATE_BYTES
from tests.deploy.deployed import TEMPLATE, evaluated
from tests.infrastructure.template_policies import as_list, documents

WILDCARDS = {
    ("LogBucketPolicy", "OnlyOverTls"): "a refusal, of everything",
    ("ExecutionRole", "EnterTheRegistry"): "a token is for all of the account's registry",
    ("ServiceRole", "LookWhereItRunsItself"): "these actions know no resources; they read",
}
"""Each wildcard that AWS demands, and why."""


def test_cfn_lint_finds_nothing() -> None:
    # In one Region, since the database's rules take a second for each.
    found = lint(TEMPLATE.read_text(), None, ["us-east-1"])
    assert found == []
    assert len(TEMPLATE.read_bytes()) < MAX_TEMPLATE_BYTES


def test_no_action_and_no_resource_is_a_wildcard_unless_aws_demands_it() -> None:
    text, found = TEMPLATE.read_text(), set()
    for name, document in documents(evaluated()):
        for statement in document["Statement"]:
            assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement)
            actions, resources = as_list(statement["Action"]), as_list(statement.get("Resource", []))
            if any("*" in each for each in actions) or "*" in resources:
                found.add((name, statement["Sid"]))
                assert re.search(rf"# .*\n\s+- \{{?Sid: {statement['Sid']}\b", text), "a comment says why"
    assert found == set(WILDCARDS)


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_every_arn_is_of_the_partition_that_the_stack_is_in(partition: str) -> None:
    assert partition not in TEMPLATE.read_text()
    assert "arn:aws:" not in TEMPLATE.read_text()
    assert ".amazonaws.com/" not in TEMPLATE.read_text()


def test_nobody_reaches_the_code_location_and_there_is_never_a_second_daemon() -> None:
    resources = evaluated()

    assert [rule["ToPort"] for rule in resources["TaskSecurityGroup"]["SecurityGroupIngress"]] == [3000]
    service = resources["Service"]
    assert service["DesiredCount"] == 1
    assert service["DeploymentConfiguration"]["MaximumPercent"] == 100
    assert service["AvailabilityZoneRebalancing"] == "DISABLED"
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"


def test_the_password_is_in_no_variable_and_no_command() -> None:
    resources = evaluated()

    for task in ("RunTask", "ServiceTask"):
        for container in resources[task]["ContainerDefinitions"]:
            assert "DatabaseSecret" not in str([container["Environment"], container.get("Command")])
            assert [secret["Name"] for secret in container["Secrets"]] == ["DAGSTER_POSTGRES_PASSWORD"]
