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
    if value.M is not None:
        return 2 + sum(map(count_objects, value.M.values()))
    if value.L is not None:
        return 1 + sum(map(count_objects, value.L))
    return 1


# What RFC 8259 calls a number; DynamoDB writes all of its numbers so, other implementations may not.
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_ENCODER = msgspec.json.Encoder(order="sorted")


def _plain(value: Value) -> Any:
    tag = tag_of(value)
    if tag == "M":
        return {name: _plain(inner) for name, inner in (value.M or {}).items()}
    if tag == "L":
        return [_plain(inner) for inner in value.L or []]
    if tag == "N":
        return _json_number(value.N or "")
    if tag == "NS":
        return [_json_number(number) for number in value.NS or []]
    return None if tag is None or tag == NULL else getattr(value, tag)


def _json_number(number: str) -> msgspec.Raw:
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
