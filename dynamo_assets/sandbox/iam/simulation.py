"""SimulatePrincipalPolicy, which moto lacks: by the policies that a user, a group or a role really has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.exceptions import InvalidInput, NoSuchEntity
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse

from dynamo_assets.sandbox.iam.policies import (
    ALLOWED,
    IMPLICIT_DENY,
    RESTRICTIVE_FIRST,
    Call,
    Decision,
    Document,
    UnknownElementError,
    decide,
)

PAGE = 100
_REFUSED = (
    "PolicyInputList",
    "PermissionsBoundaryPolicyInputList",
    "ResourcePolicy",
    "ResourceOwner",
    "CallerArn",
    "ResourceHandlingOption",
)


def simulate_principal_policy(response: IamResponse) -> ActionResult:
    """One result for each action, with one for each resource in it (API reference, EvaluationResult)."""
    asked: Mapping[str, Any] = response._get_params()
    if unknown := [name for name in _REFUSED if asked.get(name)]:
        raise InvalidInput(f"The sandbox does not simulate with {', '.join(unknown)}")
    documents, boundary = _policies_of(response.backend, asked["PolicySourceArn"])
    context = {
        entry["ContextKeyName"].lower(): tuple(map(str, entry.get("ContextKeyValues", [])))
        for entry in asked.get("ContextEntries") or []
    }
    resources = asked.get("ResourceArns") or ["*"]
    begin, size = int(asked.get("Marker") or 0), int(asked.get("MaxItems") or PAGE)
    actions = asked["ActionNames"]
    try:
        results = [_result(action, resources, context, documents, boundary) for action in actions[begin : begin + size]]
    except UnknownElementError as error:
        raise InvalidInput(str(error)) from error
    further = {"IsTruncated": True, "Marker": str(begin + size)} if begin + size < len(actions) else {}
    return ActionResult({"EvaluationResults": results, "IsTruncated": False, **further})


def _result(
    action: str,
    resources: Sequence[str],
    context: Mapping[str, tuple[str, ...]],
    documents: Sequence[Document],
    boundary: Document | None,
) -> dict[str, Any]:
    calls = [Call(action, resource, context) for resource in resources]
    decisions = [decide(documents, call) for call in calls]
    within = [decide([boundary], call) if boundary else None for call in calls]
    verdicts = [_within(decision, bound) for decision, bound in zip(decisions, within, strict=True)]
    specific = [
        {
            "EvalResourceName": resource,
            "EvalResourceDecision": verdict,
            "MatchedStatements": _statements(decision),
            "MissingContextValues": sorted(decision.missing),
            **_boundary_detail(bound),
        }
        for resource, verdict, decision, bound in zip(resources, verdicts, decisions, within, strict=True)
    ]
    missing = sorted(set().union(*(decision.missing for decision in decisions)))
    return {
        "EvalActionName": action,
        **({"EvalResourceName": resources[0]} if len(resources) == 1 else {}),
        "EvalDecision": min(verdicts, key=RESTRICTIVE_FIRST.index),
        "MatchedStatements": [each for decision in decisions for each in _statements(decision)],
        "MissingContextValues": missing,
        "ResourceSpecificResults": specific,
    }


def _within(decision: Decision, bound: Decision | None) -> str:
    """A boundary allows nothing by itself."""
    if bound is None or decision.verdict != ALLOWED:
        return decision.verdict
    return bound.verdict if bound.verdict != ALLOWED else ALLOWED


def _boundary_detail(bound: Decision | None) -> dict[str, Any]:
    detail = {"AllowedByPermissionsBoundary": bound is not None and bound.verdict == ALLOWED}
    return {"PermissionsBoundaryDecisionDetail": detail} if bound else {}


def _statements(decision: Decision) -> list[dict[str, str]]:
    if decision.verdict == IMPLICIT_DENY:
        return []
    return [{"SourcePolicyId": each.name, "SourcePolicyType": each.kind} for each in decision.by]


def _policies_of(backend: IAMBackend, arn: str) -> tuple[list[Document], Document | None]:
    name, kind = arn.rsplit("/", 1)[-1], arn.rsplit(":", maxsplit=1)[-1].split("/", 1)[0]
    if ":iam:" not in arn or kind not in {"user", "group", "role"}:
        raise InvalidInput(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    entities: Any = {"user": backend.users.values(), "group": backend.groups.values(), "role": backend.roles.values()}
    entity = next((each for each in entities[kind] if each.name == name and each.arn == arn), None)
    if entity is None:
        raise NoSuchEntity(f"The {kind} with name {name} cannot be found.")
    documents = list(_documents(entity, kind))
    if kind == "user":
        for group in backend.get_groups_for_user(name):
            documents += _documents(group, "group")
    bounded_by = getattr(entity, "permissions_boundary_arn", None)
    return documents, _managed(backend.get_policy(bounded_by)) if bounded_by else None


def _documents(entity: Any, kind: str) -> Iterator[Document]:
    for name, text in entity.policies.items():
        yield Document.of(f"{kind}_{entity.name}_{name}", kind, json.loads(text))
    for policy in entity.managed_policies.values():
        yield _managed(policy)


def _managed(policy: Any) -> Document:
    version = next(each for each in policy.versions if each.version_id == policy.default_version_id)
    return Document.of(policy.arn, "IAM Policy", json.loads(version.document))
