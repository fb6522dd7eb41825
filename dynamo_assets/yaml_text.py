"""Text as a YAML scalar that reads back as the same text, whatever it holds."""

from __future__ import annotations

import re

import yaml

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")


def yaml_scalar(text: str) -> str:
    """The text on one line, in quotes unless it is plainly text to YAML 1.1 and 1.2 alike.

    In quotes nothing but printable ASCII is left: line breaks, and characters that turn the direction of what is shown,
    are escaped.
    """
    if _PLAIN.fullmatch(text) and isinstance(yaml.safe_load(text), str):
        return text
    return yaml.safe_dump(text, default_style='"', width=float("inf")).removesuffix("\n")
