"""Text files: JSON lines, quoted CSV and Hive's own delimited text, each as strict as its SerDe."""

from __future__ import annotations

import base64
import bz2
import csv
import gzip
import json
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from itertools import islice
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.types as is_a

from dynamo_assets.sandbox.athena import types
from dynamo_assets.sandbox.athena.data_files import BATCH_ROWS, Count, DataFile, Rows, Wanted
from dynamo_assets.sandbox.athena.errors import QueryFailure, unsupported

_COMPRESSED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open}
_LONGEST_FIELD = 2**31 - 1
_UNREADABLE_SUFFIXES = (".zst", ".snappy", ".lz4", ".deflate", ".xz", ".zip")


def _lines(file: DataFile, count: Count, skip: int = 0) -> Iterator[str]:
    count(file.size)
    suffix = file.location[file.location.rfind(".") :].lower()
    if suffix in _UNREADABLE_SUFFIXES:
        raise unsupported(f"read text compressed as {suffix}: {file.location}")
    stream: TextIO = _COMPRESSED.get(suffix, open)(file.path, "rt", encoding="utf-8", errors="replace", newline="\n")
    with stream:
        for line in islice(stream, skip, None):
            yield line.removesuffix("\n").removesuffix("\r")


def _batches(rows: Iterator[list[Any]], wanted: list[Wanted]) -> Rows:
    """Arrays of rows that hold the wanted columns' values."""
    while batch := list(islice(rows, BATCH_ROWS)):
        columns = list(zip(*batch, strict=True)) if wanted else []
        yield len(batch), [pa.array(values, column.type) for values, column in zip(columns, wanted, strict=True)]


def _bad_value(value: object, column: Wanted, file: DataFile) -> QueryFailure:
    return QueryFailure(
        "HIVE_BAD_DATA",
        f"Error parsing field value '{value}' for field {column.index}: {column.name} is of type {column.type} "
        f"({file.location})",
    )


def read_json(file: DataFile, wanted: list[Wanted], count: Count, *, library: str, parameters: dict[str, str]) -> Rows:
    """One JSON object a line."""
    skips_malformed = parameters.get("ignore.malformed.json", "").lower() == "true"
    is_base64 = "hcatalog" in library
    # The OpenX SerDe's `mapping.<column>` names the key that a column has in the file, lower case as all keys are here.
    keys = {name.removeprefix("mapping."): key for name, key in parameters.items() if name.startswith("mapping.")}

    def rows() -> Iterator[list[Any]]:
        for line in _lines(file, count):
            if not line.strip():
                continue
            try:
                item = json.loads(line, parse_float=Decimal)
            except ValueError:
                item = None
            if not isinstance(item, dict) and not skips_malformed:
                raise QueryFailure(
                    "HIVE_CURSOR_ERROR", f"Row is not a valid JSON Object ({file.location}): {line[:200]}"
                )
            own = {key.lower(): value for key, value in item.items()} if isinstance(item, dict) else {}
            yield [
                _json_field(own.get(keys.get(column.name, column.name)), column, file, is_base64=is_base64)
                for column in wanted
            ]

    return _batches(rows(), wanted)


def _json_field(value: Any, column: Wanted, file: DataFile, *, is_base64: bool) -> Any:
    if value is None or column.type is None:
        return None
    if column.type == types.VARBINARY and not is_base64:
        raise unsupported(f"read the binary column {column.name} with the OpenX JSON SerDe")
    try:
        return _json_value(value, column.type)
    except (ValueError, TypeError, InvalidOperation, AttributeError) as error:
        raise _bad_value(value, column, file) from error


def _json_value(value: Any, data_type: Any) -> Any:
    """A JSON value as the type; text that says a number is one, as the SerDes have it."""
    if value is None:
        return None
    if is_a.is_nested(data_type):
        return _json_nested(value, data_type)
    if data_type == types.VARCHAR:
        return value if isinstance(value, str) else _json_text(value)
    if data_type == types.VARBINARY:
        return base64.b64decode(value, validate=True)
    if isinstance(value, list | dict):
        raise TypeError(value)
    return scalar_of(_json_text(value) if isinstance(value, bool) else str(value), data_type)


