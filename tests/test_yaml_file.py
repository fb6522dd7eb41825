"""A tables file that somebody has written to do harm, or with a slip that YAML makes much of."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from dynamo_assets.errors import ConfigError
from dynamo_assets.yaml_file import read_yaml

LAUGHS = "a: &a [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGED = "a: &a {k: v}\n" + "".join(
    f"{name}: &{name} {{{', '.join(f'{name}{n}: *{before}' for n in range(10))}}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture
def read(tmp_path: Path):
    def read(text: str | bytes) -> object:
        path = tmp_path / "tables.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_yaml(path)

    return read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "line 6: more than 200,000 values"),
        (MERGED, "line 6: more than 200,000 values"),
        ("x: &x [*x]", "line 1: an alias stands for what it is part of"),
        ("tables: &t {Orders: *t}", "line 1: an alias stands for what it is part of"),
        ("\n" + "[" * 5000, "line 2: nested more than 50 levels"),
        ("{a: " * 5000, "line 1: nested more than 50 levels"),
        ("- " * 5000, "line 1: nested more than 50 levels"),
        ("a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 20 + "*a" + "]" * 20, "nested more than 50 levels"),
        ("x: !!python/object/apply:os.system [echo]", "python/object"),
        ("x: !!python/name:os.system", "python/name"),
        ("x: 2026-13-45", "line 1: month must be in 1..12; put it in quotes"),
        (f"x: {'9' * 5000}", "line 1: .*put it in quotes"),
        ("x: a\0b", "not valid YAML: unacceptable character #x0000"),
        (b"x: \xff", "not UTF-8"),
        ("a: {b: 1, b: 2}", "line 1: the key 'b' stands 2 times"),
        ("? [a, b]\n: c", "unhashable key"),
        ("a: 1\n---\nb: 2", "single document"),
    ],
)
def test_what_would_do_harm_or_is_a_slip_is_an_error_with_its_place(read, text: str | bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(text)


def test_anchors_and_aliases_that_are_of_use_are_followed(read) -> None:
    assert read("a: &a {k: [1, x]}\nb: [*a, *a]") == {"a": {"k": [1, "x"]}, "b": [{"k": [1, "x"]}] * 2}


def test_laughter_takes_neither_time_nor_memory(tmp_path: Path) -> None:
    path = tmp_path / "tables.yaml"
    path.write_text(f"{LAUGHS}tables: {{Orders: {{}}}}\n")
    program = f"from dynamo_assets.configuration.load import load_settings\nload_settings({str(path)!r}, {{}})"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (30, 30))

    done = subprocess.run(
        [sys.executable, "-c", program], preexec_fn=limit, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1].startswith("dynamo_assets.errors.ConfigError: "), done.stderr
