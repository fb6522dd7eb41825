"""A stack: its resources, and how a change set becomes true of them, or is rolled back."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.sandbox.cloudformation.buckets import Bucket, BucketPolicy
from dynamo_assets.sandbox.cloudformation.errors import ResourceError, TemplateError
from dynamo_assets.sandbox.cloudformation.identities import ManagedPolicy, Role
from dynamo_assets.sandbox.cloudformation.resource_types import (
    Api,
    AthenaWorkGroup,
    GlueDatabase,
    GlueJob,
    KmsKey,
    ResourceType,
    SnsTopic,
)
from dynamo_assets.sandbox.cloudformation.template import Evaluation, Template
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION

TYPES: Mapping[str, type[ResourceType]] = {
    "AWS::Athena::WorkGroup": AthenaWorkGroup,
    "AWS::Glue::Database": GlueDatabase,
    "AWS::Glue::Job": GlueJob,
    "AWS::IAM::ManagedPolicy": ManagedPolicy,
    "AWS::IAM::Role": Role,
    "AWS::KMS::Key": KmsKey,
    "AWS::S3::Bucket": Bucket,
    "AWS::S3::BucketPolicy": BucketPolicy,
    "AWS::SNS::Topic": SnsTopic,
}
_STACK = "AWS::CloudFormation::Stack"
_FAILURES = (ResourceError, TemplateError, ClientError, BotoCoreError, KeyError, TypeError, ValueError)
"""What a resource fails with; the last three where a template gives a property another shape than it has."""


@dataclass(frozen=True)
class Resource:
    """A resource that exists."""

    type: str
    physical_id: str
    properties: Mapping[str, Any]
    declared: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """What is to become of one resource."""

    action: str
    logical_id: str
    type: str
    physical_id: str = ""
    properties: tuple[str, ...] = ()
    """The names of those that change."""
    replaces: bool = False


@dataclass
class Stack:
    """One stack; public attributes are what DescribeStacks tells."""

    name: str
    api: Api
    id: str = ""
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    template: Template | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    tags: list[Mapping[str, str]] = field(default_factory=list)
    outputs: list[dict[str, str]] = field(default_factory=list)
    resources: dict[str, Resource] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:stack/{self.name}/{uuid.uuid4()}"
        self.tell(self.status)

    def tell(self, status: str, reason: str = "") -> None:
        """Goes to a status."""
        self._event(self.name, self.id, _STACK, status, reason)
        self.status, self.reason = status, reason

    def _event(self, logical_id: str, physical_id: str, kind: str, status: str, reason: str = "") -> None:
        self.events.append(
            {
                "StackId": self.id,
                "StackName": self.name,
                "EventId": str(uuid.uuid4()),
                "LogicalResourceId": logical_id,
                "PhysicalResourceId": physical_id,
                "ResourceType": kind,
                "Timestamp": datetime.now(UTC),
                "ResourceStatus": status,
                **({"ResourceStatusReason": reason} if reason else {}),
            }
        )

    def changes(self, template: Template, parameters: Mapping[str, Any]) -> list[Change]:
        """What a template would change, as far as can be known before."""
        evaluation = Evaluation(template, parameters, self.name, self._known)
        wanted = evaluation.resources()
        found = []
        for name, declared in wanted.items():
            properties = evaluation.value(declared.get("Properties", {}))
            existing = self.resources.get(name)
            if existing is None:
                found.append(Change("Add", name, declared["Type"]))
            elif changed := _differing(existing.properties, properties):
                replaces = existing.type != declared["Type"] or bool(set(changed) & TYPES[existing.type].replacing)
                found.append(Change("Modify", name, existing.type, existing.physical_id, changed, replaces))
        for name, existing in self.resources.items():
            if name not in wanted:
                found.append(Change("Remove", name, existing.type, existing.physical_id))
        return found

    def _known(self, name: str, attribute: str) -> Any:
        if name in self.resources:
            return self._attribute(name, attribute)
        return f"{{{{{name}.{attribute}}}}}"  # of what is still to be made

    def _attribute(self, name: str, attribute: str) -> Any:
        if name not in self.resources:
            raise TemplateError(f"Template error: {name} has a condition that does not hold, and is referred to")
        resource = self.resources[name]
        if not attribute:
            return resource.physical_id
        return TYPES[resource.type](self.api).attribute(resource.physical_id, resource.properties, attribute)

    def apply(self, template: Template, parameters: Mapping[str, Any], given: Mapping[str, str]) -> None:
        """Makes a template true, or leaves everything as it was: the status says which."""
        verb = "UPDATE" if self.template else "CREATE"
        self.tell(f"{verb}_IN_PROGRESS", "User Initiated")
        evaluation = Evaluation(template, parameters, self.name, self._attribute)
        undo: list[Callable[[], None]] = []
        former: list[tuple[str, Resource]] = []
        try:
            wanted = evaluation.resources()
            for name, declared in wanted.items():
                self._bring_about(name, declared, evaluation, undo, former)
            outputs = evaluation.outputs()
        except _FAILURES as error:
            self._roll_back(verb, undo, str(error))
            return
        former += [(name, self.resources.pop(name)) for name in reversed(list(self.resources)) if name not in wanted]
        self.template, self.parameters, self.given, self.outputs = template, parameters, given, outputs
        if verb == "UPDATE":
            self.tell("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        for name, resource in former:
            kept = resource.declared.get("UpdateReplacePolicy" if name in wanted else "DeletionPolicy", "Delete")
            self._delete(name, resource, kept)
        self.tell(f"{verb}_COMPLETE")

    def _bring_about(
        self,
        name: str,
        declared: Mapping[str, Any],
        evaluation: Evaluation,
        undo: list[Callable[[], None]],
        former: list[tuple[str, Resource]],
    ) -> None:
        """Makes or changes one resource, and notes what would undo that."""
        existing = self.resources.get(name)
        kind = declared["Type"]
        try:
            if kind not in TYPES:
                raise ResourceError(f"The sandbox does not have resources of type {kind}")
            resource_type, properties = TYPES[kind](self.api), evaluation.value(declared.get("Properties", {}))
            changed = _differing(existing.properties, properties) if existing else ()
            if existing and not changed:
                self.resources[name] = Resource(kind, existing.physical_id, properties, declared)
                return
            resource_type.check(properties)
            if existing and not set(changed) & resource_type.replacing:
                self._event(name, existing.physical_id, kind, "UPDATE_IN_PROGRESS")
                undo.append(lambda: self._update_back(name, existing, properties))
                resource_type.update(existing.physical_id, properties, existing.properties)
                self.resources[name] = Resource(kind, existing.physical_id, properties, declared)
                self._event(name, existing.physical_id, kind, "UPDATE_COMPLETE")
                return
            self._event(name, "", kind, "CREATE_IN_PROGRESS")
            generated = f"{self.name}-{name}-{uuid.uuid4().hex[:12].upper()}"
            physical_id = resource_type.create(properties, generated)
        except _FAILURES as error:
            verb = "UPDATE" if existing else "CREATE"
            self._event(name, existing.physical_id if existing else "", kind, f"{verb}_FAILED", str(error))
            raise ResourceError(f"The following resource(s) failed to {verb.lower()}: [{name}].") from error
        made = self.resources[name] = Resource(kind, physical_id, properties, declared)
        if existing:
            former.append((name, existing))
        undo.append(lambda: self._unmake(name, made, existing))
        self._event(name, physical_id, kind, "CREATE_COMPLETE")

    def _update_back(self, name: str, existing: Resource, properties: Mapping[str, Any]) -> None:
        TYPES[existing.type](self.api).update(existing.physical_id, existing.properties, properties)
        self.resources[name] = existing
        self._event(name, existing.physical_id, existing.type, "UPDATE_COMPLETE")

    def _unmake(self, name: str, made: Resource, former: Resource | None) -> None:
        policy = made.declared.get("DeletionPolicy", "Delete")
        self._delete(name, made, "Delete" if policy == "RetainExceptOnCreate" else policy)
        del self.resources[name]
        if former:
            self.resources[name] = former

    def _delete(self, name: str, resource: Resource, policy: str) -> None:
        """Deletes a resource, unless it is to stay."""
        if policy != "Delete":
            self._event(name, resource.physical_id, resource.type, "DELETE_SKIPPED")
            return
        self._event(name, resource.physical_id, resource.type, "DELETE_IN_PROGRESS")
        try:
            TYPES[resource.type](self.api).delete(resource.physical_id, resource.properties)
        except _FAILURES as error:
            self._event(name, resource.physical_id, resource.type, "DELETE_FAILED", str(error))
            raise ResourceError(f"The following resource(s) failed to delete: [{name}].") from error
        self._event(name, resource.physical_id, resource.type, "DELETE_COMPLETE")

    def _roll_back(self, verb: str, undo: list[Callable[[], None]], reason: str) -> None:
        prefix = "UPDATE_ROLLBACK" if verb == "UPDATE" else "ROLLBACK"
        self.tell(f"{prefix}_IN_PROGRESS", f"{reason} Rollback requested by user.")
        try:
            while undo:
                undo.pop()()
        except _FAILURES as error:
            self.tell(f"{prefix}_FAILED", str(error))
            return
        self.tell(f"{prefix}_COMPLETE")

    def delete(self) -> None:
        """Deletes every resource but those that are to stay."""
        self.tell("DELETE_IN_PROGRESS", "User Initiated")
        try:
            for name in reversed(list(self.resources)):
                self._delete(name, self.resources[name], self.resources[name].declared.get("DeletionPolicy", "Delete"))
                del self.resources[name]
        except ResourceError as error:
            self.tell("DELETE_FAILED", str(error))
            return
        self.tell("DELETE_COMPLETE")


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(name for name in {*old, *new} if old.get(name) != new.get(name)))
