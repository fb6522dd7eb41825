"""Writes `wheels.sha256` anew: the wheels of the versions that are installed here, for every Python of Glue.

    python -m dynamo_assets.infrastructure.list_wheels

For maintainers, after a change of `constraints.txt`. pip holds each download to the hash that its index gives.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from dynamo_assets.infrastructure.glue_pythons import GLUE_PYTHONS
from dynamo_assets.infrastructure.pinned_modules import pinned_with_dependencies
from dynamo_assets.infrastructure.pip_download import download
from dynamo_assets.infrastructure.wheels import sha256_of

_HEAD = "# Wheels of the versions in constraints.txt for the Pythons of Glue, as the public package index has them.\n"


def main() -> None:
    """Gets them all, which takes a minute, and writes their hashes down."""
    lines: dict[str, str] = {}
    for python in {python.version: python for python in GLUE_PYTHONS.values()}.values():
        with tempfile.TemporaryDirectory() as folder:
            download([str(pin) for pin in pinned_with_dependencies(python)], python, Path(folder))
            lines |= {path.name: f"{sha256_of(path)}  {path.name}\n" for path in Path(folder).glob("*.whl")}
    text = _HEAD + "".join(line for _, line in sorted(lines.items()))
    Path(__file__).with_name("wheels.sha256").write_text(text)


if __name__ == "__main__":
    main()
