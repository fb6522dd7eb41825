"""Wheels: which file is a pinned module's for a Python of Glue, and which content it must have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from dynamo_assets.errors import DeploymentError
from dynamo_assets.infrastructure.glue_pythons import GluePython
from dynamo_assets.infrastructure.pinned_modules import Pin


@dataclass(frozen=True)
class Wheel:
    """A wheel, which need not be here.

    Attributes:
        pin: What it installs.
        file_name: Says name, version, and which Pythons and platforms it is for.
        sha256: The hash of its content.
    """

    pin: Pin
    file_name: str
    sha256: str

    @property
    def name(self) -> str:
        """What it is uploaded under, as scripts and package are: after a hash of its content."""
        return f"{self.sha256[:16]}/{self.file_name}"


@cache
def listed_hashes() -> Mapping[str, str]:
    """The wheels of this release's own pins: sha256 by file name, as the public package index has them."""
    lines = files("dynamo_assets.infrastructure").joinpath("wheels.sha256").read_text().splitlines()
    return {name: sha256 for sha256, name in (line.split() for line in lines if not line.startswith("#"))}


def listed_wheel(pin: Pin, python: GluePython) -> Wheel | None:
    """The wheel that this release was tested with; None where another version of the module is installed here."""
    hashes = listed_hashes()
    name = best_fit(hashes, pin, python)
    return Wheel(pin, name, hashes[name]) if name else None


def best_fit(file_names: Iterable[str], pin: Pin, python: GluePython) -> str | None:
    """Which of the files installs a pinned module under a Python of Glue; the one that pip would take."""
    ranked = []
    for file_name in file_names:
        try:
            name, version, build, tags = parse_wheel_filename(file_name)
        except InvalidWheelFilename:
            continue
        ranks = [python.ranks[tag] for tag in tags if tag in python.ranks]
        if ranks and name == canonicalize_name(pin.name) and version == Version(pin.version):
            ranked.append((-min(ranks), build, file_name))
    return max(ranked)[-1] if ranked else None


def wheel_in(folder: Path, pin: Pin, python: GluePython) -> Wheel | None:
    """The wheel of a pinned module among the files of a folder.

    Raises:
        DeploymentError: It has a listed wheel's name, and another content.
    """
    name = best_fit((path.name for path in folder.glob("*.whl")), pin, python)
    if name is None:
        return None
    sha256 = sha256_of(folder / name)
    if listed_hashes().get(name, sha256) != sha256:
        raise DeploymentError(
            f"{folder / name} is not the wheel of that name which this release was tested with: its sha256 is "
            f"{sha256}, and should be {listed_hashes()[name]}. Get it anew; if it is a build of your own, give it a "
            "build number, as in pyarrow-26.0.1-1-cp311-..."
        )
    return Wheel(pin, name, sha256)


def sha256_of(path: Path) -> str:
    """The hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
