"""The house rules that a machine can hold us to."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "dynamo_assets"
MODULES = sorted(PACKAGE.rglob("*.py"))

_ENGINES = {"engines", "aws", "export", "configuration", "naming", "errors"}
_PUBLISHING = {"publishing", "verification", "automation", "metadata", "failures", *_ENGINES}
ALLOWED = {
    "naming": set(),
    "errors": set(),
    "credentials": {"naming", "errors"},
    "export": {"credentials", "naming", "errors"},
    "prices": {"yaml_file"},
    "configuration": {"prices", "yaml_file", "yaml_text", "export", "credentials", "naming", "errors"},
    "yaml_file": {"errors"},
    "yaml_text": set(),
    "aws": {"credentials", "naming", "errors"},
    "engines": {"aws", "export", "prices", "naming", "errors"},
    "infrastructure": {"aws", "configuration", "naming", "errors"},
    "doctor": {
        "assets",
        "automation",
        "aws",
        "configuration",
        "engines",
        "errors",
        "export",
        "infrastructure",
        "naming",
        "verification",
    },
    "automation": {"aws", "export", "engines", "configuration", "naming", "errors"},
    "metadata": {"export", "prices", "naming"},
    "failures": {"aws", "configuration", "errors"},
    "verification": {"aws", "export", "configuration", "naming", "errors"},
    "publishing": _PUBLISHING - {"publishing", "engines"},
    "assets": _PUBLISHING,
    "retention": _PUBLISHING,
    "adoption": {"retention", "verification", "metadata", *(_ENGINES - {"engines"}), "automation"},
    "erasure": {"automation", "aws", "export", "configuration", "naming", "errors"},
    "alerts": {"aws", "configuration"},
    "freshness": {"alerts", "publishing", "verification", "aws", "export", "configuration", "naming", "errors"},
    "discovery": {"engines", "aws", "export", "configuration", "naming", "errors", "yaml_text"},
    "definitions": {
        "alerts",
        "assets",
        "automation",
        "erasure",
        "freshness",
        "publishing",
        "retention",
        "aws",
        "configuration",
    },
}
"""Which rooms a room may import. `sandbox`, `commands` and `cli` stand above all; nothing may import them."""


ABOVE = {"sandbox", "commands", "cli", "__init__"}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found |= (
                {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "dynamo_assets" else set()
            )
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    room = _room(path)
    if room in ABOVE:
        return
    rooms = {name.split(".")[1] for name in _imports(path) if name.startswith("dynamo_assets.")}
    assert rooms - {room} <= ALLOWED[room]


def test_the_rules_of_import_are_a_tree_that_has_been_looked_at() -> None:
    rooms = {_room(path) for path in MODULES} - ABOVE
    assert rooms == set(ALLOWED)
    assert ABOVE.isdisjoint(name for allowed in ALLOWED.values() for name in allowed)


@pytest.mark.parametrize("path", sorted((PACKAGE / "export").rglob("*.py")), ids=lambda path: path.name)
def test_the_export_core_imports_nothing_that_glue_lacks(path: Path) -> None:
    foreign = {name.split(".")[0] for name in _imports(path)} - set(sys.stdlib_module_names)
    spark = {"pyspark", "py4j"} if path.stem == "on_spark" else set()
    assert foreign - spark <= {
        "arro3",
        "isal",
        "dynamo_assets",
        "boto3",
        "botocore",
        "fastavro",
        "msgspec",
        "pyarrow",
        "mypy_boto3_s3",
        "mypy_boto3_dynamodb",
    }


def test_the_export_core_works_where_dagster_is_not_installed() -> None:
    program = (
        "import sys\n"
        "for name in ('dagster', 'pydantic', 'yaml', 'pyathena', 'moto', 'pyspark'):\n"
        "    sys.modules[name] = None\n"
        "import dynamo_assets.export, dynamo_assets.export.__main__\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_is_too_long_or_named_after_nothing(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
    if "provided" not in path.parts:  # there names are AWS's
        assert path.stem not in {"utils", "util", "helpers", "common", "misc"}


def test_tracked_files_name_no_machine_and_no_registry() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert len(tracked) > 50
    # Spelled in pieces, so that this file does not contain them.
    forbidden = [
        "/ho" + "me/",
        "/ro" + "ot/",
        "/wo" + "rk/",
        "pypi." + "org",
        "files.python" + "hosted",
        "--index" + "-url",
    ]
    for name in tracked:
        path = ROOT / name
        if path.suffix == ".png" or not path.is_file():
            continue
        text = path.read_text(errors="replace")
        assert not [word for word in forbidden if word in text], name
