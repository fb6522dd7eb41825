"""Dagster's owners of a table, from its tags."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TAGS = ("owner", "owners", "team")
"""In the order in which they count, in any case of letters."""
# What Dagster takes for an address: its top-level domain has seven letters at most.
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")


def owners_of(tags: Mapping[str, str]) -> list[str]:
    """E-mail addresses as they are, anything else as `team:...`; each once."""
    found: dict[str, None] = {}
    for wanted in _TAGS:
        for key in sorted(tags):
            if key.lower() == wanted:
                found |= dict.fromkeys(_owners_in(tags[key]))
    return list(found)


def _owners_in(value: str) -> list[str]:
    parts = [part for part in re.split(r"[\s,;/]+", value) if part]
    if parts and all(_EMAIL.fullmatch(part) for part in parts):
        return parts
    team = re.sub(r"[^A-Za-z0-9_.-]+", "-", value.removeprefix("team:")).strip("-.")
    return [f"team:{team}"] if team else []
