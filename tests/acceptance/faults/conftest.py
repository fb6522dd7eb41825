"""A proxy before the sandbox, and pipelines whose runs go through it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance.faults.watched import Watched
from tests.faults.proxy import Proxy, serve_proxy


@pytest.fixture(scope="session")
def started_proxy(sandbox: Endpoint) -> Iterator[Proxy]:
    with serve_proxy(sandbox) as proxy:
        yield proxy


@pytest.fixture
def watch(make_pipeline, unique, started_proxy: Proxy) -> Callable[..., Watched]:
    """Makes a pipeline of one table of two items, whose view shows a first snapshot: in process, without a crawler."""

    def make(stem: str = "Reviews", *, table: str | None = None, method: str = "direct", **sections: Any) -> Watched:
        table = table or unique(stem)
        entry = {"engine": "in_process", **sections.pop("entry", {})}
        catalog = {"method": method, **sections.pop("catalog", {})}
        pipeline = make_pipeline({table: entry}, catalog=catalog, **sections)
        watched = Watched(pipeline, started_proxy, table)
        pipeline.create_table(table)
        watched.grow()
        watched.grow()
        watched.runs_well(engine="in_process")
        return watched

    return make


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 and PyAthena ask again at once."""
    at_once = SimpleNamespace(sleep=lambda seconds: None, time=time.time)
    monkeypatch.setattr("botocore.endpoint.time", at_once)
    monkeypatch.setattr("tenacity.nap.time", at_once)
