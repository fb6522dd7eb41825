"""Has pip get wheels for a Python of Glue, from whatever index it is configured for on this machine."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dynamo_assets.errors import DeploymentError
from dynamo_assets.infrastructure.glue_pythons import PLATFORMS, GluePython

_WITHOUT = (
    "or name a directory that has the wheels in deploy.wheels, or let the jobs install from an index themselves: "
    "`deploy: {python_modules: index}`"
)
_UNREACHED = re.compile(
    r"not a trusted or secure host|Could not fetch URL.*("
    r"proxy|connection|timed? ?out|max retries|ssl|certificate|resolution|not known|unreachable|40[137]|50[234])",
    re.IGNORECASE,
)
"""What pip says of an index that it does not reach; of a project that an index does not have it says 404."""


def options(python: GluePython) -> list[str]:
    """What tells pip which wheels to take, whatever Python and machine it runs on."""
    platforms = [text for platform in PLATFORMS for text in ("--platform", platform)]
    chosen = ["--no-deps", "--only-binary=:all:", "--implementation", "cp", "--python-version", python.dotted]
    return [*chosen, *platforms]


def download(requirements: Sequence[str], python: GluePython, folder: Path) -> None:
    """Gets a wheel for each requirement.

    Args:
        requirements: Lines of a requirements file; either all have a hash or none has.
        python: What the wheels are for.
        folder: Where they go.

    Raises:
        DeploymentError: Not all could be had; says why, and what to do.
    """
    with tempfile.TemporaryDirectory() as temporary:
        listed = Path(temporary) / "requirements.txt"
        listed.write_text("".join(f"{line}\n" for line in requirements))
        # --no-input: an index that wants a password is refused, instead of a deployment that waits for somebody.
        # -vv: with less pip says that an index has no such wheel, and not that it has not reached the index.
        quiet = ["--no-input", "-vv", "--disable-pip-version-check", "--progress-bar", "off"]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", *quiet, *options(python), "--dest", folder, "-r", listed],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    if done.returncode:
        raise DeploymentError(_reason(done.stdout, requirements, python))


def _reason(output: str, requirements: Sequence[str], python: GluePython) -> str:
    names = ", ".join(line.split()[0] for line in requirements)
    failed = f"the wheels of {names} for {python} could not be had"
    if "No module named pip" in output:
        return f"{failed}: {sys.executable} has no pip. Install it (`python -m ensurepip`), {_WITHOUT}"
    lines = output.splitlines()
    if "DO NOT MATCH THE HASHES" in output:
        details = " ".join(
            line.strip() for line in lines if re.search(r"==|Expected|Got", line) and "Collect" not in line
        )
        return (
            f"{failed}: pip's index has a file of that version with another content than this release was tested with "
            f"({details}). See where pip gets it from (`pip config list`); if your organization builds its own, "
            f"name a directory of them in deploy.wheels"
        )
    said = list(dict.fromkeys(line.strip() for line in lines if line.startswith("ERROR"))) or lines[-4:]
    unreached = [line.strip() for line in lines if _UNREACHED.search(line)]
    if unreached:
        return (
            f"{failed}: pip does not reach its index ({unreached[-1]}). Set what it needs (index-url in pip's "
            f"configuration, HTTPS_PROXY, a certificate), {_WITHOUT}"
        )
    return (
        f"{failed}: {' '.join(said)}. The versions are those that are installed here: install some that the index has "
        f"wheels of, {_WITHOUT}"
    )
