"""The image has what its processes need."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch

from tests.deploy.deployed import DEPLOY, ROOT, copied_into_the_image


def test_everything_that_is_copied_exists_and_is_not_ignored() -> None:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    ignored = [line for line in lines if line and not line.startswith("#")]

    copied = copied_into_the_image()

    assert {"constraints.txt", "dynamo_assets", "deploy/dagster.yaml", "tables.yaml"} <= set(copied)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert not [pattern for pattern in ignored if fnmatch(source, pattern)], source


def test_every_package_that_production_installs_has_an_exact_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {
        re.split(r"[=;]", line)[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
    }

    wanted = [*project["dependencies"], *project["optional-dependencies"]["production"], "psycopg2-binary"]

    assert {re.split(r"[=<>]", each)[0].lower() for each in wanted} - pinned == set()
