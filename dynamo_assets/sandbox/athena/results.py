"""Results as Athena writes them: every value text, in a CSV or text file in S3 and in GetQueryResults' answers."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.types as is_a

from dynamo_assets.sandbox.athena import types
from dynamo_assets.sandbox.athena.errors import unsupported

Row = list[str | None]

# The Type, Precision and CaseSensitive of ColumnInfo.
_COLUMN_INFO: dict[pa.DataType, tuple[str, int, bool]] = {
    types.BOOLEAN: ("boolean", 0, False),
    pa.int8(): ("tinyint", 3, False),
    pa.int16(): ("smallint", 5, False),
    types.INTEGER: ("integer", 10, False),
    types.BIGINT: ("bigint", 19, False),
    types.REAL: ("float", 17, False),
    types.DOUBLE: ("double", 17, False),
    types.VARCHAR: ("varchar", 2147483647, True),
    types.VARBINARY: ("varbinary", 1073741824, False),
    types.DATE: ("date", 0, False),
    types.TIMESTAMP: ("timestamp", 3, False),
    types.JSON: ("json", 0, False),
    types.UNKNOWN: ("unknown", 0, False),
}


@dataclass(frozen=True)
class ResultColumn:
    """A column of a result; `type` is None for the text that catalog statements give."""

    name: str
    type: pa.DataType | None = None

    def info(self) -> dict[str, Any]:
        """Its ColumnInfo."""
        name, precision, is_case_sensitive = _described(self.type)
        scale = self.type.scale if self.type is not None and is_a.is_decimal(self.type) else 0
        return {
            "CatalogName": "hive",
            "SchemaName": "",
            "TableName": "",
            "Name": self.name,
            "Label": self.name,
            "Type": name,
            "Precision": precision,
            "Scale": scale,
            "Nullable": "UNKNOWN",
            "CaseSensitive": is_case_sensitive,
        }


def _described(data_type: Any) -> tuple[str, int, bool]:
    if data_type is None:
        return "string", 0, False
    if data_type in _COLUMN_INFO:
        return _COLUMN_INFO[data_type]
    if is_a.is_decimal(data_type):
        return "decimal", data_type.precision, False
    if is_a.is_timestamp(data_type):
        return "timestamp with time zone", 3, False
    return ("array" if is_a.is_list(data_type) else "map" if is_a.is_map(data_type) else "row"), 0, False


@dataclass
class Outcome:
    """What a statement gives: `rows` is read once; a query's result begins with a row of column names."""

    columns: list[ResultColumn] = field(default_factory=list)
    rows: Iterable[Row] = ()
    is_query: bool = False


def java_double(value: float) -> str:
    """A DOUBLE as Java prints it: `1.0E10`, `0.001`, `NaN`."""
    return _java_number(value, repr(value))


def _java_number(value: float, shortest: str) -> str:
    """A number as Java prints it, from the shortest decimal text that says it."""
    if math.isnan(value):
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if str(value).startswith("-") else "0.0"
    sign, numerals, exponent = Decimal(shortest).normalize().as_tuple()
    digits = "".join(map(str, numerals))
    assert isinstance(exponent, int)
    magnitude = len(digits) + exponent
    if not -3 < magnitude <= 7:
        body = f"{digits[0]}.{digits[1:] or '0'}E{magnitude - 1}"
    elif magnitude > 0:
        body = f"{digits[:magnitude].ljust(magnitude, '0')}.{digits[magnitude:] or '0'}"
    else:
        body = f"0.{'0' * -magnitude}{digits}"
    return f"-{body}" if sign else body


def java_float(value: float) -> str:
    """A REAL as Java prints it: the shortest text that gives the same 32 bits."""
    if not math.isfinite(value):
        return java_double(value)
    bits = struct.pack("f", value)
    shortest = next(text for width in range(1, 10) if struct.pack("f", float(text := f"{value:.{width}g}")) == bits)
    return _java_number(value, shortest)


