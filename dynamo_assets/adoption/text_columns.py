"""The columns of text files: of CSV those of its header, of JSON what its lines hold."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dynamo_assets.errors import AdoptionError
from dynamo_assets.export.columns import top_level_names
from dynamo_assets.export.formats.adopted_csv import ESCAPED, QUOTED, AdoptedCsv
from dynamo_assets.export.manifest import ManifestColumn
from dynamo_assets.export.manifest_columns import manifest_columns
from dynamo_assets.export.observed import NULL, Facts, NumberRange, Observed
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema, field_names


@dataclass
class CsvLook:
    """What the lines of CSV files are.

    Attributes:
        header: The cells of their first lines, which are all the same.
        rows: How many other lines there are.
        rules: By which rules Athena would read all of them exactly.
    """

    header: tuple[str, ...] = ()
    rows: int = 0
    rules: tuple[AdoptedCsv, ...] = (QUOTED, ESCAPED)

    def add(self, lines: Iterable[bytes]) -> None:
        """Looks at the next lines of a file.

        Raises:
            AdoptionError: Athena would not read one exactly.
        """
        for line in lines:
            row = line.removesuffix(b"\r")
            self.rules = tuple(rules for rules in self.rules if self._reads(row, rules))
            if not self.rules:
                raise AdoptionError(
                    f"line {self.rows + 1 + bool(self.header)}: Athena would not read it as it was written: it has "
                    "another number of cells than the header, a line break within a cell, or quotes and backslashes "
                    "that no one rule explains"
                )
            if self.header:
                self.rows += 1
            else:
                self.header = tuple(self.rules[0].cells(row))

    def _reads(self, line: bytes, rules: AdoptedCsv) -> bool:
        try:
            return rules.is_line(line) and (not self.header or len(rules.cells(line)) == len(self.header))
        except UnicodeDecodeError:
            return False


def csv_columns(header: Sequence[str]) -> list[ManifestColumn]:
    """The columns of a header. Athena tells them by their places, so they may have names that need no quotes.

    Raises:
        AdoptionError: A name stands twice, or is missing.
    """
    if "" in header or len(set(header)) < len(header):
        raise AdoptionError(f"its header has a name twice, or an empty one: {', '.join(header)[:200]}")
    names = top_level_names(header)
    return [_text_column(names[attribute], attribute) for attribute in header]


def _text_column(name: str, attribute: str) -> ManifestColumn:
    return ManifestColumn(name, attribute, "string", in_files="" if name == attribute else attribute)


class _Number(str):
    __slots__ = ()


@dataclass
class JsonLook:
    """What JSON lines hold.

    Attributes:
        facts: As the export core keeps them.
        rows: How many objects there are.
    """

    facts: Facts = field(default_factory=Facts)
    rows: int = 0

    def add(self, lines: Iterable[bytes]) -> None:
        """Looks at the next lines of a file.

        Raises:
            AdoptionError: One is no JSON object, or has keys that Athena cannot tell apart.
        """
        for line in filter(bytes.strip, lines):
            self.rows += 1
            try:
                item = json.loads(line, parse_int=_Number, parse_float=_Number)
                _require_tellable(item)
            except ValueError as error:
                raise AdoptionError(f"object {self.rows} is not JSON: {error}") from error
            if not isinstance(item, dict):
                raise AdoptionError(f"object {self.rows} is no JSON object")
            for attribute, value in item.items():
                _observe(self.facts.of(attribute), value)


def _require_tellable(value: Any) -> None:
    if isinstance(value, dict):
        if len({key.lower() for key in value}) < len(value):
            raise AdoptionError(
                f"an object has keys that differ in upper and lower case alone, at which Athena fails: {sorted(value)}"
            )
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            _require_tellable(inner)


def _observe(observed: Observed, value: Any) -> None:
    if value is None:
        observed.add(NULL, 1)
    elif isinstance(value, bool):
        observed.add("BOOL", 1)
    elif isinstance(value, _Number):
        observed.add("N", 1)
        observed.numbers = max(observed.numbers, NumberRange.of(value))
    elif isinstance(value, str):
        observed.add("S", 1)
    elif isinstance(value, dict):
        observed.add("M", 1)
        for name, inner in value.items():
            if (below := observed.below(name)) is not None:
                _observe(below, inner)
    else:
        observed.add("L", 1)
        for inner in value:
            _observe(observed.element(), inner)


def json_columns(
    facts: Facts, keys: Iterable[str], request: ExportRequest, doubles: Collection[str] = ()
) -> tuple[list[ManifestColumn], dict[str, str]]:
    """The columns of what was seen, and what the SerDe must know of keys that are not called as their columns are.

    Args:
        facts: What was seen.
        keys: The table's key attributes.
        request: An export to JSON, of which the columns get the types.
        doubles: Attributes of which the table's settings say that they are `double`; so they are where all are numbers.

    Raises:
        AdoptionError: Two attributes would be one key for Athena.
    """
    lower = [attribute.lower() for attribute in facts.attributes]
    if len(set(lower)) < len(lower):
        twice = sorted(a for a in facts.attributes if lower.count(a.lower()) > 1)
        raise AdoptionError(
            f"attributes {', '.join(twice)} differ in upper and lower case alone: Athena takes them for one"
        )
    schema = TableSchema.of(facts, request, [key for key in keys if key in facts.attributes])
    columns = [
        replace(
            column,
            # What DynamoDB's types were, JSON does not tell: sets are arrays, and binary is text.
            dynamodb_types={},
            observed={},
            type=_type(column, facts.attributes[column.attribute], request, doubles),
            in_files="" if column.name == column.attribute else column.attribute,
        )
        for column in manifest_columns(schema, facts, request)
    ]
    mapping = {f"mapping.{c.name}": c.attribute.lower() for c in columns if c.name != c.attribute.lower()}
    return columns, mapping


def _type(column: ManifestColumn, observed: Observed, request: ExportRequest, doubles: Collection[str]) -> str:
    if column.attribute in doubles and observed.tags() == {"N"}:
        return "double"
    # A field is found by its own name alone; where the struct would call it otherwise, all of it stays JSON.
    return "string" if _renames(observed, request) else column.type


def _renames(observed: Observed, request: ExportRequest) -> bool:
    if any(name != field.lower() for field, name in field_names(observed, request).items()):
        return True
    below = [*observed.fields.values(), *([observed.elements] if observed.elements else [])]
    return any(_renames(each, request) for each in below)
