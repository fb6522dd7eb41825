from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from dynamo_assets.errors import PlanError
from dynamo_assets.export.claim import Claim, claim_label
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.sandbox.endpoint import Endpoint


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 10, 0, 7, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def claim(aws: Endpoint, request: ExportRequest, clock: Clock | None = None) -> str:
    return claimed(aws, request, clock).label


def claimed(aws: Endpoint, request: ExportRequest, clock: Clock | None = None) -> Claim:
    clock = clock or Clock()
    return claim_label(aws.client("s3"), request, now=clock, sleep=clock.sleep)


@pytest.fixture
def request_by(bucket: str) -> Callable[..., ExportRequest]:
    """A request of one attempt."""
    return lambda attempt, **options: ExportRequest(
        **{"table": "Orders", "bucket": bucket, "attempt": attempt, **options}
    )


RequestBy = Callable[..., ExportRequest]
FIXED = "2026-11-23T09:00:00"


def test_a_label_is_the_second_in_which_the_export_began(aws: Endpoint, bucket: str, request_by: RequestBy) -> None:
    assert claim(aws, request_by("a")) == "2026-11-23T10:00:07"
    key = "_claims/snapshots_orders/2026-11-23T10:00:07.json"
    body = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert json.loads(body) == {"attempt": "a", "started_at": "2026-11-23T10:00:07.250000+00:00", "table": "Orders"}


def test_two_exports_that_begin_in_one_second_get_two_labels(aws: Endpoint, request_by: RequestBy) -> None:
    clock = Clock()
    assert [claim(aws, request_by(attempt), clock) for attempt in "abc"] == [
        "2026-11-23T10:00:07",
        "2026-11-23T10:00:08",
        "2026-11-23T10:00:09",
    ]
    assert claim(aws, request_by("d", table="Reviews")) == "2026-11-23T10:00:07"


def test_a_claim_whose_answer_was_lost_is_still_one_s_own(aws: Endpoint, request_by: RequestBy) -> None:
    """boto3 repeats a request whose answer was lost; then the claim exists already, and it is ours."""
    assert claim(aws, request_by("a")) == claim(aws, request_by("a"))


def test_a_fixed_label_that_is_taken_is_refused_with_what_to_do(aws: Endpoint, request_by: RequestBy) -> None:
    assert claim(aws, request_by("a", snapshot_timestamp=FIXED)) == FIXED
    with pytest.raises(
        PlanError, match=rf"table Orders: snapshot {FIXED} is taken .*_claims/snapshots_orders/{FIXED}.json"
    ):
        claim(aws, request_by("b", snapshot_timestamp=FIXED))


def test_a_label_that_was_given_back_can_be_claimed_again(aws: Endpoint, request_by: RequestBy) -> None:
    claimed(aws, request_by("a", snapshot_timestamp=FIXED)).release()
    assert claim(aws, request_by("b", snapshot_timestamp=FIXED)) == FIXED


def test_a_bucket_that_does_not_exist_is_named_with_what_to_do(aws: Endpoint) -> None:
    with pytest.raises(PlanError, match="table Orders: bucket no-such-bucket does not exist; create it"):
        claim(aws, ExportRequest(table="Orders", bucket="no-such-bucket", attempt="a"))
