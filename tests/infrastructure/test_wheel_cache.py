"""Wheels that pip gets, each once: here from a directory, as it would from its index."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dynamo_assets.errors import DeploymentError
from dynamo_assets.infrastructure import pip_download
from dynamo_assets.infrastructure.glue_pythons import GLUE_PYTHONS
from dynamo_assets.infrastructure.pinned_modules import Pin
from dynamo_assets.infrastructure.wheel_stores import WheelCache, cache_folder
from dynamo_assets.infrastructure.wheels import Wheel
from tests.wheel_files import wheel

FILE = "tiny-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
TINY = Pin("tiny", "1.0")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What pip is configured for: a directory with wheels for three Pythons, and nothing else."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in (FILE, FILE.replace("cp311", "cp312"), FILE.replace("cp311", "cp313")):
        (folder / name).write_bytes(wheel(name, {"tiny.py": f"NAME = {name!r}"}))
    for variable, value in {"CONFIG_FILE": "/dev/null", "NO_INDEX": "1", "FIND_LINKS": str(folder)}.items():
        monkeypatch.setenv(f"PIP_{variable}", value)
    return folder


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, said: list[str]) -> WheelCache:
    return WheelCache(tmp_path / "cache", GLUE_PYTHONS["5.1"], said.append)


def test_a_wheel_is_downloaded_once_and_again_only_if_it_is_damaged(
    index: Path, cache: WheelCache, said: list[str], tmp_path: Path
) -> None:
    [found] = cache.wheels([TINY])
    assert (found.file_name, len(said)) == (FILE, 1)
    assert cache.wheels([TINY]) == (found,)
    assert cache.files([found]) == {found: tmp_path / "cache" / FILE}
    assert len(said) == 1, "nothing is asked for twice"

    (tmp_path / "cache" / FILE).write_bytes(b"half of it")
    assert cache.files([found])[found].read_bytes() == (index / FILE).read_bytes()
    (tmp_path / "cache" / FILE).write_bytes(b"half of it")
    (index / FILE).rename(index / "lost")
    with pytest.raises(
        DeploymentError, match=r"wheels of tiny==1.0 for Python 3.11 .* could not be had: ERROR.*the index has"
    ):
        cache.wheels([TINY])


def test_a_wheel_of_another_content_than_it_must_have_is_refused(index: Path, cache: WheelCache) -> None:
    with pytest.raises(DeploymentError, match=r"with another content than this release was tested with .*sha256 0000"):
        cache.files([Wheel(TINY, FILE, "0" * 64)])


def test_an_index_out_of_reach_is_told_from_one_that_lacks_the_wheel(
    index: Path, cache: WheelCache, monkeypatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    for name, value in {
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0",
        "PIP_INDEX" + "_URL": "http://index.invalid/simple",
        "PIP_TRUSTED_HOST": "index.invalid",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "",
        "http_proxy": "http://127.0.0.1:9",
        "no_proxy": "",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DeploymentError, match=r"pip does not reach its index .*HTTPS_PROXY.*deploy.wheels.*index"):
        cache.wheels([TINY])


def test_a_python_without_pip_is_told_so(index: Path, cache: WheelCache, monkeypatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')  # -S: without site-packages, so without pip
    python.chmod(0o755)
    monkeypatch.setattr(pip_download.sys, "executable", str(python))
    with pytest.raises(DeploymentError, match=r"python has no pip. Install it .*deploy.wheels"):
        cache.wheels([TINY])


def test_the_cache_is_the_users_own() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/var/cache/me"}) == Path("/var/cache/me/dynamo-assets/wheels")
    assert (
        cache_folder({"XDG_CACHE_HOME": "relative"}) == cache_folder({}) == Path.home() / ".cache/dynamo-assets/wheels"
    )
