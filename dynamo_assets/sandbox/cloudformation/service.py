"""CloudFormation's API, as far as deploying by change set needs it; every other operation is refused.

moto's own makes what it knows of a template and passes over the rest in silence, and rolls nothing back; nothing of it
is used but the reading of requests and the writing of answers.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult

from dynamo_assets.sandbox.cloudformation.errors import TemplateError, refused
from dynamo_assets.sandbox.cloudformation.resource_types import Api
from dynamo_assets.sandbox.cloudformation.stack import Change, Stack
from dynamo_assets.sandbox.cloudformation.template import Template
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION, Endpoint

Request = Mapping[str, Any]
_NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
# How long DescribeStacks holds an answer back for a stack about to be done: short work costs a client no sleep.
_PATIENCE_SECONDS = 0.5
_NAMES = {"RoleName", "ManagedPolicyName", "PolicyName", "UserName", "GroupName"}
_KNOWN_OF_CHANGE_SET = {
    "StackName", "ChangeSetName", "ChangeSetType", "TemplateBody", "Parameters", "Capabilities", "Tags", "Description",
    "ClientToken",
}  # fmt: skip


@dataclass
class ChangeSet:
    """One change set."""

    name: str
    stack: Stack
    template: Template
    given: Mapping[str, str]
    parameters: Mapping[str, Any]
    tags: list[Mapping[str, str]]
    changes: list[Change]
    id: str = ""
    execution: str = "AVAILABLE"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:changeSet/{self.name}/{uuid.uuid4()}"
        if not self.changes:
            self.execution = "UNAVAILABLE"


class CloudFormation:
    """All stacks of a sandbox. Each public method answers the request of its name."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._api = Api(endpoint)
        self._stacks: list[Stack] = []
        self._change_sets: dict[str, ChangeSet] = {}
        self._at_work: dict[str, threading.Thread] = {}
        self._lock = threading.RLock()

    def _stack(self, name: str) -> Stack:
        """A stack by its name, or one that may be deleted by its ID."""
        for stack in reversed(self._stacks):
            if name == stack.id or (name == stack.name and stack.status != "DELETE_COMPLETE"):
                return stack
        raise refused(f"Stack with id {name} does not exist")

    def _idle(self, stack: Stack) -> Stack:
        if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
            raise refused(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
        return stack

    def create_change_set(self, request: Request) -> Request:
        """CreateChangeSet: of an existing stack, or of one that it makes for review."""
        if unknown := set(request) - _KNOWN_OF_CHANGE_SET:
            raise refused(f"The sandbox does not support CreateChangeSet's {', '.join(sorted(unknown))}")
        kind, name = request.get("ChangeSetType", "UPDATE"), request["StackName"]
        given = {each["ParameterKey"]: each["ParameterValue"] for each in request.get("Parameters", [])}
        with self._lock:
            try:
                template = Template.parse(request.get("TemplateBody", ""))
                parameters = template.parameters(given)
                stack = self._stack_to_change(kind, name)
                changes = stack.changes(template, parameters)
            except TemplateError as error:
                raise refused(str(error)) from error
            _require_capabilities(template, request.get("Capabilities", []))
            if stack not in self._stacks:
                self._stacks.append(stack)
            tags = list(request.get("Tags", []))
            change_set = ChangeSet(request["ChangeSetName"], stack, template, given, parameters, tags, changes)
            self._change_sets[change_set.id] = change_set
        return {"Id": change_set.id, "StackId": stack.id}

    def _stack_to_change(self, kind: str, name: str) -> Stack:
        existing = next((each for each in self._stacks if each.name == name and each.status != "DELETE_COMPLETE"), None)
        if kind == "CREATE":
            if existing and existing.status != "REVIEW_IN_PROGRESS":
                raise refused(f"Stack [{name}] already exists and cannot be created again with the changeSet.")
            return existing or Stack(name, self._api)
        stack = self._idle(self._stack(name))
        if not stack.status.endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")):
            raise refused(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
        return stack

    def _change_set(self, request: Request) -> ChangeSet:
        name, stack = request["ChangeSetName"], request.get("StackName")
        for change_set in reversed(self._change_sets.values()):
            of_stack = stack in {None, change_set.stack.name, change_set.stack.id}
            if of_stack and name in {change_set.name, change_set.id}:
                return change_set
        raise refused(f"ChangeSet [{name}] does not exist")

    def describe_change_set(self, request: Request) -> Request:
        """DescribeChangeSet."""
        change_set = self._change_set(request)
        failed = {"Status": "FAILED", "StatusReason": _NO_CHANGES} if not change_set.changes else {}
        return {
            "ChangeSetName": change_set.name,
            "ChangeSetId": change_set.id,
            "StackId": change_set.stack.id,
            "StackName": change_set.stack.name,
            "Parameters": [{"ParameterKey": key, "ParameterValue": each} for key, each in change_set.given.items()],
            "CreationTime": change_set.created,
            "ExecutionStatus": change_set.execution,
            "Status": "CREATE_COMPLETE",
            "Changes": [_described(change) for change in change_set.changes],
            **failed,
        }

    def execute_change_set(self, request: Request) -> Request:
        """ExecuteChangeSet: answers at once; the stack's status tells how it goes."""
        with self._lock:
            change_set = self._change_set(request)
            if change_set.execution != "AVAILABLE":
                raise refused(f"ChangeSet [{change_set.id}] cannot be executed: it is {change_set.execution}")
            stack = self._idle(change_set.stack)
            change_set.execution = "EXECUTE_COMPLETE"
            stack.tags = change_set.tags
            stack.status = "UPDATE_IN_PROGRESS" if stack.template else "CREATE_IN_PROGRESS"
        self._start(stack, lambda: stack.apply(change_set.template, change_set.parameters, change_set.given))
        return {}

    def delete_change_set(self, request: Request) -> Request:
        """DeleteChangeSet."""
        with self._lock:
            self._change_sets.pop(self._change_set(request).id)
        return {}

    def describe_stacks(self, request: Request) -> Request:
        """DescribeStacks: one, or all that are not deleted."""
        if name := request.get("StackName"):
            stack = self._stack(name)
            if stack.id in self._at_work:
                self._at_work[stack.id].join(_PATIENCE_SECONDS)
            return {"Stacks": [_told(stack)]}
        return {"Stacks": [_told(stack) for stack in self._stacks if stack.status != "DELETE_COMPLETE"]}

    def describe_stack_events(self, request: Request) -> Request:
        """DescribeStackEvents: the newest first."""
        return {"StackEvents": self._stack(request["StackName"]).events[::-1]}

    def describe_stack_resources(self, request: Request) -> Request:
        """DescribeStackResources."""
        stack = self._stack(request["StackName"])
        return {
            "StackResources": [
                {
                    "StackName": stack.name,
                    "StackId": stack.id,
                    "LogicalResourceId": name,
                    "PhysicalResourceId": resource.physical_id,
                    "ResourceType": resource.type,
                    "Timestamp": stack.created,
                    "ResourceStatus": "CREATE_COMPLETE",
                }
                for name, resource in dict(stack.resources).items()
            ]
        }

    def get_template(self, request: Request) -> Request:
        """GetTemplate."""
        stack = self._stack(request["StackName"])
        return {"TemplateBody": stack.template.body if stack.template else ""}

    def delete_stack(self, request: Request) -> Request:
        """DeleteStack: answers at once, and as well where there is none."""
        if unknown := set(request) - {"StackName", "ClientRequestToken"}:
            raise refused(f"The sandbox does not support DeleteStack's {', '.join(sorted(unknown))}")
        with self._lock:
            name = request["StackName"]
            found = [each for each in self._stacks if name in {each.name, each.id} and each.status != "DELETE_COMPLETE"]
            for stack in found:
                self._idle(stack).status = "DELETE_IN_PROGRESS"
        for stack in found:
            self._start(stack, stack.delete)
        return {}

    def _start(self, stack: Stack, work: Callable[[], None]) -> None:
        thread = self._at_work[stack.id] = threading.Thread(target=work, daemon=True)
        thread.start()


def answered_by(operation: Callable[[Request], Request]) -> Callable[[Any], ActionResult]:
    """An operation, as moto calls it."""

    def answer(response: Any) -> ActionResult:
        if response.region != REGION:
            raise refused(f"The sandbox does not have CloudFormation in {response.region}: only in {REGION}")
        if response.current_account != ACCOUNT_ID:
            raise refused(
                f"The sandbox does not have CloudFormation in {response.current_account}: only in {ACCOUNT_ID}"
            )
        return ActionResult(operation(response.params))

    return answer


def refuse(name: str) -> Callable[[Request], Request]:
    """An operation that the sandbox does not do."""

    def operation(_: Request) -> Request:
        raise refused(f"The sandbox does not answer {name}")

    return operation


def _require_capabilities(template: Template, given: list[str]) -> None:
    resources = template.document["Resources"].values()
    identities = [each for each in resources if str(each["Type"]).startswith("AWS::IAM::")]
    named = any(_NAMES & set(each.get("Properties", {})) for each in identities)
    needed = {"CAPABILITY_NAMED_IAM"} if named else {"CAPABILITY_NAMED_IAM", "CAPABILITY_IAM"}
    if identities and not needed & set(given):
        raise refused(f"Requires capabilities : [{max(needed)}]")


def _described(change: Change) -> Request:
    modified = {
        "Replacement": str(change.replaces),
        "Scope": ["Properties"],
        "Details": [{"Target": {"Attribute": "Properties", "Name": name}} for name in change.properties],
    }
    return {
        "Type": "Resource",
        "ResourceChange": {
            "Action": change.action,
            "LogicalResourceId": change.logical_id,
            "ResourceType": change.type,
            **({"PhysicalResourceId": change.physical_id} if change.physical_id else {}),
            **(modified if change.action == "Modify" else {}),
        },
    }


def _told(stack: Stack) -> Request:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": stack.created,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in stack.given.items()],
        "Outputs": stack.outputs,
        "Tags": stack.tags,
    }
