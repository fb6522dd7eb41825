"""The Python modules that the jobs need beside Glue's own, in the versions that are installed here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dynamo_assets.errors import DeploymentError
from dynamo_assets.infrastructure.glue_pythons import GluePython

MODULES = ("arro3-core", "arro3-io", "fastavro", "isal", "msgspec", "pyarrow")
"""What the export core imports beside boto3, which Glue has."""


@dataclass(frozen=True)
class Pin:
    """A distribution in one version.

    Attributes:
        name: Its normalized name.
        version: The version that is installed here: what the tests ran on.
    """

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def pinned_modules() -> list[Pin]:
    """The modules themselves."""
    return [_pin(_installed(Requirement(name), "the export core")) for name in MODULES]


def pinned_with_dependencies(python: GluePython) -> list[Pin]:
    """The modules and all that they need under a Python of Glue; each after what it needs.

    Raises:
        DeploymentError: Something that is needed there is not installed here, so that no version of it is known.
    """
    found: dict[Pin, None] = {}
    for name in MODULES:
        _add(Requirement(name), "the export core", python, found, frozenset())
    return list(found)


def _add(needed: Requirement, by: str, python: GluePython, found: dict[Pin, None], above: frozenset[Pin]) -> None:
    package = _installed(needed, by)
    pin = _pin(package)
    if pin in above:  # they need each other
        return
    for text in package.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        extras = needed.extras or {""}
        if marker is None or any(marker.evaluate({**python.environment, "extra": extra}) for extra in extras):
            _add(requirement, pin.name, python, found, above | {pin})
    found[pin] = None


def _pin(package: Distribution) -> Pin:
    return Pin(canonicalize_name(package.metadata["Name"]), package.version)


def _installed(needed: Requirement, by: str) -> Distribution:
    try:
        return distribution(needed.name)
    except PackageNotFoundError as error:
        raise DeploymentError(
            f"{needed.name}, which {by} needs on Glue, is not installed here, so that its version is not known: "
            f"pip install '{needed.name}{needed.specifier}', and deploy again"
        ) from error
