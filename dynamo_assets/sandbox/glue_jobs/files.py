"""The files of a Glue run: the script and what its arguments name, fetched from S3 before it starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynamo_assets.sandbox.glue_jobs.module_installer import ModuleInstaller
from dynamo_assets.sandbox.glue_jobs.run import RunRequest
from dynamo_assets.sandbox.glue_jobs.s3_addresses import download

_PROVIDED = Path(__file__).parent / "provided"
"""What Glue's image has besides packages of PyPI: `awsglue`. Nothing else of this checkout can be imported there."""


@dataclass(frozen=True)
class RunFiles:
    """Where a run's files lie.

    Attributes:
        script: The script, in the working directory, where the extra files are too.
        python_path: What driver and workers have on their PYTHONPATH.
        scratch: For temporary files.
        report: Where the driver leaves word of a failure.
    """

    script: Path
    python_path: str
    scratch: Path
    report: Path


def fetch(s3: Any, request: RunRequest, installer: ModuleInstaller, folder: Path) -> RunFiles:
    """Fetches a run's files.

    Args:
        s3: A client of the sandbox's own S3.
        request: What the run was asked to do.
        installer: Of its Python modules.
        folder: A folder of the run's own.

    Raises:
        SandboxError: A file is not there, or a Python module that the run asks for cannot be installed.
    """
    arguments = request.arguments
    script = download(s3, arguments.get("--scriptLocation", request.script_location), folder / "work")
    for address in _listed(arguments, "--extra-files"):
        download(s3, address, folder / "work")
    paths = [download(s3, address, folder / "py-files") for address in _listed(arguments, "--extra-py-files")]
    # A single module is found through its folder, an archive through itself.
    paths = list(dict.fromkeys(path.parent if path.suffix == ".py" else path for path in paths))
    modules = installer.install(s3, arguments, request.glue_version, folder / "modules")
    (folder / "tmp").mkdir()
    python_path = os.pathsep.join(map(str, [*paths, *modules, _PROVIDED]))
    return RunFiles(script, python_path, scratch=folder / "tmp", report=folder / "report.json")


def _listed(arguments: Mapping[str, str], name: str) -> list[str]:
    return [item.strip() for item in arguments.get(name, "").split(",") if item.strip()]
