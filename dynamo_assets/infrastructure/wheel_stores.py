"""Where `deploy` has wheels from: pip, whose downloads are kept for the next time, or a directory that a user names."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from dynamo_assets.errors import DeploymentError
from dynamo_assets.infrastructure.glue_pythons import GluePython
from dynamo_assets.infrastructure.pinned_modules import Pin
from dynamo_assets.infrastructure.pip_download import download
from dynamo_assets.infrastructure.wheels import Wheel, best_fit, listed_wheel, sha256_of, wheel_in


class WheelStore(Protocol):
    """Has a wheel for each pinned module."""

    def wheels(self, pins: Iterable[Pin]) -> tuple[Wheel, ...]:
        """Which they are."""
        ...

    def files(self, wheels: Iterable[Wheel]) -> Mapping[Wheel, Path]:
        """Where they lie, once they are here."""
        ...


class WheelDirectory:
    """A directory that a user has filled.

    Args:
        folder: The directory.
        python: What the wheels are to be for.
    """

    def __init__(self, folder: Path, python: GluePython) -> None:
        self._folder = folder
        self._python = python

    def wheels(self, pins: Iterable[Pin]) -> tuple[Wheel, ...]:
        """Which they are.

        Raises:
            DeploymentError: Some are missing, or have another content than they should.
        """
        if not self._folder.is_dir():
            raise DeploymentError(f"deploy.wheels: {self._folder} is no directory")
        found = {pin: wheel_in(self._folder, pin, self._python) for pin in pins}
        if missing := [str(pin) for pin, wheel in found.items() if wheel is None]:
            raise DeploymentError(
                f"deploy.wheels: {self._folder} has no wheel of {', '.join(missing)} for {self._python}. Where there "
                f"is an index: pip download --no-deps --only-binary=:all: --python-version {self._python.dotted} "
                f"--platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 "
                f"{' '.join(missing)}"
            )
        return tuple(wheel for wheel in found.values() if wheel)

    def files(self, wheels: Iterable[Wheel]) -> Mapping[Wheel, Path]:
        """Where they lie."""
        return {wheel: self._folder / wheel.file_name for wheel in wheels}


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's folder for what can be had again (XDG Base Directory Specification)."""
    named = environment.get("XDG_CACHE_HOME", "")
    root = Path(named) if Path(named).is_absolute() else Path.home() / ".cache"
    return root / "dynamo-assets" / "wheels"


class WheelCache:
    """What pip has downloaded: a second deployment asks no index.

    A wheel that this release lists is known by name and hash alone, and downloaded only where it is to be uploaded. One
    that is not listed has to be here before anything can be said of it.

    Args:
        folder: Where it lies; a wheel's file name says name, version and tags.
        python: What the wheels are to be for.
        log: Is told what pip is asked for.
    """

    def __init__(self, folder: Path, python: GluePython, log: Callable[[str], None]) -> None:
        self._folder = folder
        self._python = python
        self._log = log

    def wheels(self, pins: Iterable[Pin]) -> tuple[Wheel, ...]:
        """Which they are.

        Raises:
            DeploymentError: One that is not listed could not be had.
        """
        pins = tuple(pins)
        found = {pin: listed_wheel(pin, self._python) or self._kept(pin) for pin in pins}
        missing = [pin for pin, wheel in found.items() if wheel is None]
        if missing:
            self._download([str(pin) for pin in missing])
            found |= {pin: self._kept(pin) for pin in missing}
        lost = [str(pin) for pin, wheel in found.items() if wheel is None]
        if lost:
            raise DeploymentError(f"pip has downloaded wheels of {', '.join(lost)} that are not for {self._python}")
        return tuple(wheel for wheel in found.values() if wheel)

    def files(self, wheels: Iterable[Wheel]) -> Mapping[Wheel, Path]:
        """Where they lie, each with the content that it should have; what is not here is downloaded.

        Raises:
            DeploymentError: Some could not be had.
        """
        paths = {wheel: self._folder / wheel.file_name for wheel in wheels}
        missing = [wheel for wheel, path in paths.items() if not path.exists() or sha256_of(path) != wheel.sha256]
        if missing:
            self._download([f"{wheel.pin} --hash=sha256:{wheel.sha256}" for wheel in missing])
        if lost := [wheel.file_name for wheel in missing if not paths[wheel].exists()]:
            raise DeploymentError(f"pip has downloaded something else than {', '.join(lost)}; see `pip config list`")
        return paths

    def _kept(self, pin: Pin) -> Wheel | None:
        """A wheel that is here and still what it was when it came."""
        name = best_fit((path.name for path in self._folder.glob("*.whl")), pin, self._python)
        if name is None:
            return None
        recorded, sha256 = self._folder / f"{name}.sha256", sha256_of(self._folder / name)
        if not recorded.exists() or recorded.read_text().split()[0] != sha256:
            return None
        return Wheel(pin, name, sha256)

    def _download(self, requirements: Sequence[str]) -> None:
        names = ", ".join(line.split()[0] for line in requirements)
        self._log(f"pip gets wheels for {self._python}: {names}")
        self._folder.mkdir(parents=True, exist_ok=True)
        # Of its own, and moved when they are whole: another deployment may be at it, or this one be ended.
        with tempfile.TemporaryDirectory(dir=self._folder) as temporary:
            download(requirements, self._python, Path(temporary))
            for path in Path(temporary).glob("*.whl"):
                record = Path(temporary) / f"{path.name}.sha256"
                record.write_text(f"{sha256_of(path)}  {path.name}\n")
                for file in (record, path):
                    shutil.move(file, self._folder / file.name)
