"""A proxy before the sandbox, tables to export through it, and processes to be killed while they do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace

import pytest

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.faults.commands import Commands, serve_commands
from tests.faults.corpus import make_table
from tests.faults.moments import Moment
from tests.faults.proxy import Proxy, serve_proxy
from tests.faults.trials import BUCKET, Quiet, RunUntil, Trial, run_until


@pytest.fixture(scope="session")
def started_proxy(sandbox: Endpoint) -> Iterator[Proxy]:
    with serve_proxy(sandbox) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def quiet(sandbox: Endpoint) -> Quiet:
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    return Quiet(s3, sandbox.url)


@pytest.fixture(scope="session")
def tables(sandbox: Endpoint) -> tuple[str, str]:
    """Of 5 MB, and of a few kilobytes."""
    return make_table(sandbox, "Corpus"), make_table(sandbox, "SmallCorpus", count=60, item_bytes=400)


@pytest.fixture
def trial(
    aws: Endpoint, started_proxy: Proxy, quiet: Quiet, tables: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Trial]:
    """The proxy, with this test's environment pointed at it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", started_proxy.url)
    yield Trial(started_proxy, quiet, *tables)
    started_proxy.reset()


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 asks again at once."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None, time=time.time))


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with serve_commands(tmp_path_factory.mktemp("commands")) as commands:
        yield commands


@pytest.fixture(name="run_until")
def _run_until(trial: Trial, commands: Commands) -> RunUntil:
    """See `tests.faults.trials.run_until`."""
    return partial(run_until, trial, commands)


@pytest.fixture
def steps(trial: Trial, run_until: RunUntil) -> Callable[[str], range]:
    """The numbers of a run's requests, from the last one before the first that changes anything."""

    def count(format: str) -> range:
        never = Moment(lambda _: False, lambda *_: None)
        code, said = run_until(never, trial.exports(format=format, segments=2))
        assert code == 0, said
        operations = trial.proxy.operations()
        return range(operations.index("s3.PutObject"), len(operations) + 1)

    return count
