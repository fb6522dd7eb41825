"""The schema of records that describe themselves: a pass over all of them.

Documented (developer guide, "DynamicFrame class"): a schema is computed when it is first needed, from every record,
and what differs from record to record becomes a choice. Inferred (AWS's public gluetypes): null gives way to any other
type, also in a choice. Assumed: fields stand in the order in which they are first met; an array that is always empty
has elements of an unknown type; a map that is always empty is a struct without fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any

from pyspark import RDD

from awsglue._values import Record, kind_of
from awsglue.gluetypes import (
    ArrayType,
    BinaryType,
    BooleanType,
    ChoiceType,
    DataType,
    DoubleType,
    Field,
    LongType,
    MapType,
    NullType,
    SetType,
    StringType,
    StructType,
    UnknownType,
)

# What was seen at one place: kind -> what was seen inside. {"long": None, "struct": {"a": {"string": None}}}
Shape = dict[str, Any]

_ATOMIC = {type_.typeName(): type_ for type_ in (BinaryType, BooleanType, DoubleType, LongType, StringType)}


def schema_of(records: RDD[Record]) -> StructType:
    """Computes the records' schema; of each partition only its shape comes to the driver."""
    shapes = records.mapPartitions(_shape_of).collect()
    return StructType(_fields(reduce(_merged, shapes, {"struct": {}})["struct"]))


def tree_lines(data_type: DataType, depth: int = 0) -> Iterator[str]:
    """The lines of a printed schema below its type. Documented: the guide's and samples' outputs of printSchema."""
    if isinstance(data_type, ChoiceType):
        for name, choice in data_type.choices.items():
            yield f"{'|    ' * depth}|-- {name}"
            yield from tree_lines(choice, depth + 1)
        return
    for name, inner in _inner_types(data_type):
        yield f"{'|    ' * depth}|-- {name}: {inner.typeName()}"
        yield from tree_lines(inner, depth + 1)


def _inner_types(data_type: DataType) -> list[tuple[str, DataType]]:
    if isinstance(data_type, StructType):
        return [(field.name, field.dataType) for field in data_type]
    if isinstance(data_type, ArrayType | SetType):
        return [("element", data_type.elementType)]
    if isinstance(data_type, MapType):
        return [("keyType", StringType()), ("valueType", data_type.valueType)]
    return []


def _shape_of(partition: Iterable[Record]) -> Iterator[Shape]:
    shape: Shape = {"struct": {}}
    for record in partition:
        _observe(shape, record)
    yield shape


def _observe(shape: Shape, value: Any) -> None:
    if value is None:
        shape["null"] = None
        return
    kind = kind_of(value)
    if kind == "struct":
        fields = shape.setdefault(kind, {})
        for name, inner in value.items():
            _observe(fields.setdefault(name, {}), inner)
    elif kind in {"array", "set"}:
        elements = shape.setdefault(kind, {})
        for inner in value:
            _observe(elements, inner)
    else:
        shape[kind] = None


def _merged(shape: Shape, other: Shape) -> Shape:
    for kind, inner in other.items():
        if kind == "struct":
            fields = shape.setdefault(kind, {})
            for name, field in inner.items():
                _merged(fields.setdefault(name, {}), field)
        elif kind in {"array", "set"}:
            _merged(shape.setdefault(kind, {}), inner)
        else:
            shape[kind] = None
    return shape


def _type_of(shape: Shape) -> DataType:
    found = [_type_of_kind(kind, inner) for kind, inner in sorted(shape.items()) if kind != "null"]
    if len(found) > 1:
        return ChoiceType(found)
    if found:
        return found[0]
    return NullType() if shape else UnknownType()


def _type_of_kind(kind: str, inner: Any) -> DataType:
    if kind == "struct":
        return StructType(_fields(inner))
    if kind in {"array", "set"}:
        return (ArrayType if kind == "array" else SetType)(_type_of(inner))
    return _ATOMIC[kind]()


def _fields(shapes: dict[str, Shape]) -> Iterator[Field]:
    return (Field(name, _type_of(shape)) for name, shape in shapes.items())
