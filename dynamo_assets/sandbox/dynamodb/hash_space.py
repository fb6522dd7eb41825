"""DynamoDB's order: by the hash of the partition key, then by the sort key.

Scan segments and the files of an export are ranges of the hash space. AWS does not say how it hashes; here it is
64 bits of BLAKE2, so that a million segments share the keys out evenly.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from decimal import Context, Decimal
from typing import Any

HASH_SPACE = 1 << 64

OrderKey = tuple[Any, ...]
"""Position, partition key, and the sort key where there is one: compares as DynamoDB orders items."""

# DynamoDB's numbers have up to 38 digits; Python's default context would round them to 28.
_EXACT = Context(prec=40)


def order_key(partition_key: Any, *sort_key: Any) -> OrderKey:
    """Where an item with these keys stands; numbers by value, so that 1 and 1.0 are one key."""
    return (position(partition_key), _partition_bytes(partition_key), *map(_sort_value, sort_key))


def segment_bounds(segment: tuple[int, int]) -> tuple[int, int]:
    """The first position of a segment, and of the one after it."""
    number, total = segment
    return -(-HASH_SPACE * number // total), -(-HASH_SPACE * (number + 1) // total)


def position(partition_key: Any) -> int:
    """Where a partition key falls in the hash space; scan segments and export files are ranges of it."""
    return int.from_bytes(hashlib.blake2b(_partition_bytes(partition_key), digest_size=8).digest())


def typed(value: Any) -> tuple[str, Any]:
    """Type and content of a value, in DynamoDB JSON (`{"S": "a"}`) or in moto's own type."""
    if isinstance(value, dict):
        ((kind, content),) = value.items()
        return kind, content
    return value.type, value.value


def _partition_bytes(value: Any) -> bytes:
    kind, content = typed(value)
    if kind == "N":
        number = Decimal(content)
        return f"{_EXACT.normalize(number):f}".encode() if number else b"0"
    return _text_or_binary(kind, content)


def _sort_value(value: Any) -> bytes | Decimal:
    kind, content = typed(value)
    return Decimal(content) if kind == "N" else _text_or_binary(kind, content)


def _text_or_binary(kind: str, content: str | bytes) -> bytes:
    if isinstance(content, bytes):
        return content
    # moto has binary values as bytes from most of its paths, in base64 from PartiQL's.
    return b64decode(content) if kind == "B" else content.encode()
