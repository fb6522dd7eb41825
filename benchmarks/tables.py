"""The tables that are exported, item by item: what each holds, and which column each of its attributes needs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, Literal

Item = dict[str, dict[str, Any]]
"""DynamoDB JSON: `{"pk": {"S": "a"}, ...}`."""
Kind = Literal["string", "integer", "decimal", "boolean", "binary", "text", "json"]
"""What a peer has to know of a column in advance. `text`: strings and numbers, each as its text; `json`: nested."""

WIDE_ATTRIBUTES = 1_900
MAP_KEYS = 50_000
DRIP_ITEMS = 200_000
DRIP_NEW_ATTRIBUTE_ITEMS = 500
DRIP_WIDENING_ITEMS = 20_000
BIG_ITEM_BYTES = 390 * 1024

_LETTERS = "abcdefghijklmnopqrstuvwxyz "


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        items: How many are generated; a larger table repeats them, keys included.
        keys: The key attributes, the partition key first; all of them strings.
        make: Item number so and so, from a generator of random numbers that all items share.
        columns: The kind of every attribute, as someone knows it who has seen the whole table.
    """

    items: int
    keys: tuple[str, ...]
    make: Callable[[Random, int], Item]
    columns: Mapping[str, Kind]

    def generate(self) -> Iterator[Item]:
        """All items, the same every time."""
        random = Random(7)
        return (self.make(random, number) for number in range(self.items))


def _text(random: Random, shortest: int, longest: int) -> str:
    return "".join(random.choices(_LETTERS, k=random.randint(shortest, longest)))


def _digits(random: Random, count: int) -> str:
    return str(random.randrange(10 ** (count - 1), 10**count))


def _cents(random: Random, most: int) -> str:
    return f"{random.randrange(100 * most) / 100:.2f}"


def _bytes(random: Random, count: int) -> str:
    return b64encode(random.randbytes(count)).decode()


def _address(random: Random) -> dict[str, Any]:
    address: Item = {
        "street": {"S": _text(random, 12, 32)},
        "city": {"S": random.choice(["Utrecht", "Gothenburg", "Porto", "Kraków"])},
        "zip": {"S": _digits(random, 5)},
    }
    if random.random() < 0.3:
        address["floor"] = {"N": str(random.randrange(40))}
    return {"M": address}


def _lines(random: Random) -> dict[str, Any]:
    return {
        "L": [
            {"M": {"sku": {"S": _digits(random, 8)}, "qty": {"N": "2"}, "price": {"N": _cents(random, 200)}}}
            for _ in range(random.randint(1, 4))
        ]
    }


# An attribute, the share of the items that have it, the kind of its column, and its values.
_FRIENDLY: list[tuple[str, float, Kind, Callable[[Random], dict[str, Any]]]] = [
    ("created_at", 1.0, "string", lambda r: {"S": f"2026-{r.randint(1, 12):02}-{r.randint(1, 28):02}T10:00:00Z"}),
    ("status", 1.0, "string", lambda r: {"S": r.choice(["open", "paid", "shipped", "returned"])}),
    ("quantity", 1.0, "integer", lambda r: {"N": str(r.randrange(1000))}),
    ("price", 1.0, "decimal", lambda r: {"N": _cents(r, 5000)}),
    ("ref", 1.0, "text", lambda r: {"N": _digits(r, 9)} if r.random() < 0.1 else {"S": _text(r, 12, 12)}),
    ("active", 1.0, "boolean", lambda r: {"BOOL": r.random() < 0.5}),
    ("version", 1.0, "integer", lambda r: {"N": str(r.randrange(20))}),
    ("email", 1.0, "string", lambda r: {"S": f"{_digits(r, 8)}@example.com"}),
    ("updated_at", 1.0, "integer", lambda r: {"N": str(1_790_000_000_000 + r.randrange(10**9))}),
    ("lines", 0.95, "json", _lines),
    ("address", 0.9, "json", _address),
    ("score", 0.8, "decimal", lambda r: {"N": f"{r.random():.6f}"}),
    ("phone", 0.8, "string", lambda r: {"S": f"+31 {_digits(r, 9)}"}),
    ("tags", 0.6, "json", lambda r: {"SS": sorted({r.choice(["new", "vip", "eu", "b2b", "gift"]) for _ in "123"})}),
    ("note", 0.8, "string", lambda r: {"S": _text(r, 100, 480)}),
    ("discount", 0.5, "decimal", lambda r: {"N": _cents(r, 50)}),
    ("sizes", 0.3, "json", lambda r: {"NS": sorted({str(r.randrange(60)) for _ in "1234"})}),
    ("thumbnail", 0.3, "binary", lambda r: {"B": _bytes(r, 48)}),
    ("deleted_at", 0.1, "string", lambda r: {"NULL": True} if r.random() < 0.5 else {"S": "2026-11-02T10:00:00Z"}),
    ("big", 0.05, "text", lambda r: {"N": _digits(r, 38)}),
]


def _friendly(random: Random, number: int, *, mixed: bool = True) -> Item:
    item: Item = {"customer": {"S": f"C{number % 9973:06}"}, "order": {"S": f"{number:010}-{_digits(random, 10)}"}}
    for attribute, share, _, value in _FRIENDLY:
        if share == 1.0 or random.random() < share:
            item[attribute] = value(random)
    if not mixed:
        item["ref"] = {"S": item["ref"].get("S") or item["ref"]["N"]}
    return item


