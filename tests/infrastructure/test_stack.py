"""What a stack says where AWS does not allow a call. The sandbox checks no permissions, so its answers are played."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from dynamo_assets.errors import DeploymentError
from dynamo_assets.infrastructure.stack import ChangeSet, Stack

ARN = "arn:aws-us-gov:cloudformation:us-gov-west-1:123456789012:stack/exports/1"
THERE: dict[str, Any] = {
    "Stacks": [{"StackName": "exports", "StackId": ARN, "StackStatus": "CREATE_COMPLETE", "CreationTime": 0}]
}
ALLOW = r"Allow cloudformation:{} on arn:aws-us-gov:cloudformation:us-gov-west-1:\*:stack/exports/\* for these"
NO = "User: somebody is not authorized"


@pytest.fixture
def client() -> Any:
    return boto3.client("cloudformation", "us-gov-west-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def answers(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stub:
        yield stub


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_a_denied_look_says_what_to_allow_and_that_nothing_was_changed(
    client: Any, answers: Stubber, code: str
) -> None:
    answers.add_client_error("describe_stacks", code, NO, http_status_code=403)
    stack = Stack(client, "exports")
    expected = "stack exports: AWS denied DescribeStacks; nothing of it was changed. " + ALLOW.format("DescribeStacks")
    with pytest.raises(DeploymentError, match=f"{expected}.*{NO}"), stack.denials_told():
        stack.status()


def test_a_denied_change_set_says_so_too(client: Any, answers: Stubber) -> None:
    answers.add_response("describe_stacks", THERE)
    answers.add_client_error("create_change_set", "AccessDenied", NO)
    stack = Stack(client, "exports")
    expected = "AWS denied CreateChangeSet; nothing of it was changed. " + ALLOW.format("CreateChangeSet")
    with pytest.raises(DeploymentError, match=expected), stack.denials_told():
        stack.propose("{}", {})


def test_a_denial_after_the_change_began_does_not_say_that_nothing_was_changed(client: Any, answers: Stubber) -> None:
    answers.add_response("describe_stack_events", {"StackEvents": []})
    answers.add_response("execute_change_set", {})
    answers.add_client_error("describe_stacks", "AccessDenied", NO)
    stack = Stack(client, "exports")
    with pytest.raises(DeploymentError, match="the change has begun and goes on: see the"), stack.denials_told():
        stack.execute(ChangeSet("arn:change", ARN, ("make Bucket",), creates=True))


def test_what_is_no_denial_or_not_cloudformations_passes(client: Any) -> None:
    stack = Stack(client, "exports")
    for code, action in (("Throttling", "DescribeStacks"), ("AccessDenied", "HeadBucket")):
        error = ClientError({"Error": {"Code": code, "Message": NO}}, action)
        with pytest.raises(ClientError), stack.denials_told():
            raise error
