"""What Glue jobs run: their scripts, and the export core as one zip, all named by their content."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dynamo_assets
import glue_scripts
from dynamo_assets.infrastructure.pinned_modules import pinned_modules

CORE = ("__init__.py", "credentials.py", "errors.py", "naming.py", "export/**/*.py")
"""What of the package Glue needs: the export core and what it imports; nothing of Dagster."""
SCRIPTS = {"glue": "export_table.py", "glue_connector": "export_table_connector.py"}
"""By the engine that runs it."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class GlueCode:
    """The scripts and the zip, as bytes, and the file names they are uploaded under.

    Attributes:
        scripts: Name and content of each, by the engine that runs it.
        package_name: The zip's name.
        package: The zip.
    """

    scripts: Mapping[str, tuple[str, bytes]]
    package_name: str
    package: bytes

    @property
    def additional_python_modules(self) -> str:
        """What must be installed for them, by name and version; as wheels or from an index (`python_modules.py`)."""
        return ",".join(map(str, pinned_modules()))


def build_glue_code() -> GlueCode:
    """Reads the scripts and packs the core. Equal sources give equal bytes, so equal names."""
    bodies = {engine: (Path(glue_scripts.__path__[0]) / name).read_bytes() for engine, name in SCRIPTS.items()}
    package = _zip(Path(dynamo_assets.__path__[0]))
    return GlueCode(
        scripts={engine: (f"{_digest(body)}/{SCRIPTS[engine]}", body) for engine, body in bodies.items()},
        package_name=f"{_digest(package)}/dynamo_assets.zip",
        package=package,
    )


def _zip(root: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for pattern in CORE for path in root.glob(pattern)):
            # A fixed date: the bytes depend on nothing but the sources.
            entry = zipfile.ZipInfo(f"dynamo_assets/{path.relative_to(root).as_posix()}", date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
