"""The keys of items that are to be forgotten, as they are given: JSON, plain or DynamoDB's.

Nothing here puts a value, or a name that was given, into a message: whoever reads a log is not to learn who was erased.
So the errors of parsers, which may quote what they read, are not chained either.
"""

from __future__ import annotations

import json
import sys
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dynamo_assets.errors import KeysError
from dynamo_assets.export.native_export.item_keys import key_of
from dynamo_assets.export.s3_files import read_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

S3 = "s3://"
STDIN = "-"


class _Number(str):
    """A number of a JSON text, with the digits that it has there."""

    __slots__ = ()


@dataclass(frozen=True)
class Wanted:
    """The keys as bytes (see `item_keys`), for one key schema.

    Attributes:
        items: Of single items.
        partitions: Partition keys: all of their items.
    """

    items: frozenset[bytes] = field(repr=False)
    partitions: frozenset[bytes] = field(repr=False)


@dataclass(frozen=True)
class Keys:
    """Keys as they were given.

    Attributes:
        objects: A JSON object each.
    """

    objects: tuple[Mapping[str, Any], ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.objects)

    @classmethod
    def of(cls, texts: Iterable[str], where: str) -> Keys:
        """Reads JSON objects, one of each text.

        Args:
            texts: The objects; empty ones are passed over.
            where: What they are in, for messages: "--key", "line".

        Raises:
            KeysError: One is none, or there are none.
        """
        keys = cls(tuple(_parse(text, f"{where} {number}") for number, text in enumerate(texts, 1) if text.strip()))
        if not keys.objects:
            raise KeysError("there are no keys: nothing to erase")
        return keys

    def __add__(self, other: Keys) -> Keys:
        return Keys((*self.objects, *other.objects))

    def wanted(self, attributes: Mapping[str, str]) -> Wanted:
        """What to look for in a snapshot.

        Args:
            attributes: Its key attributes and their types, the partition key first.

        Raises:
            KeysError: A key is neither one of the table's nor a partition key.
        """
        partition = dict(list(attributes.items())[:1])
        items: set[bytes] = set()
        partitions: set[bytes] = set()
        for number, given in enumerate(self.objects, 1):
            if given.keys() == attributes.keys():
                items.add(_key_of(given, attributes, number))
            elif given.keys() == partition.keys():
                partitions.add(_key_of(given, partition, number))
            else:
                needed = " and ".join(f"{attribute!r} ({kind})" for attribute, kind in attributes.items())
                alone = f", or {next(iter(partition))!r} alone" if len(attributes) > 1 else ""
                raise KeysError(f"key {number} has other attributes than the table's key: give {needed}{alone}")
        return Wanted(frozenset(items), frozenset(partitions))


def read_keys(source: str, s3: S3Client) -> Keys:
    """The keys in a file of JSON lines.

    Args:
        source: `s3://bucket/key`, a path, or `-` for the standard input.
        s3: Reads the first.

    Raises:
        KeysError: The file cannot be read, a line is no JSON object, or there are none.
    """
    try:
        lines = _read(source, s3).decode().split("\n")
    except UnicodeDecodeError:
        lines = None
    except (OSError, ClientError) as error:
        raise KeysError(f"the keys file {source} cannot be read: {error}") from error
    if lines is None:
        raise KeysError(f"the keys file {source} is not UTF-8")
    return Keys.of(lines, "line")


def _read(source: str, s3: S3Client) -> bytes:
    if source == STDIN:
        return sys.stdin.buffer.read()
    if source.startswith(S3):
        bucket, _, key = source.removeprefix(S3).partition("/")
        return read_object(s3, bucket, key)
    return Path(source).read_bytes()


def _parse(text: str, what: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text, parse_int=_Number, parse_float=_Number, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise KeysError(f'{what} is no JSON object of key attributes, such as {{"id": "42"}}, each of them once')
    return found


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("twice")
    return found


def _key_of(given: Mapping[str, Any], attributes: Mapping[str, str], number: int) -> bytes:
    return key_of(
        {
            attribute: {tag: _value(given[attribute], tag, f"key {number}: {attribute!r}")}
            for attribute, tag in attributes.items()
        },
        attributes,
    )


def _value(given: Any, tag: str, what: str) -> str:
    """A key attribute's value as DynamoDB JSON has it: a text, whatever its type."""
    for text in _candidates(given, tag):
        if text and _is_of(text, tag):
            return text
    how = {
        "S": 'a JSON string, or {"S": ...}',
        "N": 'a JSON number, its digits as a JSON string, or {"N": ...}',
        "B": '{"B": ...} with base64',
    }
    raise KeysError(f"{what} must be {how[tag]}, and not empty")


def _candidates(given: Any, tag: str) -> Iterator[str]:
    if isinstance(given, dict):
        inner = given.get(tag)
        if len(given) == 1 and isinstance(inner, str) and not isinstance(inner, _Number):
            yield inner
    elif isinstance(given, _Number):
        # The number 42 for a string may be meant for "42", or for "042": it is not guessed.
        if tag == "N":
            yield given
    elif isinstance(given, str) and tag != "B":
        yield given


def _is_of(text: str, tag: str) -> bool:
    try:
        if tag == "B":
            b64decode(text, validate=True)
        elif tag == "N":
            # More digits than DynamoDB's 38 are zeros, or no number of DynamoDB's; 200 are told apart exactly.
            number = Decimal(text)
            return number.is_finite() and abs(number.adjusted()) < 200 and len(number.as_tuple().digits) < 200
        else:
            text.encode()
    except (ValueError, InvalidOperation):
        return False
    return True
