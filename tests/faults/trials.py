"""Exports through the proxy, and the same ones undisturbed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
import pytest

from dynamo_assets.export import ExportRequest, InProcess, Manifest, run_export
from tests.faults.commands import Commands
from tests.faults.moments import Moment
from tests.faults.proxy import Proxy
from tests.faults.snapshots import Exports, Snapshot

BUCKET = "exports-under-faults"
SEGMENTS = 3
_serial = itertools.count(1)


@cache
def _session() -> boto3.Session:
    """One for all exports: it keeps the services' descriptions, which take long to load."""
    return boto3.Session("sandbox", "sandbox", region_name="us-east-1")


@dataclass(frozen=True)
class Quiet:
    """What becomes of a request where nothing goes wrong.

    Attributes:
        s3: Reaches the sandbox without any proxy.
        url: The sandbox's own address.
    """

    s3: Any
    url: str

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Has exports go to the sandbox itself."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AWS_ENDPOINT_URL", self.url)
            yield

    @cache  # noqa: B019 - one for all tests
    def snapshot(self, table: str, format: Any, segments: int) -> Snapshot:
        request = ExportRequest(
            table=table, bucket=BUCKET, prefix=f"quiet-{next(_serial)}", segments=segments, format=format
        )
        with self.undisturbed():
            run_export(request, InProcess(SEGMENTS), session=_session())
        return Exports(self.s3, request).newest()

    def __hash__(self) -> int:
        return hash(self.url)


@dataclass(frozen=True)
class Trial:
    """What one test does to exports.

    Attributes:
        proxy: Between the exports and the sandbox.
        quiet: What is to come out.
        corpus: A table of 5 MB.
        small_corpus: A table of the same kinds of items, fewer and smaller.
    """

    proxy: Proxy
    quiet: Quiet
    corpus: str
    small_corpus: str

    def exports(self, table: str | None = None, **options: Any) -> Exports:
        """A request, by default of the small corpus, whose snapshots lie apart from all others."""
        request = {"bucket": BUCKET, "prefix": f"run-{next(_serial)}", "segments": SEGMENTS}
        return Exports(self.quiet.s3, ExportRequest(**{"table": table or self.small_corpus, **request, **options}))

    def export(self, table: str | None = None, **options: Any) -> tuple[Exports, Manifest]:
        """One export, through the proxy."""
        made = self.exports(table, **options)
        return made, run_export(made.request, InProcess(SEGMENTS), session=_session())

    def next_export(self, made: Exports) -> Manifest:
        """Another export of the same request, undisturbed."""
        with self.quiet.undisturbed():
            # Not in a second that a dead one has claimed: it would wait for the next.
            later = lambda: datetime.now(UTC) + timedelta(seconds=9)  # noqa: E731
            return run_export(made.request, InProcess(2), session=_session(), now=later)

    def quiet_snapshot(self, request: ExportRequest) -> Snapshot:
        assert request.segments is not None
        return self.quiet.snapshot(request.table, request.format, request.segments)

    def assert_as_quiet(self, made: Exports) -> None:
        """Fails unless there is one snapshot, as a quiet run makes it, and nothing else."""
        manifest = made.manifest()
        assert made.read(manifest) == self.quiet_snapshot(made.request)
        made.assert_nothing_but([manifest.snapshot_timestamp])


RunUntil = Callable[[Moment, Exports], tuple[int, str]]


def run_until(trial: Trial, commands: Commands, moment: Moment, made: Exports) -> tuple[int, str]:
    """Runs the command until a moment; gives its exit code and what it said, once nothing is under way any more."""
    trial.proxy.reset()
    trial.proxy.behaviour = moment
    arguments = [text for pair in made.request.to_arguments().items() for text in pair]
    running = commands.start([*arguments, "--workers", "2"], trial.proxy.environment())
    moment.aim_at(running.pid)
    ended = running.wait()
    moment.released.set()
    trial.proxy.wait_until_idle()
    return ended
