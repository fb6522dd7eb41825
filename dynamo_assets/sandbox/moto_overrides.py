"""Every override of moto's private names, in one place.

moto 5.2.5 answers Glue runs, crawlers and Athena queries without executing them. Each class or function named
below replaces one such answer; the code that does the work lives in the service modules beside this one. All of it
leans on names that moto may rename in any release, so `MOTO_VERSION` is pinned here and in `pyproject.toml`, and
`install` refuses another version.
"""

from __future__ import annotations

import importlib.metadata

from dynamo_assets.errors import SandboxError
from dynamo_assets.sandbox.endpoint import Endpoint

MOTO_VERSION = "5.2.5"


def install(endpoint: Endpoint) -> None:
    """Replaces moto's answers in this process. Call once, before the server answers its first request.

    Raises:
        SandboxError: Another version of moto is installed.
    """
    installed = importlib.metadata.version("moto")
    if installed != MOTO_VERSION:
        raise SandboxError(
            f"the sandbox needs moto {MOTO_VERSION} exactly, and {installed} is installed: "
            "reinstall with the project's constraints file"
        )
    # --- DynamoDB and native exports
    # --- Glue jobs
    # --- Crawlers
    # --- Athena
    # --- S3, CloudWatch Logs


def shut_down() -> None:
    """Ends every process and thread that the overrides started."""
