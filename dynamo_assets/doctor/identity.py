"""Whose credentials these are, and where they ask. Without either nothing else can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.refusals import Refusal
from dynamo_assets.doctor.case import Place
from dynamo_assets.doctor.finding import Finding, ok, problem

CREDENTIALS, REGION = "credentials", "region"


@dataclass(frozen=True)
class Identity:
    """The outcome.

    Attributes:
        findings: On credentials and region.
        caller: The credentials' ARN.
        place: Where; None where nothing can be asked.
    """

    findings: tuple[Finding, ...]
    caller: str = ""
    place: Place | None = None


def identify(aws: AwsClients) -> Identity:
    """Asks STS, and boto3 for its region."""
    try:
        region = aws.session().region_name
    except BotoCoreError as error:  # a profile that there is not
        return Identity((problem(CREDENTIALS, str(error), Refusal.of(error).text),))
    if not region:
        return Identity(
            (problem(REGION, "none is set", "Set AWS_REGION, or the region of the profile, to that of the tables"),)
        )
    try:
        caller = aws.caller()
    except (ClientError, BotoCoreError) as error:
        return Identity((_refused(error), ok(REGION, region)))
    arn, account = caller["Arn"], caller["Account"]
    place = Place(arn.split(":")[1], region, account)
    return Identity((ok(CREDENTIALS, f"{arn}, of account {account}"), ok(REGION, region)), arn, place)


def _refused(error: ClientError | BotoCoreError) -> Finding:
    refusal = Refusal.of(error)
    return problem(
        CREDENTIALS,
        f"AWS does not say whose they are: {error}",
        "Give credentials where boto3 looks for them (AWS_PROFILE, the environment, the instance), and see whether AWS "
        "is reached"
        if not isinstance(error, ClientError)
        else refusal.text,
    )
