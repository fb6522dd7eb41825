"""The template by itself: what linters say, and least privilege."""

from __future__ import annotations

import json
import re

import pytest
from cfnlint.api import lint_all

from dynamo_assets.infrastructure.parameters import MAX_TABLES_TEXT, template_body
from dynamo_assets.sandbox.cloudformation.identities import INLINE_POLICIES_LIMIT, MANAGED_POLICY_LIMIT
from dynamo_assets.sandbox.cloudformation.template import MAX_TEMPLATE_BYTES
from tests.infrastructure.template_policies import TABLE, TEMPLATE, as_list, documents, evaluated

DAGSTER = ("DagsterPolicy", "DagsterTablesPolicy")
WILDCARDS = {
    (
        "Key",
        "PoliciesOfTheAccountDecide",
    ): "a key's own policy names the key so; without it nobody could manage the key",
    ("BucketPolicy", "OnlyOverTls"): "a refusal, of everything",
    ("Role", "WriteMetrics"): "CloudWatch has no resources for metrics; confined by the namespace",
    ("DagsterPolicy", "MakeCrawlers"): "these actions know no resources; confined by the one role that may be passed",
}
"""Each wildcard that AWS demands, and why."""


def test_cfn_lint_finds_nothing() -> None:
    found = [match for match in lint_all(TEMPLATE.read_text()) if not match.rule.id.startswith("I")]  # informational
    assert found == []


def test_what_is_deployed_is_the_template_without_its_comments_and_not_too_long() -> None:
    body = template_body()
    assert not re.search(r"^\s*#", body, re.MULTILINE)
    assert len(body.encode()) < MAX_TEMPLATE_BYTES


def test_14_no_action_and_no_resource_is_a_wildcard_unless_aws_demands_it() -> None:
    text, found = TEMPLATE.read_text(), set()
    for name, document in documents(evaluated()):
        for statement in document["Statement"]:
            assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement)
            actions, resources = as_list(statement["Action"]), as_list(statement.get("Resource", []))
            if any("*" in each for each in actions) or any(_is_open(each) for each in resources):
                found.add((name, statement["Sid"]))
                assert re.search(rf"# .*\n\s+- Sid: {statement['Sid']}\n", text), "a comment says why"
    assert found == set(WILDCARDS)


def _is_open(resource: str) -> bool:
    """Whether an ARN has a wildcard before the name of what is ours, or in place of it."""
    ours = ("exports", "dynamodb_exports", TABLE, "/aws-glue/", "database/default", ":catalog")
    return resource == "*" or ("*" in resource and not any(each in resource.split("*", maxsplit=1)[0] for each in ours))


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_every_arn_is_of_the_partition_that_the_stack_is_in(partition: str) -> None:
    assert partition not in TEMPLATE.read_text()
    assert "arn:aws:" not in TEMPLATE.read_text()


def test_the_policies_of_as_many_tables_as_deploy_takes_are_not_too_long() -> None:
    longest = {
        "BucketName": "b" * 63,
        "KeyPrefix": "some/longer/prefix/",
        "DatabaseName": "d" * 60,
        "WorkgroupName": "w" * 60,
        "RoleName": "r" * 64,
        "JobName": "j" * 60,
        "ConnectorJobName": "c" * 70,
        "TableArns": ",".join([TABLE] * (MAX_TABLES_TEXT // len(TABLE + ","))),
    }
    resources = evaluated(**longest)
    for name, limit in {"Role": INLINE_POLICIES_LIMIT, **dict.fromkeys(DAGSTER, MANAGED_POLICY_LIMIT)}.items():
        [*_, document] = [document for owner, document in documents(resources) if owner == name]
        # `<Key.Arn>` and the like stand for ARNs of less than a hundred characters, three in a policy.
        assert len(re.sub(r"\s", "", json.dumps(document))) < limit - 300, name


def test_jobs_and_dagster_may_not_change_what_jobs_run() -> None:
    resources = evaluated()
    for name in ("Role", "DagsterPolicy"):
        [*_, document] = [document for owner, document in documents(resources) if owner == name]
        [denied] = [each for each in document["Statement"] if each["Effect"] == "Deny"]
        assert denied["Resource"] == "arn:aws:s3:::exports/_glue/*"
        assert set(denied["Action"]) == {"s3:DeleteObject", "s3:PutObject"}
