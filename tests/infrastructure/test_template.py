"""The template by itself: what linters say, and least privilege."""

from __future__ import annotations

import json
import re

from cfnlint.api import lint_all

from dynamo_assets.infrastructure.parameters import MAX_ROLES_AND_KEYS_TEXT, MAX_TABLES_TEXT, template_body
from dynamo_assets.sandbox.cloudformation.identities import INLINE_POLICIES_LIMIT, MANAGED_POLICY_LIMIT
from dynamo_assets.sandbox.cloudformation.template import MAX_TEMPLATE_BYTES
from tests.infrastructure.template_policies import (
    KEY,
    READER,
    TABLE,
    TEMPLATE,
    allowed_actions,
    as_list,
    documents,
    evaluated,
)

DAGSTER = ("DagsterPolicy", "DagsterTablesPolicy")
WILDCARDS = {
    (
        "Key",
        "PoliciesOfTheAccountDecide",
    ): "a key's own policy names the key so; without it nobody could manage the key",
    ("Key", "LetOtherAccountsEncryptExports"): "of the key itself",
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


def test_no_arn_of_the_template_is_of_one_partition_only() -> None:
    text = TEMPLATE.read_text()
    assert not re.findall(
        r"arn:aws|amazonaws\.com(?!\.cn)(?<!glue\.amazonaws\.com)(?<!dynamodb\.\*\.amazonaws\.com)", text
    )


def test_without_tables_of_the_own_account_nothing_of_dynamodb_is_allowed_but_the_roles() -> None:
    resources = evaluated(TableArns="", TableKeyArns="", ExportKeyArns="")

    assert "DagsterTablesPolicy" not in resources
    for name in ("Role", "DagsterPolicy"):
        [*_, document] = [document for owner, document in documents(resources) if owner == name]
        assert not any(action.startswith("dynamodb:") for action in allowed_actions(document))
        [assumed] = [each for each in document["Statement"] if each["Action"] == "sts:AssumeRole"]
        assert assumed["Resource"] == [READER]


def test_without_roles_nobody_else_may_use_bucket_or_key() -> None:
    resources = evaluated(TableRoleArns="", ExportingRoleArns="")

    for name, document in documents(resources):
        allowed = [each for each in document["Statement"] if each["Effect"] == "Allow"]
        assert not [each for each in allowed if READER in str(each)], name
        assert name == "Role" or "sts:AssumeRole" not in allowed_actions(document)
    assert not [each for each in resources["BucketPolicy"]["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]


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
        "TableKeyArns": ",".join([KEY] * (MAX_ROLES_AND_KEYS_TEXT // len(KEY + ","))),
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