def _wide_kind(number: int) -> Kind:
    return ("string", "string", "string", "integer", "decimal")[number % 5]


def _wide(random: Random, number: int) -> Item:
    item: Item = {"pk": {"S": f"{number:012}"}, "kind": {"S": random.choice("abc")}}
    for attribute in random.sample(range(WIDE_ATTRIBUTES), 16):
        match _wide_kind(attribute):
            case "integer":
                value = {"N": str(random.randrange(10**6))}
            case "decimal":
                value = {"N": _cents(random, 1000)}
            case _:
                value = {"S": _text(random, 4, 20)}
        item[f"attribute_{attribute:04}"] = value
    return item


def _map_keys(random: Random, number: int) -> Item:
    keys = random.sample(range(MAP_KEYS), 32)
    return {
        "pk": {"S": f"{number:012}"},
        "status": {"S": random.choice(["open", "done"])},
        "updated": {"N": str(1_790_000_000 + number)},
        "counters": {"M": {f"k{key:05}": {"N": str(random.randrange(1000))} for key in keys}},
        "owner": {"S": _text(random, 8, 16)},
    }


def _widening(random: Random, step: int, widened: bool) -> dict[str, Any]:
    """An attribute that is narrow at first: a number with few digits, with many, or always of one type."""
    match step % 3:
        case 0:
            return {"N": _cents(random, 90)} if widened else {"N": str(random.randrange(90))}
        case 1:
            return {"N": _digits(random, 30)} if widened else {"N": str(random.randrange(90))}
        case _:
            return {"S": _text(random, 4, 8)} if widened else {"N": str(random.randrange(90))}


def _drip(random: Random, number: int) -> Item:
    item: Item = {
        "pk": {"S": f"{number:012}"},
        "created": {"N": str(1_790_000_000 + number)},
        "state": {"S": random.choice(["a", "b", "c"])},
    }
    for step in range(DRIP_ITEMS // DRIP_WIDENING_ITEMS):
        if random.random() < 0.6:
            item[f"widening_{step}"] = _widening(random, step, number >= step * DRIP_WIDENING_ITEMS + 10_000)
    newest = number // DRIP_NEW_ATTRIBUTE_ITEMS
    for attribute in {newest, random.randint(0, newest), random.randint(0, newest), random.randint(0, newest)}:
        item[f"new_{attribute:03}"] = {"S": _text(random, 6, 12)}
    return item


def _big(random: Random, number: int) -> Item:
    """Items near DynamoDB's limit of 400 KB: by turns one long text, one long binary, many small maps."""
    item: Item = {"pk": {"S": f"{number:06}"}, "kind": {"S": ("text", "binary", "maps")[number % 3]}}
    match number % 3:
        case 0:
            item["text"] = {"S": _text(random, 1000, 1000) * (BIG_ITEM_BYTES // 1000)}
        case 1:
            item["binary"] = {"B": _bytes(random, BIG_ITEM_BYTES)}
        case _:
            entry_bytes = 55
            item["maps"] = {
                "L": [
                    {"M": {"name": {"S": _text(random, 30, 30)}, "count": {"N": "17"}, "price": {"N": "12.5"}}}
                    for _ in range(BIG_ITEM_BYTES // entry_bytes)
                ]
            }
    return item


_FRIENDLY_COLUMNS: dict[str, Kind] = {
    "customer": "string",
    "order": "string",
    **{attribute: kind for attribute, _, kind, _ in _FRIENDLY},
}

_WIDE_COLUMNS: dict[str, Kind] = {
    "pk": "string",
    "kind": "string",
    **{f"attribute_{number:04}": _wide_kind(number) for number in range(WIDE_ATTRIBUTES)},
}
_MAP_COLUMNS: dict[str, Kind] = {
    "pk": "string",
    "status": "string",
    "updated": "integer",
    "counters": "json",
    "owner": "string",
}
_WIDENED: tuple[Kind, ...] = ("decimal", "text", "text")
_DRIP_COLUMNS: dict[str, Kind] = {
    "pk": "string",
    "created": "integer",
    "state": "string",
    **{f"widening_{step}": _WIDENED[step % 3] for step in range(DRIP_ITEMS // DRIP_WIDENING_ITEMS)},
    **{f"new_{number:03}": "string" for number in range(DRIP_ITEMS // DRIP_NEW_ATTRIBUTE_ITEMS)},
}
_BIG_COLUMNS: dict[str, Kind] = {
    "pk": "string",
    "kind": "string",
    "text": "string",
    "binary": "binary",
    "maps": "json",
}

TABLES: dict[str, Table] = {
    "friendly": Table(200_000, ("customer", "order"), _friendly, _FRIENDLY_COLUMNS),
    # awswrangler's typed read fails on an attribute of two types: the same table, `ref` always a string.
    "unmixed": Table(
        20_000, ("customer", "order"), partial(_friendly, mixed=False), {**_FRIENDLY_COLUMNS, "ref": "string"}
    ),
    "wide": Table(50_000, ("pk",), _wide, _WIDE_COLUMNS),
    "keys50k": Table(50_000, ("pk",), _map_keys, _MAP_COLUMNS),
    "drip": Table(DRIP_ITEMS, ("pk",), _drip, _DRIP_COLUMNS),
    "big": Table(150, ("pk",), _big, _BIG_COLUMNS),
}
