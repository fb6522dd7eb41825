"""Hive type strings, as the Glue Data Catalog and Athena write them, to and from Arrow types.

The two directions are inverse for every type that Hive has. Arrow has more types than Hive: those are widened
(`uint32` becomes `bigint`) where no value is lost, and refused where Hive has nothing to hold them. Hive has three that
Arrow has not: `varchar(n)` and `char(n)` become `string`, and every `timestamp` is in milliseconds, as Athena's is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as is_a

_SIMPLE: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "real": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "binary": pa.binary(),
    "varbinary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("ms"),
}
_TEXT_LIMITS = {"varchar": 65_535, "char": 255}
_DECIMAL_PRECISION = 38

_WORD = re.compile(r"[a-z_][a-z0-9_]*", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
# Glue takes almost any character in a struct's field name; these five end it, in Hive's own parser too.
_FIELD_NAME = re.compile(r"[^:,<>`]+")


def parse(text: str) -> pa.DataType:
    """The Arrow type of a Hive type string such as `struct<city:string,zip:array<int>>`.

    Type names are taken in any case and with any white space; field names keep theirs.

    Raises:
        ValueError: It is not a Hive type, or one that Athena cannot read (`uniontype`); says where.
    """
    parser = _Parser(text)
    parsed = parser.type()
    parser.end()
    return parsed


@dataclass
class _Parser:
    """A recursive-descent parser: one method for each rule of the grammar, `position` the next character to read.

    type    := array '<' type '>' | map '<' type ',' type '>' | struct '<' field (',' field)* '>'
             | decimal [ '(' number [',' number] ')' ] | (varchar | char) [ '(' number ')' ] | name
    field   := name ':' type
    """

    text: str
    position: int = 0

    def type(self) -> pa.DataType:
        start = self.position
        name = self._match(_WORD, "a type").lower()
        if name in _SIMPLE:
            return _SIMPLE[name]
        rules: dict[str, Callable[[], pa.DataType]] = {
            "array": self._array,
            "map": self._map,
            "struct": self._struct,
            "decimal": self._decimal,
            "numeric": self._decimal,
        }
        if name in rules:
            return rules[name]()
        if name in _TEXT_LIMITS:
            return self._text(name)
        self.position = start
        raise self._error(f"the type {name!r} is not one that Athena reads")

    def end(self) -> None:
        self._skip_space()
        if self.position != len(self.text):
            raise self._error("expected the end")

    def _array(self) -> pa.DataType:
        self._expect("<")
        element = self.type()
        self._expect(">")
        return pa.list_(element)

    def _map(self) -> pa.DataType:
        self._expect("<")
        key = self.type()
        self._expect(",")
        value = self.type()
        self._expect(">")
        return pa.map_(key, value)

    def _struct(self) -> pa.DataType:
        self._expect("<")
        fields = [self._field()]
        while self._accept(","):
            fields.append(self._field())
        self._expect(">")
        return pa.struct(fields)

    def _field(self) -> pa.Field:
        if self._accept("`"):
            name = self._match(re.compile("[^`]+"), "a field's name")
            self._expect("`")
        else:
            name = self._match(_FIELD_NAME, "a field's name").rstrip()
        self._expect(":")
        return pa.field(name, self.type())

    def _decimal(self) -> pa.DataType:
        precision, scale = 10, 0
        if self._accept("("):
            precision = self._number()
            if self._accept(","):
                scale = self._number()
            self._expect(")")
        if not 1 <= precision <= _DECIMAL_PRECISION or scale > precision:
            raise self._error(f"decimal({precision},{scale}) is not one: precision 1 to 38, scale 0 to the precision")
        return pa.decimal128(precision, scale)

    def _text(self, name: str) -> pa.DataType:
        if self._accept("("):
            length = self._number()
            if not 1 <= length <= _TEXT_LIMITS[name]:
                raise self._error(f"{name}({length}) is not one: its length is 1 to {_TEXT_LIMITS[name]}")
            self._expect(")")
        return pa.string()

    def _number(self) -> int:
        return int(self._match(_NUMBER, "a number"))

    def _skip_space(self) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1

    def _match(self, pattern: re.Pattern[str], wanted: str) -> str:
        self._skip_space()
        match = pattern.match(self.text, self.position)
        if match is None:
            raise self._error(f"expected {wanted}")
        self.position = match.end()
        return match.group()

    def _accept(self, character: str) -> bool:
        self._skip_space()
        found = self.text.startswith(character, self.position)
        self.position += found
        return found

    def _expect(self, character: str) -> None:
        if not self._accept(character):
            raise self._error(f"expected {character!r}")

    def _error(self, problem: str) -> ValueError:
        return ValueError(f"{self.text!r} is not a Hive type: {problem} at character {self.position + 1}")


# In order: the first test that holds gives the type.
_LEAVES: list[tuple[Callable[[pa.DataType], bool], str]] = [
    (is_a.is_boolean, "boolean"),
    (is_a.is_int8, "tinyint"),
    (is_a.is_int16, "smallint"),
    (is_a.is_uint8, "smallint"),
    (is_a.is_int32, "int"),
    (is_a.is_uint16, "int"),
    (is_a.is_int64, "bigint"),
    (is_a.is_uint32, "bigint"),
    (is_a.is_uint64, "decimal(20,0)"),
    (is_a.is_float16, "float"),
    (is_a.is_float32, "float"),
    (is_a.is_float64, "double"),
    (is_a.is_string, "string"),
    (is_a.is_large_string, "string"),
    (is_a.is_string_view, "string"),
    (is_a.is_null, "string"),
    (is_a.is_binary, "binary"),
    (is_a.is_large_binary, "binary"),
    (is_a.is_binary_view, "binary"),
    (is_a.is_fixed_size_binary, "binary"),
    (is_a.is_date, "date"),
    (is_a.is_timestamp, "timestamp"),
]


def from_arrow(data_type: pa.DataType) -> str:
    """The Hive type string of an Arrow type; a column that never had a value (`null`) is a string.

    Raises:
        ValueError: Hive has no type for it (`time32`, `decimal256`, a union), or a field's name cannot stand in a
            Hive type; names the field.
    """
    return _render(data_type, "")


def _render(data_type: pa.DataType, path: str) -> str:
    if isinstance(data_type, pa.BaseExtensionType):
        data_type = data_type.storage_type
    if isinstance(data_type, pa.DictionaryType):
        data_type = data_type.value_type
    for test, name in _LEAVES:
        if test(data_type):
            return name
    if is_a.is_decimal(data_type) and data_type.precision <= _DECIMAL_PRECISION and data_type.scale >= 0:
        # Arrow's decimal32 and decimal64 are narrower storage of the same type.
        return f"decimal({data_type.precision},{data_type.scale})"
    if nested := _render_nested(data_type, path):
        return nested
    where = f" of the field {path!r}" if path else ""
    raise ValueError(f"Hive has no type for the Arrow type {data_type}{where}: write it as another type")


def _render_nested(data_type: pa.DataType, path: str) -> str | None:
    if isinstance(data_type, pa.StructType) and data_type.num_fields:
        return f"struct<{','.join(_render_field(field, path) for field in data_type.fields)}>"
    if isinstance(data_type, pa.MapType):
        return f"map<{_render(data_type.key_type, path)},{_render(data_type.item_type, path)}>"
    if isinstance(data_type, pa.ListType | pa.LargeListType | pa.FixedSizeListType | pa.ListViewType):
        return f"array<{_render(data_type.value_type, path)}>"
    return None


def _render_field(field: pa.Field, path: str) -> str:
    path = f"{path}.{field.name}" if path else field.name
    if not _FIELD_NAME.fullmatch(field.name) or field.name != field.name.strip():
        raise ValueError(
            f"the field {path!r} cannot be named in a Hive type: its name has one of : , < > ` or outer white space, "
            "or is empty; rename it"
        )
    return f"{field.name}:{_render(field.type, path)}"
