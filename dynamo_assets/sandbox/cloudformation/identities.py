"""IAM roles and managed policies, as a stack makes them, with IAM's limits of their size."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar

from dynamo_assets.sandbox.cloudformation.errors import ResourceError
from dynamo_assets.sandbox.cloudformation.resource_types import Properties, ResourceType, as_json
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID

# IAM user guide, "IAM and AWS STS quotas": characters, white space not counted.
MANAGED_POLICY_LIMIT = 6_144
INLINE_POLICIES_LIMIT = 10_240


def _check_size(documents: Iterable[str], limit: int) -> None:
    size = sum(len(re.sub(r"\s", "", document)) for document in documents)
    if size > limit:
        raise ResourceError(f"Cannot exceed quota for PolicySize: {limit}")


class Role(ResourceType):
    """A role with its inline policies."""

    properties: ClassVar = {"RoleName", "Path", "Description", "AssumeRolePolicyDocument", "Policies"}
    replacing: ClassVar = {"RoleName", "Path"}

    def create(self, properties: Properties, generated_name: str) -> str:  # noqa: D102
        name = properties.get("RoleName", generated_name)
        self._check(properties)
        self._api.call(
            "iam",
            "create_role",
            RoleName=name,
            Path=properties.get("Path", "/"),
            Description=properties.get("Description", ""),
            AssumeRolePolicyDocument=as_json(properties["AssumeRolePolicyDocument"]),
        )
        try:
            self._put_policies(name, properties)
        except Exception:
            self.delete(name, properties)
            raise
        return name

    def update(self, physical_id: str, properties: Properties, former: Properties) -> None:  # noqa: D102
        self._check(properties)
        self._api.call("iam", "update_role", RoleName=physical_id, Description=properties.get("Description", ""))
        trust = as_json(properties["AssumeRolePolicyDocument"])
        self._api.call("iam", "update_assume_role_policy", RoleName=physical_id, PolicyDocument=trust)
        self._put_policies(physical_id, properties)
        kept = {policy["PolicyName"] for policy in properties.get("Policies", [])}
        for policy in former.get("Policies", []):
            if policy["PolicyName"] not in kept:
                self._api.call("iam", "delete_role_policy", RoleName=physical_id, PolicyName=policy["PolicyName"])

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002, D102
        iam = self._api.client("iam")
        for name in iam.list_role_policies(RoleName=physical_id)["PolicyNames"]:
            iam.delete_role_policy(RoleName=physical_id, PolicyName=name)
        iam.delete_role(RoleName=physical_id)

    def attribute(self, physical_id: str, properties: Properties, name: str) -> str:  # noqa: D102
        if name != "Arn":
            return super().attribute(physical_id, properties, name)
        return f"arn:aws:iam::{ACCOUNT_ID}:role{properties.get('Path', '/')}{physical_id}"

    def _check(self, properties: Properties) -> None:
        for policy in properties.get("Policies", []):
            if unknown := set(policy) - {"PolicyName", "PolicyDocument"}:
                raise ResourceError(f"Encountered unsupported property {', '.join(sorted(unknown))} in Policies")
        _check_size((as_json(each["PolicyDocument"]) for each in properties.get("Policies", [])), INLINE_POLICIES_LIMIT)

    def _put_policies(self, role: str, properties: Properties) -> None:
        for policy in properties.get("Policies", []):
            document = as_json(policy["PolicyDocument"])
            self._api.call(
                "iam", "put_role_policy", RoleName=role, PolicyName=policy["PolicyName"], PolicyDocument=document
            )


class ManagedPolicy(ResourceType):
    """A managed policy; a change of it is its next version."""

    properties: ClassVar = {"ManagedPolicyName", "Path", "Description", "PolicyDocument"}
    replacing: ClassVar = {"ManagedPolicyName", "Path", "Description"}

    def create(self, properties: Properties, generated_name: str) -> str:  # noqa: D102
        document = as_json(properties["PolicyDocument"])
        _check_size([document], MANAGED_POLICY_LIMIT)
        answer = self._api.call(
            "iam",
            "create_policy",
            PolicyName=properties.get("ManagedPolicyName", generated_name),
            Path=properties.get("Path", "/"),
            Description=properties.get("Description", ""),
            PolicyDocument=document,
        )
        return answer["Policy"]["Arn"]

    def update(self, physical_id: str, properties: Properties, former: Properties) -> None:  # noqa: ARG002, D102
        document = as_json(properties["PolicyDocument"])
        _check_size([document], MANAGED_POLICY_LIMIT)
        iam = self._api.client("iam")
        for version in iam.list_policy_versions(PolicyArn=physical_id)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=physical_id, VersionId=version["VersionId"])
        self._api.call(
            "iam", "create_policy_version", PolicyArn=physical_id, PolicyDocument=document, SetAsDefault=True
        )

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002, D102
        iam = self._api.client("iam")
        for version in iam.list_policy_versions(PolicyArn=physical_id)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=physical_id, VersionId=version["VersionId"])
        iam.delete_policy(PolicyArn=physical_id)
