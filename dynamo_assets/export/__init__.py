"""The export core: one DynamoDB table to one complete snapshot in S3. Runs anywhere; knows nothing of Dagster.

    request -> units -> [ pages -> batches -> files ] -> manifest

`run_export(ExportRequest(table=..., bucket=...), InProcess())` does all of it. The names below are loaded when they
are first used: who only looks for manifests does not pay for pyarrow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dynamo_assets.export.attempt import Mapper
    from dynamo_assets.export.in_process import InProcess
    from dynamo_assets.export.manifest import Manifest, ManifestColumn, ManifestFile, ManifestStore
    from dynamo_assets.export.plan import Plan
    from dynamo_assets.export.request import ExportRequest
    from dynamo_assets.export.run import Observer, plan_export, run_export

__all__ = [
    "ExportRequest",
    "InProcess",
    "Manifest",
    "ManifestColumn",
    "ManifestFile",
    "ManifestStore",
    "Mapper",
    "Observer",
    "Plan",
    "plan_export",
    "run_export",
]

_HOMES = {
    "in_process": ("InProcess",),
    "manifest": ("Manifest", "ManifestColumn", "ManifestFile", "ManifestStore"),
    "plan": ("Plan",),
    "request": ("ExportRequest",),
    "attempt": ("Mapper",),
    "run": ("Observer", "plan_export", "run_export"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
