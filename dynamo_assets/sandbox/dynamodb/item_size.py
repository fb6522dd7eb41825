"""DynamoDB's arithmetic: how large an item is, and how many capacity units reading or writing it takes.

The rules are the developer guide's, "DynamoDB item sizes and formats"
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html). It calls a number's
size "approximately" one byte for two significant digits and one more; the sandbox takes that as exact. It says nothing
of sets: here they are the sum of their elements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

KB = 1024
MAX_ITEM_BYTES = 400 * KB
PAGE_BYTES = 1024 * KB
READ_UNIT_BYTES = 4 * KB
WRITE_UNIT_BYTES = KB

_DOCUMENT_OVERHEAD_BYTES = 3
_ELEMENT_OVERHEAD_BYTES = 1


def item_size(item: Mapping[str, Mapping[str, Any]]) -> int:
    """The bytes that DynamoDB counts for an item, names and values.

    Args:
        item: DynamoDB JSON as it goes over the wire: `{"pk": {"S": "a"}, ...}`, binary values in base64.
    """
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def read_units(size_bytes: int, *, consistent: bool) -> float:
    """The read units of one request: 4 KB each, rounded up once, half as many when eventually consistent.

    A request that finds nothing takes the least there is: 1 unit, or 0.5.
    """
    return max(1, _rounded_up(size_bytes, READ_UNIT_BYTES)) * (1.0 if consistent else 0.5)


def write_units(size_bytes: int) -> float:
    """The write units of one item: 1 KB each, rounded up; `size_bytes` is the larger of before and after."""
    return float(max(1, _rounded_up(size_bytes, WRITE_UNIT_BYTES)))


def _rounded_up(size_bytes: int, unit_bytes: int) -> int:
    return -(-size_bytes // unit_bytes)


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    return _SIZES[kind](content)


def _string_size(text: str) -> int:
    return len(text.encode())


def _number_size(text: str) -> int:
    mantissa = text.lower().partition("e")[0].lstrip("+-")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # Zeros at either end are no significant digits: 1200 has two, 0.05 one, 0 none.
    return (len(digits.rstrip("0")) + 1) // 2 + 1


def _binary_size(base64_text: str) -> int:
    return len(base64_text) * 3 // 4 - base64_text.count("=", -2)


def _list_size(elements: list[Mapping[str, Any]]) -> int:
    return _DOCUMENT_OVERHEAD_BYTES + sum(_ELEMENT_OVERHEAD_BYTES + _value_size(element) for element in elements)


def _map_size(fields: Mapping[str, Mapping[str, Any]]) -> int:
    return _DOCUMENT_OVERHEAD_BYTES + _ELEMENT_OVERHEAD_BYTES * len(fields) + item_size(fields)


def _set_size(element_size: Callable[[str], int]) -> Callable[[list[str]], int]:
    return lambda elements: sum(map(element_size, elements))


_SIZES: dict[str, Callable[[Any], int]] = {
    "S": _string_size,
    "N": _number_size,
    "B": _binary_size,
    "BOOL": lambda _: 1,
    "NULL": lambda _: 1,
    "L": _list_size,
    "M": _map_size,
    "SS": _set_size(_string_size),
    "NS": _set_size(_number_size),
    "BS": _set_size(_binary_size),
}
