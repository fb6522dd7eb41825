"""AssumeRole: only of a role that exists, and for whom its trust policy names, with the external ID that it demands."""

from __future__ import annotations

from typing import Any, cast

from moto.core.responses import ActionResult
from moto.iam.models import Role, iam_backends
from moto.sts.exceptions import STSClientError, STSValidationError
from moto.sts.responses import TokenResponse

from dynamo_assets.sandbox.accounts.identities import Identity, caller, remember
from dynamo_assets.sandbox.accounts.policies import allows

CHAINED_SECONDS = 3600

_moto_assume_role = TokenResponse.assume_role


def assume_role(response: TokenResponse) -> ActionResult:
    """Credentials of a role; requests that they sign are of its account."""
    asking = caller(cast("Any", response.headers))
    arn, external_id = response._get_param("RoleArn"), response._get_param("ExternalId")
    role = _role(arn, response.partition)
    context = {} if external_id is None else {"sts:ExternalId": external_id}
    if role is None or not allows(role.assume_role_policy_document, "sts:AssumeRole", asking, context=context):
        raise STSClientError(
            "AccessDenied", f"User: {asking.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        )
    if asking.role_arn and response._get_int_param("DurationSeconds", CHAINED_SECONDS) > CHAINED_SECONDS:
        raise STSValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    answer = _moto_assume_role(response)
    credentials = cast("Any", answer.result)["Credentials"]
    remember(credentials.access_key_id, Identity(arn.split(":")[4], arn))
    return answer


def _role(arn: str, partition: str) -> Role | None:
    account = arn.split(":")[4] if arn.count(":") >= 5 else ""
    return next((role for role in iam_backends[account][partition].get_roles() if role.arn == arn), None)
