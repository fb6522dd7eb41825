"""Three schemas that may differ: a file's, its partition's and the table's; what Athena reconciles, what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as is_a

from dynamo_assets.sandbox.athena import types
from dynamo_assets.sandbox.athena.catalog import Column, Partition, Table, columns_of
from dynamo_assets.sandbox.athena.errors import QueryFailure
from dynamo_assets.sandbox.glue_catalog import hive_types

_TEXT = (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view())


def reads_by_name(storage: dict[str, object]) -> bool:
    """Whether Athena finds a file's columns by their names, or by their places in the schema.

    Parquet and Avro go by name, ORC by place, unless the SerDe's properties say otherwise; text goes by place.
    """
    serde = storage.get("SerdeInfo", {})
    assert isinstance(serde, dict)
    library = serde.get("SerializationLibrary", "").lower()
    parameters = serde.get("Parameters", {})
    if "parquet" in library:
        return parameters.get("parquet.column.index.access", "false").lower() != "true"
    if "orc" in library:
        return parameters.get("orc.column.index.access", "true").lower() == "false"
    return "avro" in library


def declared_columns(table: Table, partition: Partition) -> list[Column | None]:
    """For each of the table's columns, the partition's own declaration of it; None where it is older than the column.

    Raises:
        QueryFailure: HIVE_PARTITION_SCHEMA_MISMATCH: the partition declares a type that Athena cannot convert.
    """
    own = columns_of(partition.storage.get("Columns") or table.storage.get("Columns", []))
    by_name = {column.name: column for column in own}
    declared: list[Column | None] = []
    for index, column in enumerate(table.columns):
        if reads_by_name(partition.storage):
            found = by_name.get(column.name)
        else:
            found = own[index] if index < len(own) else None
        if found is not None and not _is_coercible(found.type, column.type):
            raise _partition_mismatch(table, partition, column, found)
        declared.append(found)
    return declared


def _partition_mismatch(table: Table, partition: Partition, column: Column, found: Column) -> QueryFailure:
    name = "/".join(
        f"{key.name}={value}" for key, value in zip(table.partition_keys, partition.values, strict=True)
    )  # fmt: skip
    return QueryFailure(
        "HIVE_PARTITION_SCHEMA_MISMATCH",
        "There is a mismatch between the table and partition schemas. The types are incompatible and cannot be "
        f"coerced. The column '{column.name}' in table '{table.database}.{table.name}' is declared as type "
        f"'{column.hive_type}', but partition '{name}' declared column '{found.name}' as type '{found.hive_type}'.",
    )


_COERCIONS = {(types.VARCHAR, types.BIGINT), (types.VARCHAR, types.INTEGER), (types.REAL, types.DOUBLE)}


def _is_coercible(declared: Any, wanted: Any) -> bool:
    """Whether Athena converts a partition's column type to the table's."""
    if declared == wanted or (declared, wanted) in _COERCIONS:
        return True
    if types.is_integer(declared):
        return wanted == types.VARCHAR or (types.is_integer(wanted) and declared.bit_width < wanted.bit_width)
    if is_a.is_decimal(declared):
        return is_a.is_decimal(wanted) and types.common(declared, wanted) == wanted
    if not is_a.is_nested(declared) or declared.id != wanted.id:
        return False
    if is_a.is_struct(declared) and any(
        one.name != other.name for one, other in zip(declared.fields, wanted.fields, strict=False)
    ):
        return False
    shared = range(min(declared.num_fields, wanted.num_fields))
    return all(_is_coercible(declared.field(index).type, wanted.field(index).type) for index in shared)


def check_file_type(found: pa.DataType, declared: pa.DataType, name: str, shown: str, location: str) -> None:
    """Refuses a file whose column is not what the catalog declares, but for the widenings that Athena does.

    Args:
        found: The column's type in the file.
        declared: Its type in the catalog.
        name: Of the column.
        shown: The file's type and format in words: `INT64 in parquet file`.
        location: Of the file.

    Raises:
        QueryFailure: HIVE_BAD_DATA.
    """
    if not _is_readable(found, declared):
        raise QueryFailure(
            "HIVE_BAD_DATA",
            f"Field {name}'s type {shown} {location} is incompatible with type {hive_types.from_arrow(declared)} "
            "defined in table schema",
        )


def _is_readable(found: Any, declared: Any) -> bool:
    if found == declared or is_a.is_null(found):
        return True
    return any(is_kind(found) and fits(found, declared) for is_kind, fits in _WIDENINGS)


def _integer_fits(found: Any, declared: Any) -> bool:
    # In Parquet the three narrow types are one.
    return types.is_integer(declared) and max(found.bit_width, 32) <= max(declared.bit_width, 32)


def _decimal_fits(found: Any, declared: Any) -> bool:
    return is_a.is_decimal(declared) and (
        found.scale <= declared.scale and found.precision - found.scale <= declared.precision - declared.scale
    )


def _row_fits(found: Any, declared: Any) -> bool:
    own = {field.name.lower(): field.type for field in found.fields}
    return is_a.is_struct(declared) and all(
        _is_readable(own.get(field.name.lower(), pa.null()), field.type) for field in declared.fields
    )


def _map_fits(found: Any, declared: Any) -> bool:
    return is_a.is_map(declared) and (
        _is_readable(found.key_type, declared.key_type) and _is_readable(found.item_type, declared.item_type)
    )


def _list_fits(found: Any, declared: Any) -> bool:
    return is_a.is_list(declared) and _is_readable(found.value_type, declared.value_type)


# What Athena reads of a type in a file as other types in the catalog.
_WIDENINGS: list[tuple[Callable[[Any], bool], Callable[[Any, Any], bool]]] = [
    (lambda found: found in _TEXT, lambda _, declared: declared in (types.VARCHAR, types.VARBINARY)),
    (lambda found: found == types.REAL, lambda _, declared: declared == types.DOUBLE),
    (is_a.is_timestamp, lambda _, declared: is_a.is_timestamp(declared)),
    (is_a.is_dictionary, lambda found, declared: _is_readable(found.value_type, declared)),
    (is_a.is_signed_integer, _integer_fits),
    (is_a.is_decimal, _decimal_fits),
    (is_a.is_struct, _row_fits),
    (is_a.is_map, _map_fits),
    (lambda found: is_a.is_list(found) or is_a.is_large_list(found), _list_fits),
]


def conform(array: pa.Array, target: pa.DataType) -> pa.Array:
    """Values in a wider type: rows by the names of their fields, absent fields NULL, times rounded to milliseconds.

    Raises:
        QueryFailure: HIVE_BAD_DATA: a value does not fit.
    """
    if array.type == target:
        return array
    if is_a.is_null(array.type):
        return pa.nulls(len(array), target)
    if isinstance(array, pa.DictionaryArray):
        return conform(array.dictionary_decode(), target)
    nested = {pa.StructType: _conform_rows, pa.MapType: _conform_maps, pa.ListType: _conform_lists}
    try:
        return nested.get(type(target), _conform_leaf)(array, target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        problem = f"cannot read {array.type} as {types.display(target)}: {error}"
        raise QueryFailure("HIVE_BAD_DATA", problem) from error


def _conform_rows(array: Any, target: Any) -> pa.Array:
    own = {field.name.lower(): index for index, field in enumerate(array.type.fields)}
    arrays = []
    for field in target.fields:
        index = own.get(field.name.lower())
        # `field` alone would show what lies under a NULL row.
        values = pa.nulls(len(array)) if index is None else array.flatten()[index]
        arrays.append(conform(values, field.type))
    return pa.StructArray.from_arrays(arrays, fields=target.fields, mask=array.is_null())


def _conform_maps(array: Any, target: Any) -> pa.Array:
    array = _unsliced(array)
    keys, items = conform(array.keys, target.key_type), conform(array.items, target.item_type)
    return pa.MapArray.from_arrays(array.offsets, keys, items, mask=array.is_null())


def _conform_lists(array: Any, target: Any) -> pa.Array:
    array = _unsliced(array.cast(pa.list_(array.type.value_type)))
    return pa.ListArray.from_arrays(array.offsets, conform(array.values, target.value_type), mask=array.is_null())


def _unsliced(array: Any) -> Any:
    return pa.concat_arrays([array, array[:0]]) if array.offset else array


def _conform_leaf(array: Any, target: Any) -> pa.Array:
    if is_a.is_timestamp(target):
        wall_clock = array.cast(pa.timestamp(array.type.unit))
        to_milliseconds = pc.RoundTemporalOptions(unit="millisecond")
        return pc.call_function("round_temporal", [wall_clock], to_milliseconds).cast(target)
    if array.type == types.VARCHAR and types.is_integer(target):
        # Where a partition's text is no number, Athena has NULL.
        return pa.array([int(text) if _is_whole_number(text) else None for text in array.to_pylist()], target)
    return array.cast(target)


def _is_whole_number(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"[+-]?\d+", text) is not None
