"""DynamoDB's typed JSON: one value, its type, and its forms as text."""

from __future__ import annotations

import re
from base64 import b64encode
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec

from dynamo_assets.export.observed import EXACT, NULL, TAGS


class Value(msgspec.Struct, frozen=True, gc=False, eq=False, omit_defaults=True):
    """One value of any type: the field of its type is set, the others are None. Absent where all are None.

    Numbers keep their digits as text; binary is decoded from base64.
    """

    S: str | None = None
    N: str | None = None
    BOOL: bool | None = None
    M: dict[str, Value] | None = None
    L: list[Value] | None = None
    SS: list[str] | None = None
    NS: list[str] | None = None
    BS: list[bytes] | None = None
    B: bytes | None = None
    NULL: bool | None = None


ABSENT = Value()
_READERS = tuple((tag, attrgetter(tag)) for tag in TAGS)


def tag_of(value: Value) -> str | None:
    """The DynamoDB type of a value; None where it is absent."""
    for tag, read in _READERS:
        if read(value) is not None:
            return tag
    return None


def count_objects(value: Value) -> int:
    """How many JSON objects DynamoDB needs for a value: one for each value in it, one more for each map."""
    inner = value.L if value.M is None else value.M.values()
    objects = 1 if value.M is None else 2
    if inner:
        # Most of what lies in maps and lists is scalar.
        objects += sum(1 if v.M is None and v.L is None else count_objects(v) for v in inner)
    return objects


def count_braces(value: Value) -> int:
    """How many opening braces DynamoDB writes for a value, those within strings and names included."""
    if value.M is not None:
        return 2 + sum(name.count("{") + count_braces(inner) for name, inner in value.M.items())
    if value.L is not None:
        return 1 + sum(map(count_braces, value.L))
    if value.S is not None:
        return 1 + value.S.count("{")
    return 1 + sum(text.count("{") for text in value.SS or ())


# What RFC 8259 calls a number; DynamoDB writes all of its numbers so, other implementations may not.
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_ENCODER = msgspec.json.Encoder(order="sorted")


def _plain(value: Value) -> Any:
    if value.S is not None:
        return value.S
    if value.N is not None:
        return _json_number(value.N)
    if value.M is not None:
        return {name: _plain(inner) for name, inner in value.M.items()}
    if value.L is not None:
        return [_plain(inner) for inner in value.L]
    if value.NS is not None:
        return [_json_number(number) for number in value.NS]
    tag = tag_of(value)
    return None if tag is None or tag == NULL else getattr(value, tag)


def _json_number(number: str) -> int | msgspec.Raw:
    # Digits alone are the same number as an integer, which costs least.
    if number.isascii() and number.isdigit() and len(number) < 19 and (number[0] != "0" or number == "0"):
        return int(number)
    return msgspec.Raw((number if _JSON_NUMBER.fullmatch(number) else str(Decimal(number))).encode())


def json_text(value: Value) -> str:
    """A value as plain JSON: numbers with the digits they have, binary as base64, sets as arrays, keys sorted."""
    return _ENCODER.encode(_plain(value)).decode()


def dynamodb_json_text(value: Value) -> str:
    """A value as DynamoDB JSON, its types kept: `{"N":"1"}`."""
    return _ENCODER.encode(value).decode()


def plain_text(value: Value) -> str:
    """A value's own text: strings and numbers as they are, `true`, `false`, base64; maps, lists and sets as JSON."""
    tag = tag_of(value)
    if tag in {"S", "N"}:
        return value.S if value.S is not None else value.N or ""
    return b64encode(value.B).decode() if value.B is not None else json_text(value)


def digits(number: Decimal) -> str:
    """A number's plain digits: no exponent, no zeros at the end of its fraction."""
    return f"{number.normalize(EXACT):f}"
