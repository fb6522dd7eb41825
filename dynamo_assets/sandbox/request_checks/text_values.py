"""Values that come as text, in forms, headers and XML: into what a checker takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.utils import parse_timestamp


def from_text(shape: Any, text: str) -> Any:
    """A scalar's value. Text that is no such value stays text, which the shape's checker then refuses."""
    read = _READERS.get(shape.type_name)
    if read is None:
        return text
    try:
        return read(text)
    except (ValueError, RuntimeError, OverflowError):
        return text


def _boolean(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text.lower(), text)


def _seconds(text: str) -> float:
    return parse_timestamp(text).timestamp()


_READERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": _boolean,
    "timestamp": _seconds,
}
