"""Values out of Athena exactly, nested ones too: PyAthena gives structs and arrays as a text that says too little."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from dynamo_assets.aws.athena import quote_identifier
from dynamo_assets.export.manifest import ManifestColumn
from dynamo_assets.sandbox.glue_catalog.hive_types import parse

MAX_ELEMENTS = 4
COLUMNS_AT_ONCE = 12

Query = Callable[[str], list[tuple[Any, ...]]]


def type_in_view(column: ManifestColumn) -> pa.DataType:
    """A column's type in the view."""
    return parse(column.view_type or column.type)


def read_view(query: Query, view: str, key: str, columns: Sequence[ManifestColumn]) -> dict[str, dict[str, Any]]:
    """Every row of a view as Python values, by its key; each leaf is asked for by itself, as text where that is exact.

    Args:
        query: Runs SQL.
        view: The view, quoted.
        key: The key column.
        columns: The view's.
    """
    rows: dict[str, dict[str, Any]] = {}
    for start in range(0, len(columns), COLUMNS_AT_ONCE):
        some = columns[start : start + COLUMNS_AT_ONCE]
        plans = [(column.name, list(_leaves(quote_identifier(column.name), type_in_view(column)))) for column in some]
        selected = ", ".join(sql for _, leaves in plans for sql in leaves)
        for row in query(f"SELECT {quote_identifier(key)}, {selected} FROM {view}"):
            values = iter(row[1:])
            found = rows.setdefault(row[0], {})
            for column in some:
                found[column.name] = _rebuild(values, type_in_view(column))
    return rows


def _leaves(sql: str, kind: pa.DataType) -> Iterator[str]:
    if pa.types.is_struct(kind):
        yield f"{sql} IS NULL"
        for field in kind:
            yield from _leaves(f"{sql}.{quote_identifier(field.name)}", field.type)
    elif pa.types.is_list(kind):
        yield f"cardinality({sql})"
        for index in range(MAX_ELEMENTS):
            yield from _leaves(f"element_at({sql}, {index + 1})", kind.value_type)
    elif pa.types.is_binary(kind):
        yield f"to_base64({sql})"
    else:
        yield f"CAST({sql} AS varchar)" if pa.types.is_decimal(kind) else sql


def _rebuild(values: Iterator[Any], kind: pa.DataType) -> Any:
    if pa.types.is_struct(kind):
        absent = next(values)
        fields = {field.name: _rebuild(values, field.type) for field in kind}
        return None if absent else fields
    if pa.types.is_list(kind):
        count = next(values)
        elements = [_rebuild(values, kind.value_type) for _ in range(MAX_ELEMENTS)]
        assert count is None or count <= MAX_ELEMENTS, "the corpus has longer lists than the test reads"
        return None if count is None else elements[:count]
    value = next(values)
    if value is None:
        return None
    if pa.types.is_binary(kind):
        return b64decode(value)
    return Decimal(value) if pa.types.is_decimal(kind) else value
