"""The keys of items as bytes: the same of a DynamoDB JSON document and of a snapshot's columns.

A key of one attribute is its value: a string in UTF-8, binary as it is, a number by its plain digits, for a column may
hold it as a bigint, a decimal or a text. Of two attributes the first one's length goes before them, so that no two keys
are alike.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import pyarrow as pa

from dynamo_assets.export.decoding.values import digits
from dynamo_assets.export.kernels import kernels

# Plain digits of which no other spelling is needed.
_CANONICAL = r"^(0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.[0-9]*[1-9])$"
BLOCK_BYTES = 64 * 1024 * 1024
"""So much of a file's keys is looked up together: each time, all changed keys are hashed again."""


def key_of(keys: Mapping[str, Mapping[str, str]], attributes: Mapping[str, str]) -> bytes:
    """The key of an item.

    Args:
        keys: The key attributes in DynamoDB JSON.
        attributes: Their types, the partition key first.

    Raises:
        KeyError: An attribute, or a value of its type, is missing.
    """
    return join_key([value_bytes(keys[attribute][tag], tag) for attribute, tag in attributes.items()])


def join_key(values: Sequence[bytes]) -> bytes:
    """The key of an item whose key attributes have these bytes, the partition key's first."""
    return values[0] if len(values) == 1 else b"%d:%b:%b" % (len(values[0]), *values)


def value_bytes(text: str, tag: str) -> bytes:
    """A key attribute's bytes, from its value as DynamoDB JSON has it."""
    if tag == "B":
        return b64decode(text, validate=True)
    return (plain_number(text) if tag == "N" else text).encode()


def plain_number(text: str) -> str:
    """A number's plain digits, whatever its spelling."""
    # Digits alone are plain already, and the most common.
    if text.isascii() and text.isdigit() and (text[0] != "0" or text == "0"):
        return text
    number = Decimal(text)
    return digits(number) if number else "0"


def keys_of(arrays: Sequence[pa.Array], tags: Sequence[str]) -> pa.Array:
    """The keys of rows.

    Args:
        arrays: The key attributes' columns, the partition key's first.
        tags: Their DynamoDB types.
    """
    values = [_binary(array, tag) for array, tag in zip(arrays, tags, strict=True)]
    if len(values) == 1:
        return values[0]
    lengths = kernels.binary_length(values[0]).cast(pa.string()).cast(pa.binary())
    return kernels.binary_join_element_wise(lengths, *values, pa.scalar(b":", pa.binary()))


def _binary(array: pa.Array, tag: str) -> pa.Array:
    return (_plain_numbers(array) if tag == "N" else array).cast(pa.binary())


def _plain_numbers(array: pa.Array) -> pa.Array:
    texts = array.cast(pa.string())
    if pa.types.is_integer(array.type):
        return texts
    if pa.types.is_decimal(array.type) and not kernels.any(kernels.match_substring(texts, "E")).as_py():
        # The zeros of an integer stand before the point.
        texts = kernels.utf8_rtrim(kernels.utf8_rtrim(texts, "0"), ".")
    if kernels.all(kernels.match_substring_regex(texts, _CANONICAL)).as_py():
        return texts
    return pa.array(map(plain_number, texts.to_pylist()), pa.string())


def places_of(found: Iterable[pa.Array], wanted: pa.Array) -> Iterator[pa.Array]:
    """The place of each key among those that are wanted, null where it is none of them; in arrays of any length.

    Args:
        found: Keys, some at a time.
        wanted: Keys.
    """
    block: list[pa.Array] = []
    for keys in found:
        block.append(keys)
        # At least as many are looked up as are hashed for it.
        if sum(map(len, block)) >= len(wanted) or sum(each.nbytes for each in block) >= BLOCK_BYTES:
            yield from _places(block, wanted)
            block = []
    if block:
        yield from _places(block, wanted)


def _places(block: list[pa.Array], wanted: pa.Array) -> list[pa.Array]:
    return kernels.index_in(pa.chunked_array(block, pa.binary()), value_set=wanted).chunks
