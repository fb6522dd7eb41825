"""DynamoDB's values as the records of a frame hold them, by structure: what a key is called never matters.

| DynamoDB | here | type | where that comes from |
| --- | --- | --- | --- |
| N, an integer within 64 bits | int | long | inferred: public scripts, see below |
| N, any other | float | double | inferred for fractions; assumed for integers beyond 64 bits |
| S, BOOL, B | str, bool, bytes | string, boolean, binary | inferred: emr-dynamodb-connector, README |
| M | dict | struct | inferred: the same; public scripts address fields of maps |
| L | list | array | inferred: the same |
| SS, NS, BS | SetValue | set | inferred: `SetType` in AWS's public gluetypes; Glue's crawlers type them so too |
| NULL | None | null | inferred: frames of all sources have null fields, which `DropNullFields` removes |

So the reader loses digits: a double has 53 bits, some 16 digits, where DynamoDB has 38; and what a double comes out
as (`0.1`, `1.0E30`) is the nearest one. A script cannot get them back, because the frame never had them. That a number
is a long or a double from value to value is seen in public scripts, whose columns of such frames are
`struct<double:double,long:bigint>`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Record = dict[str, Any]

_LONG = range(-(2**63), 2**63)


class SetValue(list[Any]):
    """A set, in the order in which DynamoDB gave it. A list: two numbers may become one double, and both stay."""


def record_of(item: Mapping[str, Mapping[str, Any]]) -> Record:
    """The record of an item as boto3's client gives it."""
    return {name: value_of(attribute) for name, attribute in item.items()}


def value_of(attribute: Mapping[str, Any]) -> Any:
    """The value of an attribute such as `{"N": "1"}`.

    Raises:
        ValueError: It is of a type that DynamoDB did not have.
    """
    ((kind, content),) = attribute.items()
    decode = _DECODERS.get(kind)
    if decode is None:
        raise ValueError(f"DynamoDB gave a value of the unknown type {kind!r}")
    return decode(content)


def kind_of(value: Any) -> str:
    """The name of a value's type, which is not null."""
    return _KINDS[type(value)]


def _number(text: str) -> int | float:
    number = Decimal(text)
    # By value, not by spelling: DynamoDB trims `1.0` to `1`.
    if number == number.to_integral_value() and (integer := int(number)) in _LONG:
        return integer
    return float(number)


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "S": str,
    "N": _number,
    "BOOL": bool,
    "B": bytes,
    "M": record_of,
    "L": lambda content: [value_of(element) for element in content],
    "SS": SetValue,
    "NS": lambda content: SetValue(map(_number, content)),
    "BS": lambda content: SetValue(map(bytes, content)),
    "NULL": lambda _: None,
}
_KINDS = {
    str: "string",
    int: "long",
    float: "double",
    bool: "boolean",
    bytes: "binary",
    dict: "struct",
    list: "array",
    SetValue: "set",
}