def _timestamp(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}"


_RENDERERS: dict[pa.DataType, Callable[[Any], str]] = {
    types.BOOLEAN: lambda value: "true" if value else "false",
    types.REAL: java_float,
    types.DOUBLE: java_double,
    types.VARBINARY: lambda value: value.hex(" "),
    types.TIMESTAMP: _timestamp,
}


def renderer(data_type: pa.DataType) -> Callable[[Any], str | None]:
    """What turns a column's Python values into Athena's text; NULL stays None."""
    render = _RENDERERS.get(data_type) or _nested_renderer(data_type)
    return lambda value: None if value is None else render(value)


def _nested_renderer(data_type: Any) -> Callable[[Any], str]:
    if data_type in (types.DAY_TIME, types.YEAR_MONTH):
        raise unsupported("give intervals as results: add them to a date or time")
    if is_a.is_decimal(data_type):
        return lambda value: format(value, "f")
    if is_a.is_timestamp(data_type):
        zone = ZoneInfo(data_type.tz)
        return lambda value: f"{_timestamp(value.astimezone(zone))} {data_type.tz}"
    if isinstance(data_type, pa.ListType):
        element = renderer(data_type.value_type)
        return lambda value: f"[{', '.join(_inner(element, item) for item in value)}]"
    if isinstance(data_type, pa.MapType):
        key, item = renderer(data_type.key_type), renderer(data_type.item_type)
        return lambda value: "{" + ", ".join(f"{_inner(key, k)}={_inner(item, v)}" for k, v in value) + "}"
    if isinstance(data_type, pa.StructType):
        fields = [(found.name, renderer(found.type)) for found in data_type.fields]
        return lambda value: "{" + ", ".join(f"{name}={_inner(render, value[name])}" for name, render in fields) + "}"
    return str


def _inner(render: Callable[[Any], str | None], value: Any) -> str:
    text = render(value)
    return "null" if text is None else text


def rendered(batches: Iterable[pa.RecordBatch], columns: list[ResultColumn]) -> Iterator[Row]:
    """The engine's rows as Athena's text."""
    renderers = [renderer(column.type) for column in columns if column.type is not None]
    for batch in batches:
        texts = [
            [render(value) for value in array.to_pylist()]
            for render, array in zip(renderers, batch.columns, strict=True)
        ]
        yield from map(list, zip(*texts, strict=True))


class ResultFile:
    """A query's result on disk: the file that goes to S3, and the same rows to be read page by page.

    Args:
        directory: Where both lie.
    """

    def __init__(self, directory: Path) -> None:
        self.output = directory / "result"
        self._rows = directory / "rows"
        self.columns: list[ResultColumn] = []

    def write(self, outcome: Outcome) -> None:
        """Writes an outcome's rows, CSV for a query and lines of text otherwise."""
        self.columns = outcome.columns
        line = _csv_line if outcome.is_query else _text_line
        with self.output.open("w", encoding="utf-8", newline="") as output, self._rows.open("w") as rows:
            if outcome.is_query:
                header: Row = [column.name for column in outcome.columns]
                outcome.rows = _chain(header, outcome.rows)
            for row in outcome.rows:
                output.write(line(row))
                rows.write(json.dumps(row) + "\n")

    def page(self, offset: int, limit: int) -> tuple[list[Row], int | None]:
        """At most `limit` rows from a place in the file, and the next page's place."""
        with self._rows.open() as rows:
            rows.seek(offset)
            page = [json.loads(line) for _ in range(limit) if (line := rows.readline())]
            following = rows.tell()
            return page, following if rows.readline() else None


def _chain(header: Row, rows: Iterable[Row]) -> Iterator[Row]:
    yield header
    yield from rows


def _csv_line(row: Row) -> str:
    return ",".join("" if value is None else '"' + value.replace('"', '""') + '"' for value in row) + "\n"


def _text_line(row: Row) -> str:
    return "\t".join(value or "" for value in row) + "\n"
