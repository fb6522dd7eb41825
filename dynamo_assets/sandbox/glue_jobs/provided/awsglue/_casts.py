"""Casts of single values, for `resolveChoice`.

Documented (AWS's sample on resolveChoice): text that is not a number becomes null where it is cast to one. Assumed:
text is a number where Java's parser says so, which knows no fractions of a long; fractions of a double are cut off;
doubles have Java's text. What nobody says is refused: other types, and numbers that the target does not hold, for which
Glue may give any number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from awsglue import gluetypes as glue
from awsglue._refusals import refusal

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DOUBLE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BITS = {"int": 32, "long": 64}


def cast(sources: list[glue.DataType], target: str, place: str) -> tuple[glue.DataType, Callable[[Any], Any]]:
    """What values of some types become, and the function that makes it of one that is not null.

    Args:
        sources: The types.
        target: The name of the type to cast to.
        place: Where that is, for errors.

    Raises:
        NotImplementedError: The sandbox does not do this cast.
    """
    if target not in _TARGETS:
        raise refusal(f"cast {place} to {target}: only to {', '.join(_TARGETS)}")
    names = {source.typeName() for source in sources} - {"null", "unknown"}
    if unknown := names - _SOURCES[target]:
        raise refusal(f"cast {min(unknown)} to {target}, as for {place}: it is not known what Glue makes of it")
    data_type, function = _TARGETS[target]
    return data_type(), function


def _to_string(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _java_text(value) if isinstance(value, float) else str(value)


def _to_double(value: Any) -> float | None:
    if isinstance(value, str):
        return float(value) if _DOUBLE.fullmatch(value.strip()) else None
    return float(value)


def _to_integer(target: str) -> Callable[[Any], int | None]:
    limit = 2 ** (_BITS[target] - 1)

    def convert(value: Any) -> int | None:
        if isinstance(value, str):
            number = int(value) if _INTEGER.fullmatch(value) else None
            return number if number is not None and -limit <= number < limit else None
        if not math.isfinite(value) or not -limit <= int(value) < limit:
            raise refusal(f"cast {value} to {target}, which does not hold it: it is not known what Glue makes of it")
        return int(value)

    return convert


def _java_text(value: float) -> str:
    """A finite double as Java writes it: `0.001`, `1234567.0`, `1.0E7`."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + exponent  # where the point stands, counted from the first digit
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        padded = "0" * (1 - point) + text.ljust(max(point, 1), "0")
        whole = max(point, 1)
        body = f"{padded[:whole]}.{padded[whole:] or '0'}" if value else "0.0"
    else:
        body = f"{text[0]}.{text[1:] or '0'}E{point - 1}"
    return "-" * sign + body


_NUMBERS = {"string", "int", "long", "double"}
_SOURCES = {"string": {*_NUMBERS, "boolean"}, "int": _NUMBERS, "long": _NUMBERS, "double": _NUMBERS}
_TARGETS: dict[str, tuple[type[glue.DataType], Callable[[Any], Any]]] = {
    "string": (glue.StringType, _to_string),
    "int": (glue.IntegerType, _to_integer("int")),
    "long": (glue.LongType, _to_integer("long")),
    "double": (glue.DoubleType, _to_double),
}
