"""Where jobs have their Python modules from: wheels in the bucket, or an index; and what jobs are told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dynamo_assets.configuration.settings import Settings
from dynamo_assets.infrastructure.glue_pythons import GLUE_PYTHONS
from dynamo_assets.infrastructure.pinned_modules import pinned_modules, pinned_with_dependencies
from dynamo_assets.infrastructure.wheel_stores import WheelCache, WheelDirectory, WheelStore, cache_folder
from dynamo_assets.infrastructure.wheels import Wheel

MODULES_ARGUMENT = "--additional-python-modules"
OPTION_ARGUMENT = "--python-modules-installer-option"
_ASK_NO_INDEX = "--no-index"


@dataclass(frozen=True)
class PythonModules:
    """What is installed for a job before it starts.

    Attributes:
        arguments: The job's arguments that say so.
        wheels: What must lie in the bucket for it.
        store: Has them.
    """

    arguments: Mapping[str, str]
    wheels: tuple[Wheel, ...] = ()
    store: WheelStore | None = None

    def files(self, wheels: Iterable[Wheel]) -> Mapping[Wheel, Path]:
        """Where wheels lie on this machine, once they are here."""
        return self.store.files(wheels) if self.store else {}


def python_modules(settings: Settings, log: Callable[[str], None]) -> PythonModules:
    """What the settings ask for, with the versions that are installed here.

    Args:
        settings: `deploy.python_modules`, `deploy.wheels` and the version of Glue.
        log: Is told what pip is asked for.

    Raises:
        DeploymentError: It cannot be said which wheels they are.
    """
    if settings.deploy.python_modules == "index":
        return PythonModules({MODULES_ARGUMENT: ",".join(map(str, pinned_modules()))})
    python = GLUE_PYTHONS[settings.glue.version]
    named = settings.deploy.wheels
    store = WheelDirectory(Path(named).expanduser(), python) if named else WheelCache(cache_folder(), python, log)
    # Each after what it needs: it is the same then whether Glue installs them together or one after another.
    wheels = store.wheels(pinned_with_dependencies(python))
    layout = settings.layout
    addresses = [layout.uri(layout.glue_code_prefix() + wheel.name) for wheel in wheels]
    return PythonModules({MODULES_ARGUMENT: ",".join(addresses), OPTION_ARGUMENT: _ASK_NO_INDEX}, wheels, store)
