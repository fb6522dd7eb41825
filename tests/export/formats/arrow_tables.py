"""Arrow tables of the types that exports have, for property tests of the formats."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

DECIMAL = pa.decimal128(38, 18)
LARGEST = Decimal("99999999999999999999.999999999999999999")
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    [
        "",
        "%",
        "%%0A",
        "+",
        "a+b%20",
        "a\nb",
        "\r\n",
        '"',
        "a,b",
        "\\",
        "\x00\x1f",
        "null",
        "日本",
        "\U0001f600",
        " x ",
        "\t",
    ]
)
_SCALARS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): _texts,
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    DECIMAL: st.decimals(LARGEST.copy_negate(), LARGEST, places=18)
    | st.sampled_from([Decimal(0), Decimal("1E-18"), Decimal("-1E-18"), Decimal(100), LARGEST, LARGEST.copy_negate()]),
    pa.bool_(): st.booleans(),
    pa.binary(): st.binary(max_size=5),
    pa.float64(): st.floats(allow_nan=False, allow_infinity=False),
}
_FIELDS = ["a", "b_2", "binary_size", "select", "x1"]


def types(*, nested: bool = True) -> st.SearchStrategy[pa.DataType]:
    scalars = st.sampled_from(list(_SCALARS))
    if not nested:
        return scalars
    return st.recursive(
        scalars,
        lambda inner: (
            inner.map(pa.list_)
            | st.dictionaries(st.sampled_from(_FIELDS), inner, min_size=1, max_size=3).map(
                lambda fields: pa.struct(list(fields.items()))
            )
        ),
        max_leaves=4,
    )


def values(kind: pa.DataType) -> st.SearchStrategy[Any]:
    """Python values of a type, null among them."""
    if pa.types.is_struct(kind):
        return st.none() | st.fixed_dictionaries({field.name: values(field.type) for field in kind})
    if pa.types.is_list(kind):
        return st.none() | st.lists(values(kind.value_type), max_size=3)
    return st.none() | scalars(kind)


def scalars(kind: pa.DataType) -> st.SearchStrategy[Any]:
    """Python values of a type that has no others within, not null."""
    return _SCALARS[kind]


@st.composite
def schemas(draw: st.DrawFn, *, nested: bool = True) -> pa.Schema:
    kinds = draw(st.lists(types(nested=nested), min_size=1, max_size=4))
    return pa.schema([(f"c{number}", kind) for number, kind in enumerate(kinds)])


@st.composite
def tables(draw: st.DrawFn, *, nested: bool = True) -> list[pa.Table]:
    """Some tables of one schema, to be written one after another; some without rows."""
    schema = draw(schemas(nested=nested))
    rows = st.lists(st.fixed_dictionaries({field.name: values(field.type) for field in schema}), max_size=4)
    return [pa.Table.from_pylist(some, schema) for some in draw(st.lists(rows, min_size=1, max_size=3))]
