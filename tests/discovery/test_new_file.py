"""A file is written whole or not at all, and over nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dynamo_assets.discovery.new_file import require_absent, write_new
from dynamo_assets.errors import DiscoveryError


@pytest.fixture(params=["file", "folder", "link", "link to nothing"])
def taken(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path, target = tmp_path / "tables.yaml", tmp_path / "target"
    match request.param:
        case "file":
            path.write_text("mine")
        case "folder":
            path.mkdir()
        case "link":
            target.write_text("mine")
            path.symlink_to(target)
        case _:
            path.symlink_to(target)
    return path


def test_what_is_there_stays_whatever_it_is(taken: Path) -> None:
    target = taken.with_name("target")
    before = (taken.is_symlink(), target.exists())
    for refuse in (require_absent, lambda path: write_new(path, "ours")):
        with pytest.raises(DiscoveryError, match=r"tables\.yaml is there already, .*--output"):
            refuse(taken)
    assert (taken.is_symlink(), target.exists()) == before
    assert not taken.is_file() or taken.read_text() == "mine"


def test_what_cannot_be_written_to_the_end_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "tables.yaml"
    with pytest.raises(UnicodeEncodeError):
        write_new(path, "x" * 100_000 + "\udc80")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DiscoveryError, match=r"none/tables\.yaml cannot be written \(No such file"):
        write_new(tmp_path / "none" / "tables.yaml", "x")
    write_new(path, "x")
    assert path.read_text() == "x"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_told_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, full = tmp_path / "tables.yaml", Path("/dev/full")
    opened = Path.open

    def onto_a_full_disk(self: Path, *arguments: Any, **options: Any):
        opened(self, *arguments, **options).close()
        return opened(full, "w")

    monkeypatch.setattr(Path, "open", onto_a_full_disk)
    with pytest.raises(DiscoveryError, match=r"tables\.yaml cannot be written \(No space left on device\)"):
        write_new(path, "x")
    assert list(tmp_path.iterdir()) == []
