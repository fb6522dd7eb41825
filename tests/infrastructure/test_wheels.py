"""Which wheels a version of Glue needs, and which files they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dynamo_assets.errors import DeploymentError
from dynamo_assets.infrastructure import pinned_modules
from dynamo_assets.infrastructure.glue_pythons import GLUE_PYTHONS, GluePython
from dynamo_assets.infrastructure.pinned_modules import MODULES, Pin, pinned_with_dependencies
from dynamo_assets.infrastructure.wheel_stores import WheelDirectory
from dynamo_assets.infrastructure.wheels import best_fit, listed_hashes, listed_wheel
from tests.wheel_files import wheel

GLUE_5, GLUE_6 = GLUE_PYTHONS["5.1"], GLUE_PYTHONS["6.0"]
TINY = Pin("tiny", "1.0")


@pytest.mark.parametrize("python", GLUE_PYTHONS.values(), ids=str)
def test_the_modules_and_all_that_they_need_are_listed_each_after_what_it_needs(python: GluePython) -> None:
    pins = pinned_with_dependencies(python)
    names = [pin.name for pin in pins]

    assert set(MODULES) <= set(names)
    assert len(names) == len(set(names))
    assert names.index("arro3-core") < names.index("arro3-io")
    assert [pin for pin in pins if not listed_wheel(pin, python)] == [], "renew wheels.sha256: see CONTRIBUTING.md"


def test_what_only_one_python_needs_is_there_for_that_one() -> None:
    needed = {python: {pin.name for pin in pinned_with_dependencies(python)} for python in (GLUE_5, GLUE_6)}
    assert "typing-extensions" in needed[GLUE_5], "arro3-core needs it before Python 3.12"
    assert "typing-extensions" not in needed[GLUE_6]


def test_what_is_not_installed_here_has_no_version_to_pin(monkeypatch) -> None:
    monkeypatch.setattr(pinned_modules, "MODULES", ("no-such-module",))
    with pytest.raises(DeploymentError, match="no-such-module, which the export core needs on Glue, is not installed"):
        pinned_with_dependencies(GLUE_5)


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        (["tiny-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", "tiny-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"], 1),
        (["tiny-1.0-cp311-cp311-manylinux2014_x86_64.whl", "tiny-1.0-py3-none-any.whl"], 0),
        (["tiny-1.0-py3-none-any.whl", "tiny-1.0-2-py3-none-any.whl"], 1),
        (["tiny-1.0-cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"], 0),
        (["Tiny-1.0.0-py2.py3-none-any.whl"], 0),
        (["tiny-1.0-cp312-cp312-manylinux2014_x86_64.whl"], None),
        (["tiny-1.0-cp311-cp311-manylinux_2_35_x86_64.whl"], None),
        (["tiny-1.0-cp311-cp311-manylinux2014_aarch64.whl", "tiny-1.0-cp311-cp311-macosx_14_0_x86_64.whl"], None),
        (["tiny-1.1-py3-none-any.whl", "tinier-1.0-py3-none-any.whl", "tiny-1.0.tar.gz", "tiny.whl"], None),
    ],
)
def test_the_wheel_is_the_one_that_pip_would_take_on_glue(offered: list[str], taken: int | None) -> None:
    assert best_fit(offered, TINY, GLUE_5) == (None if taken is None else offered[taken])


def test_a_directory_of_wheels_must_have_them_all_for_that_python(tmp_path: Path) -> None:
    store, pins = WheelDirectory(tmp_path, GLUE_5), [TINY, Pin("other", "2.0")]
    (tmp_path / "other-2.0-cp313-cp313-manylinux2014_x86_64.whl").write_bytes(b"for another Python")
    (tmp_path / "tiny-1.0-py3-none-any.whl").write_bytes(wheel("tiny-1.0-py3-none-any.whl", {}))

    with pytest.raises(DeploymentError, match=r"has no wheel of other==2.0 for Python 3.11 on Linux .*pip download"):
        store.wheels(pins)
    [found] = store.wheels([TINY])

    assert found.name == f"{found.sha256[:16]}/tiny-1.0-py3-none-any.whl"
    assert hashlib.sha256(store.files([found])[found].read_bytes()).hexdigest() == found.sha256
    with pytest.raises(DeploymentError, match="is no directory"):
        WheelDirectory(tmp_path / "nowhere", GLUE_5).wheels(pins)


def test_a_file_that_has_a_listed_wheels_name_and_another_content_is_refused(tmp_path: Path) -> None:
    [name] = [name for name in listed_hashes() if name.startswith("isal") and "-cp311-" in name]
    pin, store = Pin("isal", name.split("-")[1]), WheelDirectory(tmp_path, GLUE_5)
    (tmp_path / name).write_bytes(b"truncated")
    with pytest.raises(DeploymentError, match=f"{name} is not the wheel of that name which this release was tested"):
        store.wheels([pin])

    own = name.replace("-cp311-", "-1-cp311-", 1)
    (tmp_path / name).rename(tmp_path / own)
    assert [each.file_name for each in store.wheels([pin])] == [own]
