"""A file that is written whole or not at all, and over nothing."""

from __future__ import annotations

import os
from pathlib import Path

from dynamo_assets.errors import DiscoveryError


def require_absent(path: Path) -> None:
    """Refuses a path at which there is something, before any work is done for it.

    Raises:
        DiscoveryError: There is something: also a link that leads nowhere.
    """
    if os.path.lexists(path):
        raise DiscoveryError(_exists(path))


def write_new(path: Path, text: str) -> None:
    """Writes a file that must not exist yet; what it could not write to the end it takes away again.

    Raises:
        DiscoveryError: Something is there, or it cannot be written.
    """
    try:
        file = path.open("x", encoding="utf-8")  # which follows no link: open(2), O_EXCL
    except FileExistsError as error:
        raise DiscoveryError(_exists(path)) from error
    except OSError as error:
        raise DiscoveryError(_unwritable(path, error)) from error
    try:
        with file:
            file.write(text)
    except BaseException as error:
        path.unlink()
        if isinstance(error, OSError):
            raise DiscoveryError(_unwritable(path, error)) from error
        raise


def _exists(path: Path) -> str:
    return f"{path} is there already, and was left as it is; give another path with --output, or move it away"


def _unwritable(path: Path, error: OSError) -> str:
    return f"{path} cannot be written ({error.strerror}); nothing is left of it. Give another path with --output"
