from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from dynamo_assets.errors import ExportError, PlanError
from dynamo_assets.export import ExportRequest, holding, lease
from dynamo_assets.export.lease import Lease, take_lease
from dynamo_assets.sandbox.endpoint import Endpoint

LABEL = "2026-11-23T09:00:00"


class Attempts:
    """Attempts at one snapshot."""

    def __init__(self, s3: Any, bucket: str):
        self.s3 = s3
        self.bucket = bucket
        self.waited: list[float] = []
        self.told: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def request(self, attempt: str) -> ExportRequest:
        return ExportRequest(
            table="Orders", bucket=self.bucket, attempt=attempt, snapshot_timestamp=LABEL, native_export="manifest"
        )

    def pause(self, seconds: float) -> None:
        self.waited.append(seconds)
        assert len(self.waited) < 1000
        self.meanwhile()

    def take(self, attempt: str) -> Lease | None:
        return take_lease(self.s3, self.request(attempt), pause=self.pause, on_wait=self.told.append)

    def take_surely(self, attempt: str) -> Lease:
        taken = self.take(attempt)
        assert taken is not None
        return taken

    def complete(self) -> None:
        request = self.request("x")
        self.s3.put_object(Bucket=self.bucket, Key=request.layout.manifest_key(request.name, LABEL), Body=b"{}")


@pytest.fixture
def attempts(aws: Endpoint, bucket: str) -> Attempts:
    return Attempts(aws.client("s3"), bucket)


def test_an_attempt_that_lives_keeps_its_label(attempts: Attempts) -> None:
    first = attempts.take_surely("first")
    assert first.label == LABEL
    attempts.meanwhile = first.release
    second = attempts.take_surely("second")
    second.confirm()
    assert len(attempts.waited) == 1
    assert len(attempts.told) == 1
    assert "Another attempt holds snapshot 2026-11-23T09:00:00" in attempts.told[0]


def test_who_waits_is_told_when_the_snapshot_is_complete(attempts: Attempts) -> None:
    attempts.take_surely("first")
    attempts.meanwhile = attempts.complete
    assert attempts.take("second") is None
    assert attempts.take("third") is None


def test_a_dead_attempts_label_is_taken_over_and_its_leavings_cannot_come_back(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = attempts.take_surely("dead")
    monkeypatch.setattr(holding, "STALE_SECONDS", -1.0)
    heir = attempts.take_surely("heir")
    with pytest.raises(ExportError, match="could not renew its claim of snapshot 2026-11-23T09:00:00"):
        dead.confirm()
    with pytest.raises(ExportError, match="table Orders"):
        dead.check()
    heir.confirm()


def test_of_two_that_take_over_at_once_one_gets_it(attempts: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts.take_surely("dead")
    found = holding._look(attempts.s3, lease._held(attempts.request("x")))
    monkeypatch.setattr(holding, "STALE_SECONDS", -1.0)
    heir = attempts.take_surely("heir")
    monkeypatch.undo()
    seen = iter([found])
    monkeypatch.setattr(holding, "_look", lambda *_: next(seen, (0.0, "newer")))
    attempts.meanwhile = attempts.complete
    assert attempts.take("too late") is None
    heir.confirm()


def test_a_claim_is_renewed_while_its_context_lasts(attempts: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "RENEW_SECONDS", 0.01)
    monkeypatch.setattr(holding, "GIVE_UP_SECONDS", 5.0)
    renewed = threading.Event()
    put = attempts.s3.put_object
    writes: list[dict[str, Any]] = []

    def counted(**parameters: Any) -> Any:
        writes.append(parameters)
        if len(writes) > 3:
            renewed.set()
        return put(**parameters)

    monkeypatch.setattr(attempts.s3, "put_object", counted)
    with attempts.take_surely("first") as held:
        assert renewed.wait(30)
        held.check()
    known = len(writes)
    held.confirm()
    assert len(writes) == known + 1


def test_an_attempt_that_cannot_renew_ends_itself(attempts: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    held = attempts.take_surely("first")
    held.check()
    monkeypatch.setattr(holding, "GIVE_UP_SECONDS", -1.0)
    with pytest.raises(ExportError, match="it ends itself"):
        held.check()


def test_a_claim_whose_answer_was_lost_is_still_one_s_own(attempts: Attempts) -> None:
    attempts.take_surely("first")
    attempts.take_surely("first").confirm()
    assert not attempts.waited


def test_a_bucket_that_does_not_exist_is_named(aws: Endpoint) -> None:
    with pytest.raises(PlanError, match="bucket no-such-bucket does not exist"):
        Attempts(aws.client("s3"), "no-such-bucket").take("first")
