"""What Glue does before a run for `--additional-python-modules`: wheels in S3 are installed by pip, as there.

What a requirement or a wheel's dependency asks of the package index is taken from the sandbox's own packages instead:
nothing is fetched. With `--no-index` not even that: then there is only what Glue provides, and the wheels.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from dynamo_assets.errors import SandboxError
from dynamo_assets.infrastructure.glue_pythons import GLUE_PYTHONS
from dynamo_assets.sandbox.glue_jobs.interpreters import PROVIDED, link_packages
from dynamo_assets.sandbox.glue_jobs.s3_addresses import download, file_name, fingerprint

MODULES = "--additional-python-modules"
OPTION = "--python-modules-installer-option"
OPTIONS = frozenset({"--no-index", "--no-deps", "--upgrade"})
"""Those of pip that mean something here."""

_PIP_OPTIONS = ("--no-index", "--no-deps", "--no-compile", "--no-cache-dir", "--disable-pip-version-check", "--quiet")


class ModulesError(SandboxError):
    """The modules of a run could not be installed."""


class ModuleInstaller:
    """Installs the modules of runs; a set of wheels once, for all runs that ask for it.

    Args:
        folder: Where wheels are installed, each set in a folder that its content names.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def install(self, s3: Any, arguments: Mapping[str, str], glue_version: str, folder: Path) -> list[Path]:
        """Does it for one run.

        Args:
            s3: A client of the sandbox's own S3.
            arguments: The run's.
            glue_version: Decides what there is already, and which wheels can be installed.
            folder: A folder of the run's own.

        Returns:
            Where the modules are importable from.

        Raises:
            ModulesError: pip would not have it.
            SandboxError: A file is not there, or is none that the sandbox installs.
        """
        named = [item.strip() for item in arguments.get(MODULES, "").split(",") if item.strip()]
        options = set(installer_options(arguments))
        addresses = [item for item in named if item.startswith("s3://")]
        for address in addresses:
            _check_wheel(file_name(address), glue_version)
        wheels = self._installed_wheels(s3, addresses) if addresses else None
        image = PROVIDED[glue_version] if "--no-index" in options else None
        requirements = [(item, MODULES) for item in named if item not in addresses]
        folder.mkdir(parents=True, exist_ok=True)
        link_packages(_resolve(requirements, wheels, image, with_needs="--no-deps" not in options), folder)
        return [folder, wheels] if wheels else [folder]

    def _installed_wheels(self, s3: Any, addresses: Sequence[str]) -> Path:
        content = "\n".join(f"{file_name(address)} {fingerprint(s3, address)}" for address in addresses)
        target = self._folder / hashlib.sha256(content.encode()).hexdigest()[:32]
        with self._lock:
            if not target.exists():
                self._folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(dir=self._folder) as temporary:
                    files = [download(s3, address, Path(temporary) / "files") for address in addresses]
                    _pip_install(files, Path(temporary) / "installed")
                    shutil.move(Path(temporary) / "installed", target)
        return target


def installer_options(arguments: Mapping[str, str]) -> list[str]:
    """The pip options of a run."""
    return arguments.get(OPTION, "").split()


def _check_wheel(name: str, glue_version: str) -> None:
    if not name.endswith(".whl"):
        raise SandboxError(f"The sandbox does not install {name!r} of {MODULES}: of S3 it takes only wheels")
    try:
        tags = parse_wheel_filename(name)[-1]
    except InvalidWheelFilename as error:
        raise ModulesError(f"ERROR: {name} is not a valid wheel filename.") from error
    python = GLUE_PYTHONS[glue_version]
    if not tags & python.ranks.keys():
        raise ModulesError(f"ERROR: {name} is not a supported wheel on this platform. ({python})")
    if tags.isdisjoint(sys_tags()):
        raise SandboxError(
            f"The sandbox does not run {name}: it is for {python}, and the sandbox has Python "
            f"{sys.version_info.major}.{sys.version_info.minor} on {sys.platform}. Start it where it fits, or let jobs "
            "have the sandbox's own packages: `deploy: {python_modules: index}`"
        )


def _pip_install(wheels: Sequence[Path], target: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--isolated", "install", *_PIP_OPTIONS, "--target", target, *wheels],
        env={"PATH": os.environ.get("PATH", ""), "PIP_CONFIG_FILE": os.devnull, "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise ModulesError(done.stdout.strip() or f"pip ended with exit code {done.returncode}")


@dataclass(frozen=True)
class _Source:
    """Where a requirement may be satisfied from: the wheels, and the sandbox's packages or those of Glue's image."""

    wheels: Path | None
    image: frozenset[str] | None

    def find(self, requirement: Requirement, wanted_by: str) -> Distribution:
        name, path = canonicalize_name(requirement.name), [str(self.wheels)] if self.wheels else []
        package = next(iter(distributions(name=requirement.name, path=path)), None)
        if package is None and (self.image is None or name in self.image):
            package = next(iter(distributions(name=requirement.name)), None)
        if package is not None and requirement.specifier.contains(package.version, prereleases=True):
            return package
        if self.image is not None:
            raise ModulesError(
                f"ERROR: Could not find a version that satisfies the requirement {requirement} (from {wanted_by}) "
                f"(from versions: {package.version if package else 'none'})\n"
                f"ERROR: No matching distribution found for {requirement}"
            )
        has = f"has {package.name} {package.version}" if package else "does not have it"
        raise ModulesError(
            f"{wanted_by} asks for '{requirement}'. The sandbox does not install packages, "
            f"and {has}: pip install '{requirement}' where the sandbox is installed, and start it again"
        )

    def is_elsewhere(self, package: Distribution) -> bool:
        """Whether a run finds it without a link: a wheel, or part of Glue's image."""
        found_in = Path(str(package.locate_file("")))
        return self.image is not None or (self.wheels is not None and found_in == self.wheels)


def _resolve(
    requirements: Sequence[tuple[str, str]], wheels: Path | None, image: set[str] | None, *, with_needs: bool
) -> list[Distribution]:
    """The sandbox's own packages that satisfy what is asked for."""
    source = _Source(wheels, frozenset(image) if image is not None else None)
    todo = list(requirements)
    if wheels and with_needs:
        todo += [(need, wheel.name) for wheel in distributions(path=[str(wheels)]) for need in _needs(wheel, set())]
    found: dict[str, Distribution] = {}
    while todo:
        text, wanted_by = todo.pop()
        requirement = _requirement(text, wanted_by)
        package = source.find(requirement, wanted_by)
        key = f"{canonicalize_name(package.name)}[{sorted(requirement.extras)}]"
        if key in found or source.is_elsewhere(package):
            continue
        found[key] = package
        if with_needs:
            todo += [(need, package.name) for need in _needs(package, requirement.extras)]
    return list(found.values())


def _requirement(text: str, wanted_by: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise ModulesError(f"{text!r} in {wanted_by} is not a requirement that pip takes: {error}") from error


def _needs(package: Distribution, extras: set[str]) -> Iterator[str]:
    for text in package.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in (extras or {""})):
            requirement.marker = None
            yield str(requirement)
