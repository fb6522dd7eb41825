"""The types of what AWS calls its things, in `tables.yaml`: ARNs and IDs."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from dynamo_assets.configuration.setting_types import Written


def _matching(pattern: re.Pattern[str], advice: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(advice)
        return value

    return BeforeValidator(check)


def _written(spoken: str, pattern: re.Pattern[str], advice: str) -> Written:
    return Written(spoken, {"type": "string", "pattern": f"^{pattern.pattern}$"}, advice)


# SNS API reference, "CreateTopic": 256 of these characters; the name of a FIFO topic ends in `.fifo`.
_SNS_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")
_A_TOPIC = (
    "write the ARN of a standard SNS topic: arn:aws:sns:eu-west-1:123456789012:data-alerts (a FIFO topic sends no mail)"
)
SnsTopic = Annotated[str, _matching(_SNS_TOPIC, _A_TOPIC), _written("ARN", _SNS_TOPIC, _A_TOPIC)]

_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9*-]*:[0-9*]*:[A-Za-z0-9_.*:/-]+")
_AN_ARN = "write an ARN, such as arn:aws:dynamodb:eu-west-1:123456789012:table/Orders"
Arn = Annotated[str, _matching(_ARN, _AN_ARN), _written("ARN", _ARN, _AN_ARN)]

# IAM API reference, "CreateRole", but for the comma, which parts the template's lists.
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/([A-Za-z0-9+=.@_/-]{1,510}/)?[A-Za-z0-9+=.@_-]{1,64}")
_A_ROLE = "write a role's ARN, such as arn:aws:iam::210987654321:role/dynamodb-exports-reader"
RoleArn = Annotated[str, _matching(_ROLE_ARN, _A_ROLE), _written("role's ARN", _ROLE_ARN, _A_ROLE)]

ACCOUNT_ID = re.compile("[0-9]{12}")
_AN_ACCOUNT = 'write an account\'s ID of twelve digits, in quotes: "210987654321"'
AccountId = Annotated[str, _matching(ACCOUNT_ID, _AN_ACCOUNT), _written("account's ID", ACCOUNT_ID, _AN_ACCOUNT)]

# STS API reference, "AssumeRole".
EXTERNAL_ID = r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$"