def _json_nested(value: Any, data_type: Any) -> Any:
    if isinstance(data_type, pa.StructType):
        own = {key.lower(): item for key, item in value.items()}
        return {field.name: _json_value(own.get(field.name.lower()), field.type) for field in data_type.fields}
    if isinstance(data_type, pa.MapType):
        return [(key, _json_value(item, data_type.item_type)) for key, item in value.items()]
    if not isinstance(value, list):
        raise TypeError(value)
    return [_json_value(item, data_type.value_type) for item in value]


def _json_text(value: Any) -> str:
    """A JSON value's text, its numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json_text, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def scalar_of(text: str, data_type: Any) -> Any:
    """A value from its text.

    Raises:
        ValueError, InvalidOperation: The text does not say one.
    """
    if types.is_integer(data_type):
        value = int(text)
        if not -(2 ** (data_type.bit_width - 1)) <= value < 2 ** (data_type.bit_width - 1):
            raise ValueError(text)
        return value
    if is_a.is_decimal(data_type):
        context = Context(prec=data_type.precision)
        return Decimal(text).quantize(Decimal(1).scaleb(-data_type.scale), ROUND_HALF_UP, context)
    return _PARSERS[data_type](text)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _timestamp(text: str) -> datetime:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,9})?", text):
        raise ValueError(text)
    return datetime.fromisoformat(text[:26])


_PARSERS: dict[pa.DataType, Callable[[str], Any]] = {
    types.VARCHAR: str,
    types.REAL: float,
    types.DOUBLE: float,
    types.BOOLEAN: _boolean,
    types.DATE: date.fromisoformat,
    types.TIMESTAMP: _timestamp,
}


def _skipped(parameters: dict[str, str]) -> int:
    return int(parameters.get("skip.header.line.count", "0"))


def read_csv(file: DataFile, wanted: list[Wanted], count: Count, *, parameters: dict[str, str]) -> Rows:
    """Hive's OpenCSVSerde: quoted fields, a row to a line; an empty number is an error, a time is in milliseconds."""
    options: dict[str, Any] = {
        "delimiter": parameters.get("separatorChar", ","),
        "quotechar": parameters.get("quoteChar", '"'),
        "escapechar": parameters.get("escapeChar", "\\"),
    }

    def field(cells: list[str], column: Wanted) -> Any:
        if column.type is None or column.index >= len(cells):
            return None
        text = cells[column.index]
        try:
            if column.type == types.TIMESTAMP:
                return int(text)
            if column.type == types.DATE or is_a.is_nested(column.type):
                raise unsupported(f"read the {types.display(column.type)} column {column.name} with the OpenCSV SerDe")
            return scalar_of(text, column.type)
        except (ValueError, InvalidOperation) as error:
            raise _bad_value(text, column, file) from error

    def rows() -> Iterator[list[Any]]:
        csv.field_size_limit(_LONGEST_FIELD)
        for line in _lines(file, count, _skipped(parameters)):
            for cells in csv.reader([line], **options):
                yield [field(cells, column) for column in wanted]

    return _batches(rows(), wanted)


def read_delimited(file: DataFile, wanted: list[Wanted], count: Count, *, parameters: dict[str, str]) -> Rows:
    """Hive's LazySimpleSerDe: no quotes; what cannot be read as the column's type is NULL."""
    delimiter = parameters.get("field.delim", parameters.get("serialization.format", "\x01"))
    escape = parameters.get("escape.delim")
    null = parameters.get("serialization.null.format", "\\N")
    items = parameters.get("collection.delim", "\x02")

    def value(text: str, data_type: pa.DataType, column: Wanted) -> Any:
        if text == null:
            return None
        if isinstance(data_type, pa.ListType) and not is_a.is_nested(data_type.value_type):
            return [value(item, data_type.value_type, column) for item in text.split(items)] if text else []
        if is_a.is_nested(data_type) or data_type == types.VARBINARY:
            raise unsupported(f"read the {types.display(data_type)} column {column.name} of a text table")
        try:
            return scalar_of(text, data_type)
        except (ValueError, InvalidOperation):
            return None

    def rows() -> Iterator[list[Any]]:
        csv.field_size_limit(_LONGEST_FIELD)
        for line in _lines(file, count, _skipped(parameters)):
            cells = next(csv.reader([line], delimiter=delimiter, escapechar=escape, quoting=csv.QUOTE_NONE), [""])
            yield [
                value(cells[column.index], column.type, column) if column.type and column.index < len(cells) else None
                for column in wanted
            ]

    return _batches(rows(), wanted)
