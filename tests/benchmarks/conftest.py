"""A replay server with small tables of every kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.native_exports import generate_export
from benchmarks.pages import generate
from benchmarks.replay.server import Replay, replay_server
from benchmarks.tables import TABLES
from tests.benchmarks.small_tables import EXPORTED, ITEMS


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the small tables' pages are."""
    folder = tmp_path_factory.mktemp("tables")
    for name, items in ITEMS.items():
        make = generate_export if name in EXPORTED else generate
        make(name, folder, replace(TABLES[name], items=items))
    return folder


@pytest.fixture(scope="session")
def server(cache: Path) -> Iterator[Replay]:
    with replay_server(cache) as replay:
        yield replay


@pytest.fixture
def replay(server: Replay, monkeypatch: pytest.MonkeyPatch) -> Replay:
    """The server, with this test's environment pointed at it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return server
