"""Between a frame's records and a DataFrame's rows.

Inferred (public scripts): a choice becomes a struct with one field for each type, named by it, in alphabetical order,
of which the value's own is filled, so that scripts read `price.double` and `price.long`; fields that are always null
stay, as columns of Spark's NullType. Assumed: sets are arrays in their own order; names keep their case and every
character, so `Id` and `id` are two columns, which Spark refuses to tell apart in SQL, and to write, while
`spark.sql.caseSensitive` is off.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pyspark.sql import Row
from pyspark.sql import types as spark

from awsglue import gluetypes as glue
from awsglue._refusals import refusal
from awsglue._values import Record, kind_of

# Glue's type, Spark's, and the Python types of its values.
_ATOMIC: list[tuple[type[glue.DataType], type[spark.DataType], tuple[type, ...]]] = [
    (glue.BinaryType, spark.BinaryType, (bytes, bytearray)),
    (glue.BooleanType, spark.BooleanType, (bool,)),
    (glue.ByteType, spark.ByteType, (int,)),
    (glue.DateType, spark.DateType, (dt.date,)),
    (glue.DoubleType, spark.DoubleType, (float,)),
    (glue.FloatType, spark.FloatType, (float,)),
    (glue.IntegerType, spark.IntegerType, (int,)),
    (glue.LongType, spark.LongType, (int,)),
    (glue.NullType, spark.NullType, ()),
    (glue.ShortType, spark.ShortType, (int,)),
    (glue.StringType, spark.StringType, (str,)),
    (glue.TimestampType, spark.TimestampType, (dt.datetime,)),
]
_TO_SPARK = {**{ours: theirs for ours, theirs, _ in _ATOMIC}, glue.UnknownType: spark.NullType}
_TO_GLUE = {theirs: ours for ours, theirs, _ in _ATOMIC}
_VALUES = {**{ours: values for ours, _, values in _ATOMIC}, glue.DecimalType: (Decimal,), glue.UnknownType: ()}


def spark_type(data_type: glue.DataType) -> spark.DataType:
    """The type of the column that a type becomes."""
    if isinstance(data_type, glue.ChoiceType):
        return spark.StructType(
            [spark.StructField(name, spark_type(data_type.choices[name])) for name in sorted(data_type.choices)]
        )
    if isinstance(data_type, glue.StructType):
        return spark.StructType([spark.StructField(field.name, spark_type(field.dataType)) for field in data_type])
    if isinstance(data_type, glue.ArrayType | glue.SetType):
        return spark.ArrayType(spark_type(data_type.elementType))
    if isinstance(data_type, glue.MapType):
        return spark.MapType(spark.StringType(), spark_type(data_type.valueType))
    if isinstance(data_type, glue.DecimalType):
        return spark.DecimalType(data_type.precision, data_type.scale)
    return _TO_SPARK[type(data_type)]()


def glue_type(data_type: spark.DataType) -> glue.DataType:
    """The type that a column becomes in a frame.

    Raises:
        NotImplementedError: The sandbox has none for it.
        ValueError: Two fields share a name.
    """
    if isinstance(data_type, spark.StructType):
        if len(set(data_type.names)) < len(data_type.names):
            raise ValueError(f"a DynamicFrame cannot have two fields of one name: {data_type.names}")
        return glue.StructType(glue.Field(field.name, glue_type(field.dataType)) for field in data_type.fields)
    if isinstance(data_type, spark.ArrayType):
        return glue.ArrayType(glue_type(data_type.elementType))
    if isinstance(data_type, spark.MapType) and isinstance(data_type.keyType, spark.StringType):
        return glue.MapType(glue_type(data_type.valueType))
    if isinstance(data_type, spark.DecimalType):
        return glue.DecimalType(data_type.precision, data_type.scale)
    if type(data_type) not in _TO_GLUE:
        raise refusal(f"make DynamicFrames of columns of type {data_type.simpleString()}")
    return _TO_GLUE[type(data_type)]()


class RowMaker:
    """Makes rows of records that a schema was computed from, or that were made under it."""

    def __init__(self, schema: glue.StructType) -> None:
        self._schema = schema

    def checked(self, record: Record) -> Record:
        """The record itself, if it has a row."""
        self(record)
        return record

    def __call__(self, record: Record) -> tuple[Any, ...]:
        """The row of a record.

        Raises:
            RuntimeError: The record is not of the schema.
        """
        try:
            return _struct(self._schema, record)
        except _UnexpectedError as error:
            raise RuntimeError(
                f"{'.'.join(error.fields)}: {error} was not there when the schema was computed, in an earlier pass "
                "over the table, which was written to in between. Read it again"
            ) from None


class _UnexpectedError(Exception):
    """A value has no place in the schema."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.fields: list[str] = []  # where, from the outside in


def _value(data_type: glue.DataType, value: Any) -> Any:
    if value is None:
        return None
    make = _NESTED.get(type(data_type))
    if make:
        return make(data_type, value)
    if type(value) not in _VALUES[type(data_type)]:
        raise _UnexpectedError(f"a {kind_of(value)} instead of a {data_type.typeName()}")
    return value


def _struct(data_type: glue.StructType, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, dict):
        raise _UnexpectedError(f"a {kind_of(value)} instead of a struct")
    row = []
    for field in data_type.fields:
        try:
            row.append(_value(field.dataType, value.get(field.name)))
        except _UnexpectedError as error:
            error.fields.insert(0, field.name)
            raise
    if unexpected := value.keys() - {field.name for field in data_type.fields}:
        error = _UnexpectedError("a field of this name")
        error.fields.append(min(unexpected))
        raise error
    return tuple(row)


def _choice(data_type: glue.ChoiceType, value: Any) -> tuple[Any, ...]:
    kind = kind_of(value)
    if kind not in data_type.choices:
        raise _UnexpectedError(f"a {kind} instead of a {' or '.join(data_type.choices)}")
    return tuple(_value(data_type.choices[name], value) if name == kind else None for name in sorted(data_type.choices))


def _array(data_type: glue.ArrayType, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _UnexpectedError(f"a {kind_of(value)} instead of an array")
    return [_value(data_type.elementType, element) for element in value]


def _map(data_type: glue.MapType, value: Any) -> dict[str, Any]:
    return {key: _value(data_type.valueType, inner) for key, inner in value.items()}


_NESTED: dict[type[glue.DataType], Callable[[Any, Any], Any]] = {
    glue.StructType: _struct,
    glue.ChoiceType: _choice,
    glue.ArrayType: _array,
    glue.SetType: _array,
    glue.MapType: _map,
}


class RecordMaker:
    """Makes records of the rows of a DataFrame."""

    def __init__(self, schema: glue.DataType) -> None:
        self._schema = schema

    def __call__(self, row: Row) -> Record:
        """The record of a row."""
        return _from_row(self._schema, row)


def _from_row(data_type: glue.DataType, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(data_type, glue.StructType):
        pairs = zip(data_type.fields, value, strict=True)
        return {field.name: _from_row(field.dataType, inner) for field, inner in pairs}
    if isinstance(data_type, glue.ArrayType):
        return [_from_row(data_type.elementType, element) for element in value]
    if isinstance(data_type, glue.MapType):
        return {key: _from_row(data_type.valueType, inner) for key, inner in value.items()}
    return value
