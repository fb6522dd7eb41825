"""What is free is taken at once; what another one has is left to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dynamo_assets.export import holding
from dynamo_assets.export.holding import Held, Hold, take_if_free
from dynamo_assets.sandbox.endpoint import Endpoint


@pytest.fixture
def take(aws: Endpoint, bucket: str) -> Callable[..., Hold | None]:
    s3 = aws.client("s3")

    def take(attempt: str, stale_seconds: float | None = None) -> Hold | None:
        held = Held(bucket, "_claims/x.json", attempt, owner="table Orders", what="it")
        return take_if_free(s3, held, stale_seconds=stale_seconds)

    return take


def test_what_nobody_has_is_taken_and_what_another_has_is_not(take) -> None:
    first = take("first")
    assert first is not None
    assert take("second") is None
    first.confirm()
    first.release()
    assert take("second") is not None


def test_one_that_meets_its_own_name_has_it_already(take) -> None:
    assert take("first") is not None
    again = take("first")
    assert again is not None
    again.confirm()


def test_what_was_not_renewed_for_long_is_taken_over(take, monkeypatch: pytest.MonkeyPatch) -> None:
    first = take("first")
    assert first is not None
    assert take("second", stale_seconds=-1.0) is not None
    monkeypatch.setattr(holding, "STALE_SECONDS", -1.0)
    third = take("third")
    assert third is not None
    third.confirm()
    first.release()
    third.confirm()
