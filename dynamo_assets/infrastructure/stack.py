"""One CloudFormation stack: what it has, what a template would change, and the change."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from dynamo_assets.aws.refusals import Refusal
from dynamo_assets.aws.waiting import wait_until
from dynamo_assets.errors import AwsTimeoutError, DeploymentError

TIME_LIMIT = timedelta(hours=1)
_TO_BE_CREATED = {"", "REVIEW_IN_PROGRESS"}
_DONE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}


@dataclass(frozen=True)
class ChangeSet:
    """What a template would change.

    Attributes:
        arn: The change set.
        stack_arn: Its stack.
        changes: A line for each resource.
        creates: Whether there is no stack yet.
    """

    arn: str
    stack_arn: str
    changes: tuple[str, ...]
    creates: bool


class Stack:
    """A stack by its name, which need not exist.

    Args:
        cloudformation: The client.
        name: The stack's name.
    """

    def __init__(self, cloudformation: Any, name: str) -> None:
        self._cloudformation = cloudformation
        self.name = name
        self._begun = ""

    @contextmanager
    def denials_told(self) -> Iterator[None]:
        """A call of CloudFormation that AWS denies in the body is told as what is to be allowed, and what was changed.

        Raises:
            DeploymentError: Such a call was denied.
        """
        try:
            yield
        except ClientError as error:
            action = error.operation_name
            ours = action in self._cloudformation.meta.service_model.operation_names
            if not (ours and Refusal.of(error).denied):
                raise
            changed = (
                f"{self._begun} and goes on: see the CloudFormation console"
                if self._begun
                else "nothing of it was changed"
            )
            partition, region = self._cloudformation.meta.partition, self._cloudformation.meta.region_name
            raise DeploymentError(
                f"stack {self.name}: AWS denied {action}; {changed}. Allow cloudformation:{action} on "
                f"arn:{partition}:cloudformation:{region}:*:stack/{self.name}/* for these credentials and try again; "
                f"docs/deployment.md lists what deploying needs. AWS says: {error}"
            ) from error

    def status(self, name: str = "") -> str:
        """Its status; empty where there is none."""
        try:
            return self._cloudformation.describe_stacks(StackName=name or self.name)["Stacks"][0]["StackStatus"]
        except ClientError as error:
            # There is no code of its own for it (API reference, DescribeStacks).
            if "does not exist" in str(error):
                return ""
            raise

    def resources(self) -> dict[str, str]:
        """What it has: physical IDs by the template's own. Empty where there is no stack."""
        if self.status() in _TO_BE_CREATED:
            return {}
        found = self._cloudformation.describe_stack_resources(StackName=self.name)["StackResources"]
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in found
            if resource.get("PhysicalResourceId") and resource["ResourceStatus"] != "DELETE_COMPLETE"
        }

    def outputs(self) -> dict[str, str]:
        """Its outputs."""
        stack = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def make_way(self) -> bool:
        """Removes what a creation that was rolled back has left: nothing but a name. Says whether there was one.

        Raises:
            DeploymentError: The stack is in a state that nothing can be deployed in.
        """
        status = self.status()
        if status == "ROLLBACK_COMPLETE":
            self.delete()
            return True
        if status not in _TO_BE_CREATED | _DONE:
            todo = (
                "another deployment is under way; wait for its end"
                if status.endswith("_IN_PROGRESS")
                else "mend it in the CloudFormation console (continue the rollback, or delete it), and deploy again"
            )
            raise DeploymentError(f"stack {self.name} is in {status}: {todo}")
        return False

    def propose(self, template: str, parameters: Mapping[str, str]) -> ChangeSet:
        """Makes a change set. One without changes is removed again.

        Raises:
            DeploymentError: CloudFormation does not take the template or a parameter.
        """
        creates = self.status() in _TO_BE_CREATED
        try:
            made = self._cloudformation.create_change_set(
                StackName=self.name,
                ChangeSetName=f"dynamo-assets-{uuid.uuid4().hex}",
                ChangeSetType="CREATE" if creates else "UPDATE",
                TemplateBody=template,
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )
        except ClientError as error:
            if Refusal.of(error).denied:
                raise
            raise DeploymentError(
                f"stack {self.name}: CloudFormation made no change set: {error}. Nothing was changed"
            ) from error
        described = wait_until(
            lambda: self._described(made["Id"]), what=f"stack {self.name}: its change set", timeout=TIME_LIMIT
        )
        proposed = ChangeSet(made["Id"], made["StackId"], tuple(map(_line, described["Changes"])), creates)
        if described["Status"] == "FAILED":
            self.discard(proposed)
            # The one failure that is none; it has no code (user guide, "Creating a change set").
            if "didn't contain changes" not in described.get("StatusReason", ""):
                raise DeploymentError(
                    f"stack {self.name}: the change set failed: {described.get('StatusReason')}. Nothing was changed"
                )
        return proposed

    def _described(self, arn: str) -> Mapping[str, Any] | None:
        pages = self._cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=arn)
        changes: list[Any] = []
        described: dict[str, Any] = {}
        for described in pages:
            changes += described.get("Changes", [])
        if described["Status"] not in {"CREATE_COMPLETE", "FAILED"}:
            return None
        return {**described, "Changes": changes}

    def discard(self, proposed: ChangeSet) -> None:
        """Removes a change set that is not to be executed, and the empty stack that it made to be shown."""
        self._cloudformation.delete_change_set(ChangeSetName=proposed.arn)
        if proposed.creates:
            self._cloudformation.delete_stack(StackName=proposed.stack_arn)

    def execute(self, proposed: ChangeSet) -> None:
        """Makes the changes, and waits for the end.

        Raises:
            DeploymentError: They failed and were rolled back, with each resource's reason; or they did not end in time.
        """
        known = {event["EventId"] for event in self._events(proposed.stack_arn)}
        self._cloudformation.execute_change_set(ChangeSetName=proposed.arn)
        self._begun = "the change has begun"
        status = self._wait(proposed.stack_arn)
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            return
        failed = [
            f"{event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason')}"
            for event in reversed(self._events(proposed.stack_arn))
            if event["EventId"] not in known
            and event["ResourceStatus"].endswith("_FAILED")
            and "cancelled" not in event.get("ResourceStatusReason", "").lower()
        ]
        rolled_back = (
            "everything is as it was before"
            if status.endswith("ROLLBACK_COMPLETE")
            else "and could not be rolled back: see the CloudFormation console"
        )
        raise DeploymentError(f"stack {self.name} ended {status}: {rolled_back}. Why: {'; '.join(failed)}")

    def delete(self) -> None:
        """Deletes the stack, and waits for the end.

        Raises:
            DeploymentError: Something of it could not be deleted; with each resource's reason.
        """
        stack = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackId"]
        self._cloudformation.delete_stack(StackName=stack)
        self._begun = "the deletion has begun"
        status = self._wait(stack)
        if status != "DELETE_COMPLETE":
            reasons = [
                f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason')}"
                for event in reversed(self._events(stack))
                if event["ResourceStatus"] == "DELETE_FAILED" and event["PhysicalResourceId"] != stack
            ]
            raise DeploymentError(f"stack {self.name} ended {status}: {'; '.join(reasons)}. Mend that and try again")

    def _wait(self, stack: str) -> str:
        def ended() -> str | None:
            status = self.status(stack)
            return None if status.endswith("_IN_PROGRESS") else status

        try:
            return wait_until(ended, what=f"stack {self.name}", timeout=TIME_LIMIT, interval_seconds=5)
        except AwsTimeoutError as error:
            raise DeploymentError(
                f"stack {self.name} has not come to an end in {TIME_LIMIT} and goes on: see the CloudFormation console"
            ) from error

    def _events(self, stack: str) -> list[Mapping[str, Any]]:
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
        return [event for page in pages for event in page["StackEvents"]]


def _line(change: Mapping[str, Any]) -> str:
    """A change as a person reads it."""
    resource = change["ResourceChange"]
    which = f"{resource['LogicalResourceId']} ({resource['ResourceType']})"
    if resource["Action"] != "Modify":
        return f"{ {'Add': 'make', 'Remove': 'remove'}.get(resource['Action'], resource['Action'].lower()) } {which}"
    names = sorted({detail["Target"].get("Name", "") for detail in resource.get("Details", [])} - {""})
    changed = f": {', '.join(names)}" if names else ""
    how = "replace" if resource.get("Replacement") == "True" else "change"
    return f"{how} {which}{changed}"
