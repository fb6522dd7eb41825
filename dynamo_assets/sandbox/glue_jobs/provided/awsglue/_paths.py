"""Paths to the fields of a frame: `address.city`, `prices[].amount`.

Documented (developer guide, `resolveChoice`, `applyMapping`): points separate names, `[]` after a name means its
elements, backticks quote a name with points in it. Assumed: they quote brackets too, and a doubled one is one itself.
"""

from __future__ import annotations

import re

from awsglue._refusals import refusal

ELEMENT = None
"""The step from an array into its elements."""

Path = tuple[str | None, ...]

_STEP = re.compile(r"(?:`(?P<quoted>(?:[^`]|``)+)`|(?P<plain>[^.`\[\]]+))(?P<elements>(?:\[\])*)(?P<end>\.|$)")


def parse_path(text: str) -> Path:
    """The steps of a path.

    Raises:
        ValueError: It is not a path.
    """
    steps: list[str | None] = []
    position, ended = 0, False
    while not ended:
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is not a path such as 'address.city', 'prices[].amount' or '`a.b`'")
        steps.append(match["quoted"].replace("``", "`") if match["quoted"] else match["plain"])
        steps += [ELEMENT] * (len(match["elements"]) // 2)
        position, ended = match.end(), not match["end"]
    return tuple(steps)


def parse_name(text: str, what: str) -> str:
    """The name of a field of the record itself.

    Raises:
        NotImplementedError: The path leads deeper.
        ValueError: It is not a path.
    """
    first, *deeper = parse_path(text)
    if deeper or first is None:
        raise refusal(f"{what} below the first level, as {text!r} asks (a name with points needs backticks)")
    return first
