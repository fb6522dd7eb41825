from __future__ import annotations

import dagster as dg
import pytest
from botocore.exceptions import ClientError

from dynamo_assets.errors import PlanError
from dynamo_assets.failures import explained_of


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "sorry"}}, "PutObject")


def raised(error: Exception, retries: int = 1) -> BaseException:
    with (
        pytest.raises((dg.Failure, ClientError)) as caught,
        explained_of({"table": "Orders"}, retries, dg.build_asset_context()),
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


def test_other_errors_of_aws_pass_with_their_stack() -> None:
    assert isinstance(raised(refused("InternalError")), ClientError)


def test_what_no_retry_helps_is_not_tried_again() -> None:
    failure = raised(PlanError("Orders does not exist"))
    assert isinstance(failure, dg.Failure)
    assert (failure.description, failure.allow_retries) == ("Orders does not exist", False)
