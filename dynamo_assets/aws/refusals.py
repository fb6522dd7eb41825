"""What AWS refused or did not answer, for a person: which call, why, what to do, and whether asking again may help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.aws.waiting import THROTTLED

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403"})
"""S3's code, that of the services with JSON protocols, and that of an answer without a body, as to a HEAD."""


class Kind(NamedTuple):
    """Codes that mean the same to a person."""

    codes: frozenset[str]
    advice: str
    retry: bool


KINDS = (
    Kind(
        THROTTLED | {"SlowDown", "ProvisionedThroughputExceededException", "LimitExceededException", "429"},
        "More was asked of AWS than the account may ask, also after repetitions: run it again when less is going "
        "on, let fewer steps run at once (docs/orchestration.md), or have the quota raised",
        retry=True,
    ),
    Kind(
        frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}),
        "The credentials of this run have expired: renew them and run it again",
        retry=True,
    ),
    Kind(
        frozenset({"InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException"}),
        "AWS does not know the credentials of this run: give it others",
        retry=False,
    ),
    Kind(
        frozenset({"EntityNotFoundException", "NoSuchBucket", "ResourceNotFoundException", "404"}),
        "Something that must exist is not there, or not in this region: `dynamo-assets deploy` makes it; then run it "
        "again",
        retry=False,
    ),
    Kind(
        frozenset({"ValidationException", "InvalidInputException", "InvalidRequestException", "InvalidRequest"}),
        "Mend what it names and run it again; where that is nothing of yours, it is a defect of dynamo-assets",
        retry=False,
    ),
)
FAULT_OF_AWS = Kind(
    frozenset(),
    "That is a fault of AWS's own, repetitions included: see the AWS Health Dashboard, and run it again",
    retry=True,
)
OTHER = Kind(frozenset(), "Mend what it names and run it again", retry=True)
NO_CREDENTIALS = frozenset({"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "NoRegionError"})
SERVERS_FAULT = 500


@dataclass(frozen=True)
class Refusal:
    """One call that AWS did not serve.

    Attributes:
        action: The operation, such as `GetTables`; empty where none was reached.
        code: AWS's own word for it, or botocore's.
        text: What happened and what to do; to stand behind a table's name.
        denied: Whether a permission is missing.
        retry: Whether the same may go well a little later.
    """

    action: str
    code: str
    text: str
    denied: bool
    retry: bool

    @classmethod
    def of(cls, error: ClientError | BotoCoreError) -> Refusal:
        """From what boto3 raised, after its own repetitions."""
        if isinstance(error, ClientError):
            return cls._of_answer(error)
        code = type(error).__name__
        known = code not in NO_CREDENTIALS
        advice = (
            "See whether this run reaches AWS: network, VPC endpoints, region. Then run it again"
            if known
            else "Give this run credentials and a region, where boto3 looks for them, and run it again"
        )
        return cls("", code, f"AWS was not reached: {_sentence(error)} {advice}", denied=False, retry=known)

    @classmethod
    def _of_answer(cls, error: ClientError) -> Refusal:
        code, action = str(error.response.get("Error", {}).get("Code", "")), error.operation_name
        if code in DENIED:
            text = (
                f"AWS denied {action}: {error}. Allow it for the credentials of this run; docs/configuration.md lists "
                "what they need"
            )
            return cls(action, code, text, denied=True, retry=False)
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        kind = _kind(code, status)
        text = f"AWS would not do {action} ({code}): {_sentence(error)} {kind.advice}"
        return cls(action, code, text, denied=False, retry=kind.retry)


def _kind(code: str, status: int) -> Kind:
    known = next((kind for kind in KINDS if code in kind.codes), None)
    return known or (FAULT_OF_AWS if status >= SERVERS_FAULT else OTHER)


def _sentence(error: Exception) -> str:
    return f"{str(error).rstrip('.')}."
