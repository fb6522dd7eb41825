"""Stacks of the sandbox: what it does not know fails, and what fails is undone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamo_assets.sandbox.endpoint import Endpoint

DATABASE = (
    "  Data: {Type: AWS::Glue::Database, Properties: {CatalogId: !Ref AWS::AccountId, DatabaseInput: {Name: NAME}}}\n"
)
BROKEN = {
    "an unknown type": "{Type: AWS::Lambda::Function, Properties: {}}",
    "an unknown property": "{Type: AWS::SNS::Topic, Properties: {DisplayedName: x}}",
    "an unknown property further down": (
        "{Type: AWS::S3::Bucket, Properties: {PublicAccessBlockConfiguration: {BlockAll: true}}}"
    ),
    "a value of another type": (
        "{Type: AWS::S3::Bucket, Properties: {LifecycleConfiguration: {Rules: [{Id: x, Status: Enabled, "
        "ExpirationInDays: soon}]}}}"
    ),
    "what exists already": "{Type: AWS::Athena::WorkGroup, Properties: {Name: primary}}",
    "a policy that is too long": (
        "{Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: {Version: 2012-10-17, Statement: "
        f"{{Effect: Allow, Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/{'x' * 6200}'}}}}}}}}"
    ),
}


@pytest.fixture
def stack_name(unique: Callable[[str], str]) -> str:
    return unique("stack").replace("_", "-")


@pytest.fixture
def stack(
    aws: Endpoint, stack_name: str, unique: Callable[[str], str]
) -> Callable[..., tuple[str, list[Mapping[str, Any]]]]:
    """Deploys a template's resources; gives the stack's status and its events, the oldest first."""
    client, name = aws.client("cloudformation"), stack_name

    def exists() -> bool:
        with contextlib.suppress(client.exceptions.ClientError):
            return bool(client.describe_stacks(StackName=name)["Stacks"])
        return False

    def deploy(resources: str, **request: Any) -> tuple[str, list[Mapping[str, Any]]]:
        made = client.create_change_set(
            StackName=name,
            ChangeSetName=unique("change").replace("_", "-"),
            ChangeSetType="UPDATE" if exists() else "CREATE",
            TemplateBody=f"{request.pop('head', '')}Resources:\n{resources}",
            Capabilities=["CAPABILITY_NAMED_IAM"],
            **request,
        )
        client.execute_change_set(ChangeSetName=made["Id"])
        while (status := client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]).endswith("IN_PROGRESS"):
            continue
        return status, client.describe_stack_events(StackName=name)["StackEvents"][::-1]

    return deploy


@pytest.mark.parametrize("what", BROKEN)
def test_a_resource_that_cannot_be_made_fails_the_stack_and_what_was_made_goes(aws, stack, unique, what: str) -> None:
    database = unique("data")

    status, events = stack(f"{DATABASE.replace('NAME', database)}  Broken: {BROKEN[what]}\n")

    assert status == "ROLLBACK_COMPLETE"
    [reason] = [each["ResourceStatusReason"] for each in events if each["ResourceStatus"] == "CREATE_FAILED"]
    assert reason
    glue = aws.client("glue")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_database(Name=database)


def test_an_update_that_fails_leaves_everything_as_it_was(aws, stack, unique) -> None:
    name = unique("group")
    group = "  Group: {{Type: AWS::Athena::WorkGroup, Properties: {{Name: {}, Description: {}}}}}\n"
    assert stack(group.format(name, "before"))[0] == "CREATE_COMPLETE"

    topic = "  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: " + name + "}}\n"
    status, _ = stack(group.format(name, "after") + topic + f"  Broken: {BROKEN['an unknown type']}\n")

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert aws.client("athena").get_work_group(WorkGroup=name)["WorkGroup"]["Description"] == "before"
    pages = aws.client("sns").get_paginator("list_topics").paginate()
    assert not [each for page in pages for each in page["Topics"] if each["TopicArn"].endswith(name)]


def test_what_leaves_the_template_goes_unless_it_is_to_stay(aws, stack, unique) -> None:
    kept, gone = unique("kept"), unique("gone")
    database = "  {}: {{Type: AWS::Glue::Database{}, Properties: {{DatabaseInput: {{Name: {}}}}}}}\n"
    both = database.format("Kept", ", DeletionPolicy: Retain", kept) + database.format("Gone", "", gone)
    topic = "  Topic: {Type: AWS::SNS::Topic}\n"
    assert stack(both + topic)[0] == "CREATE_COMPLETE"

    assert stack(topic)[0] == "UPDATE_COMPLETE"

    pages = aws.client("glue").get_paginator("get_databases").paginate()
    names = {each["Name"] for page in pages for each in page["DatabaseList"]}
    assert kept in names
    assert gone not in names


def test_a_new_name_is_a_new_resource(aws, stack, unique) -> None:
    old, new = unique("old"), unique("new")
    group = "  Group: {{Type: AWS::Athena::WorkGroup, Properties: {{Name: {}}}}}\n"
    assert stack(group.format(old))[0] == "CREATE_COMPLETE"
    assert stack(group.format(new))[0] == "UPDATE_COMPLETE"
    athena = aws.client("athena")
    assert athena.get_work_group(WorkGroup=new)["WorkGroup"]["Name"] == new
    with pytest.raises(athena.exceptions.InvalidRequestException, match="not found"):
        athena.get_work_group(WorkGroup=old)


@pytest.mark.parametrize(
    ("head", "resources", "message"),
    [
        ("Parameters: {N: {Type: Number, MinValue: 2}}\n", "  T: {Type: AWS::SNS::Topic}\n", "must have values"),
        ("Parameters: {N: {Type: Number, Default: 1, MinValue: 2}}\n", "  T: {Type: AWS::SNS::Topic}\n", "MinValue"),
        ("Transform: AWS::Serverless-2016-10-31\n", "  T: {Type: AWS::SNS::Topic}\n", "Transform"),
        ("", "  T: {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Nothing}}\n", "Nothing"),
        ("", "  T: {Type: AWS::SNS::Topic, Properties: {TopicName: !Cidr [a, 1]}}\n", "Fn::Cidr"),
        ("", "  T: &t {Type: AWS::SNS::Topic}\n  U: *t\n", "aliases"),
        ("", "  T: {Type: AWS::SNS::Topic, DependsOn: U}\n  U: {Type: AWS::SNS::Topic, DependsOn: T}\n", "Circular"),
    ],
)
def test_a_template_that_cloudformation_would_not_take_is_refused(
    stack, head: str, resources: str, message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        stack(resources, head=head)


def test_a_change_set_without_changes_fails_and_says_so(aws, stack, stack_name) -> None:
    client, topic = aws.client("cloudformation"), "  Topic: {Type: AWS::SNS::Topic}\n"
    assert stack(topic)[0] == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match="cannot be executed"):
        stack(topic)
    made = client.create_change_set(
        StackName=stack_name, ChangeSetName="again", TemplateBody=f"Resources:\n{topic}", ChangeSetType="UPDATE"
    )
    described = client.describe_change_set(ChangeSetName=made["Id"])
    assert described["Status"] == "FAILED"
    assert "didn't contain changes" in described["StatusReason"]


def test_named_identities_need_their_capability(aws) -> None:
    role = "Resources: {R: {Type: AWS::IAM::Role, Properties: {RoleName: r, AssumeRolePolicyDocument: {}}}}"
    with pytest.raises(ClientError, match="CAPABILITY_NAMED_IAM"):
        aws.client("cloudformation").create_change_set(
            StackName="roles", ChangeSetName="x", ChangeSetType="CREATE", TemplateBody=role
        )
