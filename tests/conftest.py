"""Fixtures that every test may use: one sandbox for each test process, and clients for it."""

from __future__ import annotations

import functools
import gc
import itertools
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.client import ClientCreator
from botocore.loaders import create_loader

from dynamo_assets.sandbox.dynamodb.clock import move_clock
from dynamo_assets.sandbox.endpoint import Endpoint
from dynamo_assets.sandbox.request_checks.checks import refused_requests
from dynamo_assets.sandbox.server import spawn

_serial = itertools.count(1)
_spawned: list[Endpoint] = []
_OWN_TESTS = Path(__file__).parent / "sandbox"


own_client = Endpoint.client
"""A client of a sandbox for one test alone, which may listen to it; others are shared, with their connections."""


def _shared_client(endpoint: Endpoint, service: str, *whose: str) -> Any:
    client = own_client(endpoint, service, *whose)

    def refuse(event: str, *_: Any, **__: Any) -> None:
        raise AssertionError(f"other tests have this client of {service}, too: take `own_client` to listen to {event}")

    client.meta.events.register = refuse
    return client


def pytest_collection_finish() -> None:
    """Spares the garbage collector what is imported by now, and stays: Dagster, moto, the tests themselves."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@pytest.fixture(scope="session", autouse=True)
def _one_loader() -> Iterator[None]:
    """Lets all of boto3's sessions share what they make of the services' models: tests make hundreds of sessions."""
    loader = create_loader()
    classes: dict[str, type] = {}
    creators: Any = ClientCreator
    make_class = creators._create_client_class

    def client_class(creator: Any, service: str, model: Any) -> type:
        if service not in classes:
            classes[service] = make_class(creator, service, model)
        return classes[service]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", lambda _=None: loader)
        patch.setattr(creators, "_create_client_class", client_class)
        patch.setattr(Endpoint, "client", functools.cache(_shared_client))
        yield


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """An AWS of this test process's own, in a process of its own."""
    with spawn(log_path=tmp_path_factory.mktemp("sandbox") / "sandbox.log") as endpoint:
        _spawned.append(endpoint)
        yield endpoint
        _spawned.clear()


@pytest.fixture(scope="module", autouse=True)
def _every_request_is_as_aws_has_it(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a module's tests send, from whichever process: code that passes over errors hides nothing from this.

    The sandbox's own tests send wrong requests on purpose.
    """
    for endpoint in _spawned:
        refused_requests(endpoint, forget=True)
    yield
    if not request.path.is_relative_to(_OWN_TESTS):
        assert [each for endpoint in _spawned for each in refused_requests(endpoint)] == []


def point_to(sandbox: Endpoint, environment: pytest.MonkeyPatch) -> Endpoint:
    for name, value in sandbox.environment().items():
        environment.setenv(name, value)
    environment.delenv("AWS_PROFILE", raising=False)
    return sandbox


@pytest.fixture
def aws(sandbox: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    """The sandbox, with this test's environment pointed at it, as a user's shell would be."""
    return point_to(sandbox, monkeypatch)


@pytest.fixture(scope="module")
def module_aws(sandbox: Endpoint) -> Iterator[Endpoint]:
    """As `aws`, for what the tests of a module share."""
    with pytest.MonkeyPatch.context() as environment:
        yield point_to(sandbox, environment)


@pytest.fixture
def bucket(aws: Endpoint) -> str:
    """A new, empty bucket."""
    name = f"exports-{next(_serial)}"
    aws.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="session")
def unique() -> Any:
    """Makes names that no other test of this sandbox has: `unique("orders")` gives `orders_7`."""
    return lambda stem: f"{stem}_{next(_serial)}"


@pytest.fixture
def dynamodb_clock(aws: Endpoint) -> Iterator[Callable[[float], datetime]]:
    """Moves DynamoDB's clock to so many seconds from the machine's, for this test; gives the time it then shows."""
    yield lambda offset_seconds: move_clock(aws, offset_seconds)
    move_clock(aws, 0)
