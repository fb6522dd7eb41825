"""Items that trip exporters: the corpus that has to come back equal, value by value, in every format."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import Binary

Item = dict[str, Any]

NAMES = [
    *["S", "N", "BOOL", "B", "SS", "NS", "BS", "NULL", "M", "L", "Items", "Count", "f0", "V", "item"],
    *["a b", "a.b", "a-b", 'qu"ote', "ap'os", "back\\slash", "new\nline", "tab\t", "{", "}", "日本", "é", "\U0001f600"],
    *["Id", "ID", "id_2", "snapshot_timestamp", "Snapshot_Timestamp", "select", "from", "2020", "_", " ", ";drop"],
    *["binary", "binary_size", "string", "array"],
    *["`", "'; DROP TABLE x; --", "${HOME}", "{{ x }}", "nul\0", "iD", "SNAPSHOT_TIMESTAMP", "..", "a/b", "\u202e"],
    *["long" * 63 + "abc", "long" * 63 + "abc" + "d" * 45, "é" * 127],
]
"""Of attributes and fields: type tags, SQL's own words, what differs by case or by a sign that no column can have."""

TEXTS = [
    *["", " ", "plain", "NULL", "null", "1", "01", "1e5", "true", "{", '{"S":"x"}', "[1]", "%s {}", "--"],
    *["\\N", "\\x", "\\x0a", "\\x5cx0a", "\\", "\\\\n", "ends with backslash\\"],
    *["a\nb", "a\r\nb", "\r", "\n", "tab\there", "\x01", "\x1f", "\x7f", "\ufeff", "\u2028"],
    *['"', '""', '"quoted"', "a,b", ",", "'", "''", "`", "日本", "\U0001f600", "e\u0301", "x" * 70_000],
]

NUMBERS = [
    "0", "-0", "1", "-1", "0.1", "1E+2", "1.00", "123.456", str(2**63 - 1), str(-(2**63)), str(2**53 + 1),
]  # fmt: skip
BIG_NUMBERS = [
    str(2**63), "12345678901234567890.123456789012345678", "99999999999999999999.999999999999999999", "1E-18",
]  # fmt: skip
HUGE_NUMBERS = [
    "1E-130", "-1E-130", "9.9999999999999999999999999999999999999E+125", "12345678901234567890123456789012345678",
    "0.00000000000000000000000000000000000001", "1E+20", "1E-19",
]  # fmt: skip


def _deep(levels: int) -> Any:
    return {"deep": _deep(levels - 1)} if levels else "bottom"


def items() -> Iterator[Item]:
    """The corpus; `id` is the key of each item."""
    for number, text in enumerate(TEXTS):
        yield {"id": f"text-{number:03}", "text": text, "in_map": {"t": text}, "in_list": [text, "last"]}
    for number, text in enumerate([*NUMBERS, *BIG_NUMBERS, *HUGE_NUMBERS]):
        value = Decimal(text)
        kind = "integer" if text in {"0", "1", "-1"} else "number"
        yield {"id": f"number-{number:03}", kind: value, "in_map": {"n": value}, "numbers": [value, Decimal(7)]}
    for number, text in enumerate([*NUMBERS, *BIG_NUMBERS]):
        yield {"id": f"decimal-{number:03}", "decimal": Decimal(text), "decimals": {Decimal(text), Decimal(3)}}
    for number, name in enumerate(NAMES):
        yield {"id": f"name-{number:03}", name: f"of {name}", "named": {name: Decimal(number)}}
    binary = Binary(bytes(range(256)))
    yield from (
        {"id": "sets", "ss": {"a", "日本", '"q"', "a,b"}, "ns": {Decimal(1), Decimal("0.5"), Decimal(2**70)}},
        {"id": "bytes", "b": binary, "bs": {Binary(b"\x00"), Binary(b"\xff\xfe"), binary}, "in_map": {"b": binary}},
        {"id": "empty", "b": Binary(b""), "m": {}, "l": [], "text": "", "in_map": {}, "in_list": []},
        {"id": "mixed early", "mixed": "text", "late": "x", "list": [Decimal(1), "two", None, True, binary, [{}]]},
        {"id": "mixed later", "mixed": Decimal("1.50"), "map_or_list": {"a": Decimal(1)}, "mixed_field": {"x": "s"}},
        {"id": "mixed map", "mixed": {"a": {"b": None}}, "map_or_list": ["a", binary], "mixed_field": {"x": [None]}},
        {"id": "mixed set", "mixed": {Decimal(1), Decimal(2)}, "late": Decimal("1E-130")},
        {"id": "mixed bool", "mixed": False, "map_or_list": True},
        {"id": "mixed bytes", "mixed": binary},
        {"id": "mixed null", "mixed": None, "map_or_list": None},
        {"id": "null", "only_null": None, "in_map": {"t": None, "only_null": None}, "in_list": [None], "text": None},
        {"id": "deep", "deep": _deep(31), "lists": [[[["x"]], []], [[[]]]]},
        {"id": "deeper", "deep": _deep(20), "lists": [[None, [[None, "y"]]]]},
        {"id": "structs", "rows": [{"a": Decimal(1)}, {"b": "x"}, {}], "flags": [True, False, None]},
        {"id": "wide map", "wide_map": {f"key {n}": Decimal(n) for n in range(201)}},
        {"id": "map with bytes", "payload": {"raw": binary, "more": [binary], "flag": True}},
    )


def wide_items() -> Iterator[Item]:
    """1,900 attributes, each of few items."""
    for number in range(380):
        names = [f"attr_{(number * 5 + step) % 1900:04}" for step in range(18)]
        yield {"id": f"{number:04}"} | {
            name: Decimal(number) if position % 3 else f"v{number}" if position % 2 else position > 9
            for position, name in enumerate(names)
        }


def big_items() -> Iterator[Item]:
    """Items near DynamoDB's limit of 400 KB, and a map of 50,000 keys over all of them."""
    for number in range(4):
        yield {"id": f"{number}", "blob": "é" * 190_000, "tail": number}
    for number in range(25):
        keys = {f"k{number * 2000 + step:05}": step % 10 for step in range(2000)}
        yield {"id": f"map-{number:02}", "attributes": keys}
