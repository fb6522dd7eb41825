"""Whether a role or a user may do what a configuration needs, by IAM's own simulation of its policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dynamo_assets.doctor.case import Case
from dynamo_assets.doctor.finding import Finding, ok, unknown
from dynamo_assets.doctor.inquiry import UntoldError
from dynamo_assets.doctor.need import Need
from dynamo_assets.doctor.principal import NO_SUCH_ENTITY, principal_of

ALLOWED = "allowed"
AT_ONCE = 20
"""Resources of one request; each action is simulated on each of them."""
SHOWN = 3
NOWHERE = "no policy allows it"


@dataclass(frozen=True)
class Verdicts:
    """What IAM says, by action and resource.

    Attributes:
        refused: What is not allowed, and why.
        missing: What depends on the circumstances of a call, and on which condition keys.
    """

    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    missing: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)


def examine_permissions(case: Case, subject: str, principal: str, needs: Sequence[Need]) -> Iterator[Finding]:
    """Simulates each need.

    Args:
        case: The case.
        subject: Whose permissions they are, for the findings.
        principal: Their ARN.
        needs: What is needed.

    Raises:
        UntoldError: IAM does not simulate for this caller, or this principal.
    """
    arn = principal_of(case, principal)
    fine = 0
    for need in needs:
        verdicts = read(_simulated(case, arn, need), need)
        fine += len(need.actions) * len(need.resources) - len(verdicts.refused) - len(verdicts.missing)
        yield from judged(subject, arn, need, verdicts)
    yield ok(subject, f"{arn} may do {fine:,} of the {_count(needs):,} things that this configuration needs")


def _count(needs: Iterable[Need]) -> int:
    return sum(len(need.actions) * len(need.resources) for need in needs)


def _simulated(case: Case, arn: str, need: Need) -> Iterator[Mapping[str, Any]]:
    context = [
        {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for name, value in need.context.items()
    ]
    simulate = case.aws.iam.get_paginator("simulate_principal_policy")
    for begin in range(0, len(need.resources), AT_ONCE):
        asked: dict[str, Any] = {
            "PolicySourceArn": arn,
            "ActionNames": list(need.actions),
            "ResourceArns": list(need.resources[begin : begin + AT_ONCE]),
            **({"ContextEntries": context} if context else {}),
        }
        pages = case.inquiry.ask(
            "iam:SimulatePrincipalPolicy", lambda asked=asked: list(simulate.paginate(**asked)), NO_SUCH_ENTITY
        )
        if pages is None:
            raise UntoldError(f"there is no {arn}", "Make it, or name another")
        for page in pages:
            yield from page["EvaluationResults"]


def read(results: Iterable[Mapping[str, Any]], need: Need) -> Verdicts:
    """What IAM answered; of what it said nothing, nothing is allowed.

    It gives one result for each action and, within, one for each resource; where it was asked for a single one, the
    latter may be missing (API reference, EvaluationResult).
    """
    said: dict[tuple[str, str], Mapping[str, Any]] = {}
    for result in results:
        action = result["EvalActionName"]
        specific = result.get("ResourceSpecificResults") or []
        if not specific:
            said[action, result.get("EvalResourceName") or need.resources[0]] = result
        for each in specific:
            merged = {**result, "EvalDecision": each["EvalResourceDecision"], **each}
            said[action, each["EvalResourceName"]] = merged
    verdicts = Verdicts()
    for action in need.actions:
        for resource in need.resources:
            result = said.get((action, resource), {})
            decision = result.get("EvalDecision", "not simulated")
            if decision == ALLOWED:
                continue
            if missing := result.get("MissingContextValues"):
                verdicts.missing[action, resource] = tuple(missing)
            else:
                verdicts.refused[action, resource] = _why(decision, result)
    return verdicts


def _why(decision: str, result: Mapping[str, Any]) -> str:
    organization = result.get("OrganizationsDecisionDetail", {})
    boundary = result.get("PermissionsBoundaryDecisionDetail", {})
    if organization.get("AllowedByOrganizations") is False:
        return "a service control policy of the organization stands against it"
    if boundary.get("AllowedByPermissionsBoundary") is False:
        return "the permissions boundary does not allow it"
    if decision == "explicitDeny":
        policies = sorted({each.get("SourcePolicyId", "") for each in result.get("MatchedStatements", [])} - {""})
        return f"denied by {', '.join(policies)}" if policies else "a statement denies it"
    return NOWHERE


def judged(subject: str, principal: str, need: Need, verdicts: Verdicts) -> Iterator[Finding]:
    """What follows for one need."""
    for why in dict.fromkeys(verdicts.refused.values()):
        pairs = [pair for pair, reason in verdicts.refused.items() if reason == why]
        alone = need.elsewhere and why == NOWHERE
        yield Finding(
            subject,
            "warning" if alone else "problem",
            f"{principal} may not do what is needed for {need.purpose}: {_listed(pairs)}; {why}"
            + (f", unless the policy of {need.elsewhere} itself does" if alone else ""),
            "Attach the policies that `dynamo-assets deploy` prints, or deploy again; or allow it in one of yours",
        )
    if verdicts.missing:
        keys = sorted({key for each in verdicts.missing.values() for key in each})
        yield unknown(
            subject,
            f"whether {principal} may do what is needed for {need.purpose} depends on {', '.join(keys)}, which a "
            f"simulation does not know: {_listed(list(verdicts.missing))}",
            "Look at the conditions of its policies by hand",
        )


def _listed(pairs: Sequence[tuple[str, str]]) -> str:
    by_resources: dict[str, list[str]] = {}
    for action, resource in pairs:
        by_resources.setdefault(action, []).append(resource)
    # Actions that lack the same resources are told together.
    together: dict[tuple[str, ...], list[str]] = {}
    for action, resources in by_resources.items():
        together.setdefault(tuple(resources), []).append(action)
    return "; ".join(f"{', '.join(actions)} on {_some(resources)}" for resources, actions in together.items())


def _some(resources: Sequence[str]) -> str:
    more = f" and {len(resources) - SHOWN} more" if len(resources) > SHOWN else ""
    return ", ".join(resources[:SHOWN]) + more
