from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dagster as dg
import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

from dynamo_assets.errors import PlanError
from dynamo_assets.failures import explained_of


@dataclass
class Tried:
    retry_number: int = 0


FIRST_TRY = Tried()


def refused(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "sorry"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutObject")


def raised(error: Exception, retries: int = 1) -> BaseException:
    with (
        pytest.raises(dg.Failure) as caught,
        explained_of({"table": "Orders"}, retries, FIRST_TRY),
    ):
        raise error
    return caught.value


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "403"])
def test_what_aws_denies_is_told_with_the_table_and_the_action_and_not_tried_again(code: str) -> None:
    failure = raised(refused(code))
    assert isinstance(failure, dg.Failure)
    assert (failure.description or "").startswith(f"Orders: AWS denied PutObject: An error occurred ({code})")
    assert failure.metadata["denied"].value == "PutObject"
    assert not failure.allow_retries


@pytest.mark.parametrize(
    ("code", "status", "says", "retry"),
    [
        ("ThrottlingException", 400, "when less is going on", True),
        ("SlowDown", 503, "when less is going on", True),
        ("InternalServiceException", 500, "Health Dashboard", True),
        ("ExpiredTokenException", 400, "renew them", True),
        ("UnrecognizedClientException", 400, "give it others", False),
        ("EntityNotFoundException", 400, "dynamo-assets deploy", False),
        ("InvalidInputException", 400, "Mend what it names", False),
        ("SomethingNew", 400, "Mend what it names and run it again", True),
    ],
)
def test_what_aws_does_not_do_is_told_with_table_call_code_and_advice(
    code: str, status: int, says: str, *, retry: bool
) -> None:
    failure = raised(refused(code, status))
    assert isinstance(failure, dg.Failure)
    assert (failure.description or "").startswith(f"Orders: AWS would not do PutObject ({code}): An error occurred")
    assert "sorry. " in (failure.description or ""), "AWS's own words"
    assert says in (failure.description or "")
    assert (failure.metadata["refused"].value, failure.metadata["code"].value) == ("PutObject", code)
    assert failure.allow_retries == retry
    last = raised(refused(code, status), retries=0)
    assert isinstance(last, dg.Failure)
    assert not last.allow_retries, "after the last one Dagster would say 'Exceeded max_retries' in the reason's place"


@pytest.mark.parametrize(
    ("error", "says", "retry"),
    [
        (EndpointConnectionError(endpoint_url="https://glue.eu-west-1.amazonaws.com"), "VPC endpoints", True),
        (NoCredentialsError(), "Give this run credentials", False),
    ],
)
def test_that_aws_was_not_reached_is_told_with_the_table(error: BotoCoreError, says: str, *, retry: bool) -> None:
    failure = raised(error)
    assert isinstance(failure, dg.Failure)
    assert (failure.description or "").startswith("Orders: AWS was not reached: ")
    assert says in (failure.description or "")
    assert failure.allow_retries == retry


def test_what_is_nobody_s_refusal_passes_with_its_stack() -> None:
    with pytest.raises(ZeroDivisionError), explained_of({"table": "Orders"}, 1, FIRST_TRY):
        raise ZeroDivisionError


def test_what_no_retry_helps_is_not_tried_again() -> None:
    failure = raised(PlanError("Orders does not exist"))
    assert isinstance(failure, dg.Failure)
    assert (failure.description, failure.allow_retries) == ("Orders does not exist", False)
