"""The Python that a Glue run sees: the packages that AWS Glue provides, and nothing else of this machine.

A script that imports what Glue does not have fails here as it would there: this project's own checkout, too, is
visible only through `--extra-py-files`, and anything more only through `--additional-python-modules`. To that end
runs use virtual environments that consist of links to the sandbox's own packages, picked by name. Their *versions*
are the sandbox's, not Glue's.
"""

from __future__ import annotations

import sys
import sysconfig
import threading
import venv
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from dynamo_assets.errors import SandboxError

# Developer guide, "Python modules already provided in AWS Glue" (5.0, 5.1); awslabs/aws-glue-libs,
# base-requirements.txt (6.0). PySpark is part of the image.
# fmt: off
_GLUE_5_0 = {
    "aiobotocore", "aiohappyeyeballs", "aiohttp", "aioitertools", "aiosignal", "appdirs", "attrs", "boto3", "botocore",
    "certifi", "charset-normalizer", "contourpy", "cycler", "fonttools", "frozenlist", "fsspec", "idna", "jmespath",
    "kaleido", "kiwisolver", "matplotlib", "multidict", "numpy", "packaging", "pandas", "pillow", "pip", "plotly",
    "py4j", "pyarrow", "pyparsing", "pyspark", "python-dateutil", "pytz", "requests", "s3fs", "s3transfer", "seaborn",
    "setuptools", "six", "tenacity", "tzdata", "urllib3", "virtualenv", "wrapt", "yarl",
}
_GLUE_5_1 = _GLUE_5_0 | {
    "choreographer", "distlib", "filelock", "iniconfig", "logistro", "narwhals", "orjson", "platformdirs", "pluggy",
    "propcache", "pygments", "pytest", "pytest-timeout", "simplejson", "typing-extensions", "uv",
}
_GLUE_6_0 = _GLUE_5_1 | {
    "googleapis-common-protos", "grpcio", "grpcio-status", "protobuf", "python-discovery", "pyyaml", "zstandard",
}
# fmt: on
PROVIDED = {"5.0": _GLUE_5_0, "5.1": _GLUE_5_1, "6.0": _GLUE_6_0}
"""The distributions that each version of Glue provides, by normalized name."""


class GluePythons:
    """The virtual environments, one for each version of Glue that is used.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def interpreter(self, glue_version: str) -> Path:
        """The `python` of a version of Glue."""
        root = self._folder / f"glue-{glue_version}"
        with self._lock:
            if not root.exists():
                venv.EnvBuilder(symlinks=True, with_pip=False).create(root)
                names = PROVIDED[glue_version]
                _link_packages(
                    (found for found in distributions() if canonicalize_name(found.name) in names),
                    Path(sysconfig.get_path("purelib", scheme="venv", vars={"base": str(root)})),
                )
        return root / "bin" / "python"


def install_modules(requirements: Iterable[str], wheels: Iterable[Path], folder: Path) -> None:
    """What `pip` does on Glue for `--additional-python-modules`, from what is here already: nothing is fetched.

    Args:
        requirements: Such as `msgspec==0.20.0`; satisfied by the sandbox's own packages.
        wheels: Wheel files, unpacked.
        folder: Where the modules are to be importable from.

    Raises:
        SandboxError: A requirement, or what it depends on, is not satisfied; the message says which, and by what it
            is asked for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    todo = [(text, "--additional-python-modules") for text in requirements]
    todo += [(needed, wheel.name) for wheel in distributions(path=[str(folder)]) for needed in _needs(wheel, set())]
    found: dict[str, Distribution] = {}
    while todo:
        text, wanted_by = todo.pop()
        requirement = _requirement(text, wanted_by)
        package = _installed(requirement, wanted_by, folder)
        key = f"{canonicalize_name(package.name)}[{sorted(requirement.extras)}]"
        if key not in found:
            found[key] = package
            todo += [(needed, package.name) for needed in _needs(package, requirement.extras)]
    _link_packages(found.values(), folder)


def _link_packages(found: Iterable[Distribution], folder: Path) -> None:
    for package in found:
        tops = {Path(file).parts[0] for file in package.files or ()}
        for top in tops - {"..", "__pycache__"}:
            link = folder / top
            if not link.exists() and link.suffix != ".pth":  # a namespace package has several owners
                link.symlink_to(Path(str(package.locate_file(top))))


def _requirement(text: str, wanted_by: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise SandboxError(f"{text!r} in {wanted_by} is not a requirement that pip takes: {error}") from error


def _installed(requirement: Requirement, wanted_by: str, folder: Path) -> Distribution:
    package = next(iter(distributions(name=requirement.name, path=[str(folder), *sys.path])), None)
    if package is None or not requirement.specifier.contains(package.version, prereleases=True):
        has = f"has {package.name} {package.version}" if package else "does not have it"
        raise SandboxError(
            f"Python Module Installer: {wanted_by} asks for '{requirement}'. The sandbox does not install packages, "
            f"and {has}: pip install '{requirement}' where the sandbox is installed, and start it again"
        )
    return package


def _needs(package: Distribution, extras: set[str]) -> Iterator[str]:
    for text in package.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in (extras or {""})):
            requirement.marker = None
            yield str(requirement)
