"""What a Glue job runs: the script, and the export core as one zip, both named by their content."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import dynamo_assets
import glue_scripts

CORE = ("__init__.py", "errors.py", "naming.py", "export/**/*.py")
"""What of the package Glue needs: the export core and what it imports; nothing of Dagster."""
MODULES = ("fastavro", "msgspec", "pyarrow")
"""What the export core imports beside boto3, which Glue has."""
_SCRIPT = "export_table.py"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class GlueCode:
    """The script and the zip, as bytes, and the file names they are uploaded under."""

    script_name: str
    script: bytes
    package_name: str
    package: bytes

    @property
    def additional_python_modules(self) -> str:
        """The value of `--additional-python-modules`: the versions that are installed here, which the tests ran on."""
        return ",".join(f"{module}=={importlib.metadata.version(module)}" for module in MODULES)


def build_glue_code() -> GlueCode:
    """Reads the script and packs the core. Equal sources give equal bytes, so equal names."""
    script = (Path(glue_scripts.__path__[0]) / _SCRIPT).read_bytes()
    package = _zip(Path(dynamo_assets.__path__[0]))
    return GlueCode(
        script_name=f"{_digest(script)}/{_SCRIPT}",
        script=script,
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
