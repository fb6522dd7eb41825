"""The columns of files that say themselves what they hold: Parquet, ORC, Avro."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.types as is_a

from dynamo_assets.errors import AdoptionError
from dynamo_assets.export.manifest import ManifestColumn
from dynamo_assets.naming import MAX_GLUE_NAME, PARTITION_COLUMN

_TYPES = {
    pa.null(): "string",
    pa.bool_(): "boolean",
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "string",
    pa.large_string(): "string",
    pa.binary(): "binary",
    pa.large_binary(): "binary",
    pa.date32(): "date",
}
# Hive's parser of type strings takes no others in a field's name.
_FIELD = re.compile(r"[A-Za-z0-9_]+")


def unified(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """The columns of several files: a file may lack some, or some fields of a struct; those it has are of one type.

    Raises:
        AdoptionError: They are not.
    """
    found: dict[str, pa.DataType] = {}
    for schema in schemas:
        for field in schema:
            found[field.name] = _both(found.get(field.name, field.type), field.type, field.name)
    return pa.schema(list(found.items()))


def _both(one: Any, other: Any, path: str) -> pa.DataType:
    if one == other or is_a.is_null(other):
        return one
    if is_a.is_null(one):
        return other
    if is_a.is_signed_integer(one) and is_a.is_signed_integer(other):
        return max(one, other, key=lambda kind: kind.bit_width)
    if is_a.is_list(one) and is_a.is_list(other):
        return pa.list_(_both(one.value_type, other.value_type, path))
    if is_a.is_struct(one) and is_a.is_struct(other):
        fields = {field.name: field.type for field in one}
        for field in other:
            fields[field.name] = _both(fields.get(field.name, field.type), field.type, f"{path}.{field.name}")
        return pa.struct(list(fields.items()))
    raise AdoptionError(f"column {path} is {one} in one file and {other} in another, and Athena reads it as one type")


def columns_by_name(schema: pa.Schema) -> Iterator[ManifestColumn]:
    """The columns as Athena finds them in such files: by their names, in lower case.

    Raises:
        AdoptionError: It could not find one, or read it.
    """
    taken: dict[str, str] = {}
    for field in schema:
        name = field.name.lower()
        if name in taken:
            raise AdoptionError(
                f"columns {taken[name]!r} and {field.name!r} differ in upper and lower case alone, and Athena takes "
                "them for one"
            )
        if name == PARTITION_COLUMN:
            raise AdoptionError(f"it has a column {field.name!r}, which is the partition's name")
        if not name or len(name) > MAX_GLUE_NAME:
            raise AdoptionError(f"the catalog takes no column name of {len(name)} characters: {field.name[:40]!r}")
        taken[name] = field.name
        kept = "" if name == field.name else field.name
        yield ManifestColumn(name, field.name, athena_type(field.type, field.name), in_files=kept)


def athena_type(arrow: Any, path: str) -> str:
    """Athena's name of a type in a file, exactly as it is there.

    Raises:
        AdoptionError: Athena has none, or the name of a field cannot be said in one.
    """
    if arrow in _TYPES:
        return _TYPES[arrow]
    for is_kind, name in _BUILT:
        if is_kind(arrow):
            return name(arrow, path)
    raise AdoptionError(f"column {path} is of type {arrow}, which Athena cannot read")


def _struct(arrow: Any, path: str) -> str:
    names = [field.name.lower() for field in arrow]
    for field in arrow:
        if not _FIELD.fullmatch(field.name) or names.count(field.name.lower()) > 1:
            raise AdoptionError(
                f"column {path} has a field {field.name!r}, and Athena reads only structs whose fields have names of "
                "a-z, A-Z, 0-9 and _ that differ in more than upper and lower case"
            )
    if not names:
        raise AdoptionError(f"column {path} is a struct without fields, which Athena does not know")
    fields = [f"{field.name.lower()}:{athena_type(field.type, f'{path}.{field.name}')}" for field in arrow]
    return f"struct<{','.join(fields)}>"


_BUILT: list[tuple[Callable[[Any], bool], Callable[[Any, str], str]]] = [
    (is_a.is_fixed_size_binary, lambda *_: "binary"),
    (is_a.is_timestamp, lambda *_: "timestamp"),
    (is_a.is_decimal128, lambda arrow, _: f"decimal({arrow.precision},{arrow.scale})"),
    (is_a.is_dictionary, lambda arrow, path: athena_type(arrow.value_type, path)),
    (is_a.is_map, lambda a, path: f"map<{athena_type(a.key_type, path)},{athena_type(a.item_type, path)}>"),
    (lambda a: is_a.is_list(a) or is_a.is_large_list(a), lambda a, p: f"array<{athena_type(a.value_type, p)}>"),
    (is_a.is_struct, _struct),
]
