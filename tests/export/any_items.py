"""Items of every kind that DynamoDB can hold, for property tests, and how boto3 reads them."""

from __future__ import annotations

import json
from base64 import b64decode
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import Binary, TypeDeserializer
from hypothesis import strategies as st

# Names that a decoder which guesses would trip over, and names that no identifier can have.
names = st.sampled_from(
    [
        *["S", "N", "BOOL", "B", "SS", "NS", "BS", "NULL", "M", "L", "Items", "Count", "f0", "f1", "V"],
        *["a b", "a.b", "a-b", 'qu"ote', "back\\slash", "new\nline", "\x00", "{", "}", "日本", "é", "\U0001f600"],
        *["Id", "id", "ID", "id_2", "snapshot_timestamp", "Snapshot_Timestamp", "select", "1", "_", " "],
    ]
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", "{", '{"S":"x"}', "1", "null"]
)
numbers = st.one_of(
    st.integers(-(2**64), 2**64).map(Decimal),
    st.sampled_from(
        ["0", "-0", "1E+2", "1.0", "1E-130", "9.9999999999999999999999999999999999999E+125", "1E+20", "1E-18"]
    ).map(Decimal),
    st.sampled_from([2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**20 - 1, 10**20, 10**38 - 1]).map(Decimal),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
    st.builds(
        lambda digits, e: Decimal(digits).scaleb(e), st.integers(-(10**38) + 1, 10**38 - 1), st.integers(-130, 85)
    ).filter(lambda n: n == 0 or (abs(n) >= Decimal("1E-130") and abs(n) < Decimal("1E126"))),
)
binaries = st.binary(max_size=6).map(Binary)
scalars = st.none() | st.booleans() | texts | numbers | binaries
sets = st.one_of(
    st.sets(texts.filter(bool), min_size=1, max_size=3),
    st.sets(numbers, min_size=1, max_size=3),
    st.sets(st.binary(min_size=1, max_size=4).map(Binary), min_size=1, max_size=3),
)
values = st.recursive(
    scalars | sets, lambda v: st.lists(v, max_size=4) | st.dictionaries(names, v, max_size=4), max_leaves=12
)
# Of a few shapes each attribute has mostly one, as in real tables; `values` mixes them all.
shapes = st.sampled_from([texts, numbers, numbers | st.none(), binaries, st.booleans(), sets, values])
typical = st.dictionaries(names, shapes, max_size=6).flatmap(
    lambda shape: st.lists(st.fixed_dictionaries({}, optional=shape), max_size=6)
)
pages = typical | st.lists(st.dictionaries(names, values, max_size=5), max_size=5)
units = st.lists(st.lists(pages, max_size=4), min_size=1, max_size=3)


def as_boto3_reads(unit_pages: list[list[list[dict[str, Any]]]], make_page: Any) -> list[dict[str, Any]]:
    deserializer = TypeDeserializer()
    items = []
    for page in (page for unit in unit_pages for page in unit):
        typed = json.loads(make_page(page).items)
        items += [
            {name: deserializer.deserialize(decoded_binary(value)) for name, value in item.items()} for item in typed
        ]
    return items


def decoded_binary(value: Any) -> Any:
    """boto3's client decodes base64 before the deserializer sees it."""
    ((tag, payload),) = value.items()
    if tag == "B":
        return {tag: b64decode(payload)}
    if tag == "BS":
        return {tag: [b64decode(entry) for entry in payload]}
    if tag == "M":
        return {tag: {name: decoded_binary(inner) for name, inner in payload.items()}}
    return {tag: [decoded_binary(inner) for inner in payload]} if tag == "L" else value
