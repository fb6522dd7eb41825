"""SimulatePrincipalPolicy on the sandbox."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

OBJECTS = "arn:aws:s3:::exports/*"


def _document(*statements: tuple[str, Any, str]) -> str:
    listed = [{"Effect": effect, "Action": action, "Resource": resource} for effect, action, resource in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": listed})


def _decisions(iam: Any, arn: str, actions: list[str], resources: list[str], **more: Any) -> dict[tuple[str, str], str]:
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=arn, ActionNames=actions, ResourceArns=resources, **more
    )
    return {
        (result["EvalActionName"], each["EvalResourceName"]): each["EvalResourceDecision"]
        for page in pages
        for result in page["EvaluationResults"]
        for each in result["ResourceSpecificResults"]
    }


def test_a_roles_attached_and_inline_policies_and_its_boundary_decide(aws, unique) -> None:
    iam, name = aws.client("iam"), unique("role")
    boundary = iam.create_policy(
        PolicyName=unique("boundary"), PolicyDocument=_document(("Allow", ["s3:*", "glue:*"], "*"))
    )
    role = iam.create_role(
        RoleName=name,
        Path="/teams/",
        AssumeRolePolicyDocument=_document(),
        PermissionsBoundary=boundary["Policy"]["Arn"],
    )["Role"]["Arn"]
    attached = iam.create_policy(
        PolicyName=unique("attached"), PolicyDocument=_document(("Allow", "dynamodb:Scan", "*"))
    )
    arn = attached["Policy"]["Arn"]
    iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=_document(("Allow", ["s3:GetObject", "sns:Publish"], "*")), SetAsDefault=True
    )
    iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    iam.put_role_policy(
        RoleName=name, PolicyName="inline", PolicyDocument=_document(("Deny", "s3:GetObject", "arn:aws:s3:::x/secret"))
    )

    actions = ["s3:GetObject", "s3:PutObject", "sns:Publish", "dynamodb:Scan"]
    found = _decisions(
        iam, role, actions, ["arn:aws:s3:::x/a", "arn:aws:s3:::x/secret"], PaginationConfig={"PageSize": 3}
    )

    assert found == {
        ("s3:GetObject", "arn:aws:s3:::x/a"): "allowed",
        ("s3:GetObject", "arn:aws:s3:::x/secret"): "explicitDeny",
        **{
            (action, each): "implicitDeny"
            for action in actions[1:]
            for each in ("arn:aws:s3:::x/a", "arn:aws:s3:::x/secret")
        },
    }
    [result] = iam.simulate_principal_policy(
        PolicySourceArn=role, ActionNames=["s3:GetObject"], ResourceArns=["arn:aws:s3:::x/a", "arn:aws:s3:::x/secret"]
    )["EvaluationResults"]
    assert result["EvalDecision"] == "explicitDeny", "the most restrictive of all"


def test_a_user_has_what_its_groups_have(aws, unique) -> None:
    iam, user, group = aws.client("iam"), unique("user"), unique("group")
    arn = iam.create_user(UserName=user)["User"]["Arn"]
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=_document(("Allow", "s3:GetObject", OBJECTS)))
    asked = ["s3:GetObject"], ["arn:aws:s3:::exports/a"]

    assert set(_decisions(iam, arn, *asked).values()) == {"implicitDeny"}
    iam.add_user_to_group(GroupName=group, UserName=user)
    assert set(_decisions(iam, arn, *asked).values()) == {"allowed"}


def test_what_cannot_be_simulated_is_refused(aws, unique) -> None:
    iam, name = aws.client("iam"), unique("role")
    arn = iam.create_role(RoleName=name, Path="/a/", AssumeRolePolicyDocument=_document())["Role"]["Arn"]
    for source, code in {
        "arn:aws:sts::123456789012:user/moto": "InvalidInput",
        arn.replace("role/a/", "role/"): "NoSuchEntity",
    }.items():
        with pytest.raises(ClientError, match=code):
            iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=["s3:GetObject"])
    with pytest.raises(ClientError, match="does not simulate with CallerArn"):
        iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject"], CallerArn=arn)
