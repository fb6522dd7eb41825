"""The Python that a Glue run sees: the packages that AWS Glue provides, and nothing else of this machine.

A script that imports what Glue does not have fails here as it would there: this project's own checkout, too, is
visible only through `--extra-py-files`, and anything more only through `--additional-python-modules`. To that end
runs use virtual environments that consist of links to the sandbox's own packages, picked by name. Their *versions*
are the sandbox's, not Glue's.
"""

from __future__ import annotations

import sysconfig
import threading
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.utils import canonicalize_name

# Developer guide, "Python modules already provided in AWS Glue" (5.0, 5.1); awslabs/aws-glue-libs,
# base-requirements.txt (6.0). PySpark is part of the image.
# fmt: off
_GLUE_5_0 = {
    "aiobotocore", "aiohappyeyeballs", "aiohttp", "aioitertools", "aiosignal", "appdirs", "attrs", "boto3", "botocore",
    "certifi", "charset-normalizer", "contourpy", "cycler", "fonttools", "frozenlist", "fsspec", "idna", "jmespath",
    "kaleido", "kiwisolver", "matplotlib", "multidict", "numpy", "packaging", "pandas", "pillow", "pip", "plotly",
    "py4j", "pyarrow", "pyparsing", "pyspark", "python-dateutil", "pytz", "requests", "s3fs", "s3transfer", "seaborn",
    "setuptools", "six", "tenacity", "tzdata", "urllib3", "virtualenv", "wrapt", "yarl",
}
_GLUE_5_1 = _GLUE_5_0 | {
    "choreographer", "distlib", "filelock", "iniconfig", "logistro", "narwhals", "orjson", "platformdirs", "pluggy",
    "propcache", "pygments", "pytest", "pytest-timeout", "simplejson", "typing-extensions", "uv",
}
_GLUE_6_0 = _GLUE_5_1 | {
    "googleapis-common-protos", "grpcio", "grpcio-status", "protobuf", "python-discovery", "pyyaml", "zstandard",
}
# fmt: on
PROVIDED = {"5.0": _GLUE_5_0, "5.1": _GLUE_5_1, "6.0": _GLUE_6_0}
"""The distributions that each version of Glue provides, by normalized name."""


class GluePythons:
    """The virtual environments, one for each version of Glue that is used.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def interpreter(self, glue_version: str) -> Path:
        """The `python` of a version of Glue."""
        root = self._folder / f"glue-{glue_version}"
        with self._lock:
            if not root.exists():
                venv.EnvBuilder(symlinks=True, with_pip=False).create(root)
                names = PROVIDED[glue_version]
                link_packages(
                    (found for found in distributions() if canonicalize_name(found.name) in names),
                    Path(sysconfig.get_path("purelib", scheme="venv", vars={"base": str(root)})),
                )
        return root / "bin" / "python"


def link_packages(found: Iterable[Distribution], folder: Path) -> None:
    """Makes packages importable from a folder, by links to where they are installed."""
    for package in found:
        tops = {Path(file).parts[0] for file in package.files or ()}
        for top in tops - {"..", "__pycache__"}:
            link = folder / top
            if not link.exists() and link.suffix != ".pth":  # a namespace package has several owners
                link.symlink_to(Path(str(package.locate_file(top))))
