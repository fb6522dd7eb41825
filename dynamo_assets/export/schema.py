"""The column types that follow from what was observed: a pure function of the observations and the export's options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from dynamo_assets.errors import ConversionError
from dynamo_assets.export.columns import column_names, top_level_names
from dynamo_assets.export.observed import Facts, NumberRange, Observed
from dynamo_assets.export.request import DECIMAL, ExportRequest

NUMBER_TYPES = {
    NumberRange.INT64: pa.int64(),
    NumberRange.DECIMAL: pa.decimal128(38, 18),
    NumberRange.TEXT: pa.string(),
}


def field_names(observed: Observed, options: ExportRequest) -> dict[str, str]:
    """The names of a struct's fields, by field name, in the order that they have in the type."""
    return column_names(observed.fields, kept=observed.names, avro=options.format == "avro")


def is_text(observed: Observed, options: ExportRequest) -> bool:
    """Whether values at this path become text because no single type holds them all."""
    tags = observed.tags()
    if len(tags) != 1:
        return True
    if tags == {"M"}:
        ambiguous = any(len(facts.tags()) > 1 for facts in observed.fields.values())
        # A struct without fields does not exist in Athena: a map never seen but empty is the text `{}`.
        return options.nested_as_json or ambiguous or not observed.fields
    if tags == {"L"}:
        return options.nested_as_json or len(observed.element().tags()) > 1
    return options.format == "csv" and tags <= {"SS", "NS", "BS"}


def arrow_type(observed: Observed, options: ExportRequest) -> pa.DataType:
    """The type of the values at one path, from what was observed there; see the type table in the documentation."""
    if is_text(observed, options):
        return pa.string()
    (tag,) = observed.tags()
    if tag == "N":
        return pa.float64() if options.numbers == "double" else NUMBER_TYPES[observed.numbers]
    if tag == "M":
        names = field_names(observed, options)
        return pa.struct([(name, arrow_type(observed.fields[field], options)) for field, name in names.items()])
    if tag == "L":
        return pa.list_(arrow_type(observed.element(), options))
    if tag == "NS":
        return pa.list_(arrow_type(Observed({"N": 0}, observed.element().numbers), options))
    return {
        "S": pa.string(),
        "BOOL": pa.bool_(),
        "B": pa.binary(),
        "SS": pa.list_(pa.string()),
        "BS": pa.list_(pa.binary()),
    }[tag]


def forced_type(name: str) -> pa.DataType:
    """The Arrow type of an entry of a request's `columns`."""
    if match := DECIMAL.fullmatch(name):
        return pa.decimal128(int(match[1]), int(match[2]))
    return {"string": pa.string(), "json": pa.string(), "bigint": pa.int64(), "double": pa.float64()}[name]


def athena_type(arrow: pa.DataType) -> str:
    """Athena's name of a column's type, such as `array<struct<sku:string,qty:bigint>>`."""
    if pa.types.is_struct(arrow):
        inner = ",".join(f"{part.name}:{athena_type(part.type)}" for part in arrow)
        return f"struct<{inner}>"
    if pa.types.is_list(arrow):
        return f"array<{athena_type(arrow.value_type)}>"
    if pa.types.is_decimal(arrow):
        return f"decimal({arrow.precision},{arrow.scale})"
    return {"int64": "bigint", "bool": "boolean"}.get(str(arrow), str(arrow))


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        attribute: The DynamoDB attribute.
        name: The name in the catalog.
        type: The Arrow type.
        encoding: `dynamodb_json` where every value is text of that form; otherwise empty.
        observed: The facts that all this follows from.
    """

    attribute: str
    name: str
    type: pa.DataType
    encoding: str
    observed: Observed

    def same(self, other: Column) -> bool:
        """Whether values are written alike in both."""
        return (self.name, self.type, self.encoding) == (other.name, other.type, other.encoding)

    @classmethod
    def of(cls, attribute: str, name: str, observed: Observed, options: ExportRequest) -> Column:
        """The column that follows from an attribute's facts, of which it keeps a copy.

        Raises:
            ConversionError: There are values of several types and `mixed_types` is `fail`.
        """
        if attribute in options.columns:
            return cls(attribute, name, forced_type(options.columns[attribute]), "", observed.copy())
        if options.mixed_types == "fail" and len(observed.tags()) > 1:
            raise ConversionError(
                f"table {options.table}: attribute {attribute!r} has values of types "
                f"{', '.join(sorted(observed.tags()))}, and mixed_types is 'fail'; choose 'text' or 'dynamodb_json', "
                "or force a type with columns"
            )
        as_json = options.mixed_types == "dynamodb_json" and bool(observed.tags()) and is_text(observed, options)
        kind = arrow_type(observed, options)
        return cls(attribute, name, kind, "dynamodb_json" if as_json else "", observed.copy())


@dataclass(frozen=True)
class TableSchema:
    """The columns of a snapshot or of one of its files.

    Those of the last snapshot come first, in its order; where there was none, the keys, then the attributes in
    alphabetical order.

    Attributes:
        columns: By attribute name.
    """

    columns: Mapping[str, Column]

    @classmethod
    def of(cls, facts: Facts, options: ExportRequest, keys: Iterable[str]) -> TableSchema:
        """The schema that follows from the facts."""
        found = facts.attributes
        names = top_level_names(found, kept=facts.names, avro=options.format == "avro")
        first = dict.fromkeys([*facts.names, *keys])
        ordered = [*(a for a in first if a in found), *(a for a in names if a not in first)]
        return cls({a: Column.of(a, names[a], found[a], options) for a in ordered})

    def only(self, attributes: Iterable[str]) -> TableSchema:
        """These attributes' columns alone, in the order given."""
        return TableSchema({attribute: self.columns[attribute] for attribute in attributes})

    @cached_property
    def arrow(self) -> pa.Schema:
        """The Arrow schema."""
        return pa.schema([(column.name, column.type) for column in self.columns.values()])

    def fits(self, wider: TableSchema) -> bool:
        """Whether a file with these columns can stand as it is beside files of a wider schema.

        A column that it lacks is read as null. A struct that lacks a field is not left to the readers: some of them
        take a struct for null that has none of the fields asked for.
        """
        return all(a in wider.columns and column.same(wider.columns[a]) for a, column in self.columns.items())

    def same_columns(self, other: TableSchema) -> bool:
        """Whether rows of both can be written to one file."""
        return list(self.columns) == list(other.columns) and self.fits(other)
