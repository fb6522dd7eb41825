"""The types of a DynamicFrame's schema: what `frame.schema()` is made of.

Names and attributes are those of the developer guide, "PySpark extension types". `SetType` is not in that guide but
in AWS's public module of this name, where it appeared a month before Glue could read DynamoDB, the only source with
sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from awsglue._refusals import refuse_missing

if not TYPE_CHECKING:
    __getattr__ = refuse_missing(__name__, "EntityType", "EnumType", "TimestampNTZType", "mergeDataTypes")

Properties = Mapping[str, Any]


class DataType:
    """Any type.

    Attributes:
        properties: Never filled by DynamoDB's reader.
    """

    def __init__(self, properties: Properties | None = None) -> None:
        self.properties = dict(properties or {})

    @classmethod
    def typeName(cls) -> str:
        """The type's name in a printed schema, in casts, and in the columns that stand for a choice: `long`."""
        return cls.__name__.removesuffix("Type").lower()

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {"dataType": self.typeName(), "properties": self.properties}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        inner = [repr(value) for name, value in vars(self).items() if name != "properties"]
        return f"{type(self).__name__}({', '.join([*inner, repr(self.properties)])})"


class AtomicType(DataType):
    """A type without inner types."""


class BinaryType(AtomicType):
    """Bytes."""


class BooleanType(AtomicType):
    """True or false."""


class ByteType(AtomicType):
    """An integer of 8 bits."""


class DateType(AtomicType):
    """A day."""


class DoubleType(AtomicType):
    """A floating-point number of 64 bits."""


class FloatType(AtomicType):
    """A floating-point number of 32 bits."""


class IntegerType(AtomicType):
    """An integer of 32 bits."""

    @classmethod
    def typeName(cls) -> str:
        """`int`, the one name that is not the class's."""
        return "int"


class LongType(AtomicType):
    """An integer of 64 bits."""


class NullType(AtomicType):
    """Null, where nothing else was seen."""


class ShortType(AtomicType):
    """An integer of 16 bits."""


class StringType(AtomicType):
    """Text."""


class TimestampType(AtomicType):
    """An instant."""


class UnknownType(AtomicType):
    """Nothing is known: the elements of arrays that are all empty."""


class DecimalType(AtomicType):
    """A decimal number."""

    def __init__(self, precision: int = 10, scale: int = 2, properties: Properties | None = None) -> None:
        super().__init__(properties)
        self.precision = precision
        self.scale = scale

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {**super().jsonValue(), "precision": self.precision, "scale": self.scale}


class ArrayType(DataType):
    """A list."""

    def __init__(self, elementType: DataType | None = None, properties: Properties | None = None) -> None:
        super().__init__(properties)
        self.elementType = elementType or UnknownType()

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {**super().jsonValue(), "elementType": self.elementType.jsonValue()}


class SetType(DataType):
    """A set; no kind of array, but one in a DataFrame, which has no sets."""

    def __init__(self, elementType: DataType | None = None, properties: Properties | None = None) -> None:
        super().__init__(properties)
        self.elementType = elementType or UnknownType()

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {**super().jsonValue(), "elementType": self.elementType.jsonValue()}


class MapType(DataType):
    """A map from strings."""

    def __init__(self, valueType: DataType | None = None, properties: Properties | None = None) -> None:
        super().__init__(properties)
        self.valueType = valueType or UnknownType()

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {**super().jsonValue(), "valueType": self.valueType.jsonValue()}


class ChoiceType(DataType):
    """One of several types, from value to value.

    Attributes:
        choices: The types by their names.
    """

    def __init__(self, choices: Iterable[DataType] = (), properties: Properties | None = None) -> None:
        super().__init__(properties)
        self.choices: dict[str, DataType] = {}
        for choice in choices:
            self.add(choice)

    def add(self, new_choice: DataType) -> None:
        """Adds a type.

        Raises:
            ValueError: There is one of that name.
        """
        if new_choice.typeName() in self.choices:
            raise ValueError(f"the choice has a {new_choice.typeName()} already")
        self.choices[new_choice.typeName()] = new_choice

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {**super().jsonValue(), "choices": [choice.jsonValue() for choice in self.choices.values()]}


class Field:
    """A field of a struct."""

    def __init__(self, name: str, dataType: DataType, properties: Properties | None = None) -> None:
        self.name = name
        self.dataType = dataType
        self.properties = dict(properties or {})

    def jsonValue(self) -> dict[str, Any]:
        """The field as a JSON object."""
        return {"name": self.name, "container": self.dataType.jsonValue(), "properties": self.properties}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Field) and (self.name, self.dataType) == (other.name, other.dataType)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Field({self.name}, {self.dataType!r}, {self.properties!r})"


class StructType(DataType):
    """Named fields; a frame's schema is one."""

    def __init__(self, fields: Iterable[Field] = (), properties: Properties | None = None) -> None:
        super().__init__(properties)
        self.fields = list(fields)

    def add(self, field: Field) -> None:
        """Adds a field."""
        self.fields.append(field)

    @property
    def field_map(self) -> dict[str, Field]:
        """The fields by their names."""
        return {field.name: field for field in self.fields}

    def hasField(self, field: str | Field) -> bool:
        """Whether there is a field of that name."""
        return _name(field) in self.field_map

    def getField(self, field: str | Field) -> Field:
        """The field of that name.

        Raises:
            KeyError: There is none.
        """
        return self.field_map[_name(field)]

    def jsonValue(self) -> dict[str, Any]:
        """The type as a JSON object."""
        return {**super().jsonValue(), "fields": [field.jsonValue() for field in self.fields]}

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)


def _name(field: str | Field) -> str:
    return field.name if isinstance(field, Field) else field


class DynamicRecord(dict[str, Any]):
    """A record as the functions given to `filter` see it; fields are attributes too."""

    def __getattr__(self, name: str) -> Any:
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value
