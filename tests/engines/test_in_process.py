from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import boto3
import dagster as dg
import pytest

from dynamo_assets.aws.cancellation import Cancellation, under
from dynamo_assets.engines import in_process
from dynamo_assets.engines.in_process import InProcessEngine
from dynamo_assets.engines.sizer import Sizer
from dynamo_assets.engines.sizing import Limits
from dynamo_assets.engines.snapshot import Snapshot
from dynamo_assets.export import ExportRequest
from dynamo_assets.sandbox.endpoint import Endpoint


@pytest.fixture
def export(aws: Endpoint, bucket: str, unique: Callable[[str], str]) -> Callable[[Callable[[], None]], Snapshot]:
    """Exports a small table, and calls something when its turn has come."""
    table = unique("Orders")
    aws.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    engine = InProcessEngine(boto3.Session(), Sizer(aws.client("dynamodb"), Limits(timedelta(hours=1))))
    request = ExportRequest(table=table, bucket=bucket)
    return lambda before_start: engine.take_snapshot(request, before_start=before_start, log=lambda _: None)


def test_two_exports_run_at_once_and_further_ones_wait_for_their_turn(export: Any) -> None:
    running, most = 0, 0
    lock, met = threading.Lock(), threading.Barrier(in_process.AT_ONCE)

    def begins() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        met.wait(timeout=60)
        with lock:
            running -= 1

    with ThreadPoolExecutor(6) as steps:
        snapshots = list(steps.map(lambda _: export(begins), range(6)))
    assert most == in_process.AT_ONCE
    assert len({snapshot.manifest.snapshot_timestamp for snapshot in snapshots}) == 6


def test_waiting_for_a_turn_ends_when_the_run_is_cancelled(export: Any) -> None:
    cancellation = Cancellation()
    for _ in range(in_process.AT_ONCE):
        assert in_process._turns.acquire(timeout=1)
    try:
        cancellation.request()
        with under(cancellation), pytest.raises(dg.DagsterExecutionInterruptedError):
            export(lambda: pytest.fail("it began"))
    finally:
        for _ in range(in_process.AT_ONCE):
            in_process._turns.release()
