"""The role of Glue jobs and crawlers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dynamo_assets.doctor.case import Case
from dynamo_assets.doctor.finding import Finding, ok, problem, unknown
from dynamo_assets.doctor.principal import NO_SUCH_ENTITY, parsed
from dynamo_assets.doctor.usage import needs_the_role

ROLE = "Glue role"
GLUE = "glue.amazonaws.com"


def examine_role(case: Case) -> Iterator[Finding]:
    """Whether it exists, under that ARN, and Glue may assume it."""
    arn = case.settings.glue.role_arn
    if not needs_the_role(case.settings):
        yield ok(ROLE, "nothing of this configuration runs on Glue")
        return
    resource, account = parsed(arn)
    if not resource.startswith("role/"):
        yield problem(
            ROLE,
            f"glue.role_arn is {arn!r}, which is no role's ARN",
            "Set it, such as arn:aws:iam::123456789012:role/dynamodb-exports; `dynamo-assets deploy` makes the role",
        )
        return
    if account != case.place.account:
        yield unknown(ROLE, f"{arn} is of another account", f"Look there whether {GLUE} may assume it")
        return
    name = arn.rsplit("/", 1)[-1]
    answer = case.inquiry.ask("iam:GetRole", lambda: case.aws.iam.get_role(RoleName=name), NO_SUCH_ENTITY)
    if answer is None:
        yield problem(ROLE, f"there is no role {name}", "`dynamo-assets deploy` makes it")
        return
    role = answer["Role"]
    if role["Arn"] != arn:
        yield problem(
            ROLE, f"there is a role {name}, and its ARN is {role['Arn']}", f"Set glue.role_arn to {role['Arn']}"
        )
    elif not may_be_assumed_by(GLUE, role["AssumeRolePolicyDocument"]):
        yield problem(
            ROLE,
            f"{GLUE} may not assume {arn}, so no job and no crawler starts",
            "Have its trust policy allow sts:AssumeRole for that service",
        )
    else:
        yield ok(ROLE, f"{arn} is there, and {GLUE} may assume it")


def may_be_assumed_by(service: str, trust: Mapping[str, Any]) -> bool:
    """Whether a trust policy names a service; conditions are not looked at."""
    for statement in _as_list(trust.get("Statement", [])):
        principal = statement.get("Principal", {})
        services = _as_list(principal.get("Service", [])) if isinstance(principal, Mapping) else [principal]
        actions = {str(action).lower() for action in _as_list(statement.get("Action", []))}
        named = service in services or principal == "*"
        if statement.get("Effect") == "Allow" and named and actions & {"sts:assumerole", "sts:*", "*"}:
            return True
    return False


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
