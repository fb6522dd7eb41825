"""What a name in a query may mean: fields in scope, and where their values come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field

import pyarrow as pa
from sqlglot import exp

from dynamo_assets.sandbox.athena.errors import QueryFailure, position, unsupported
from dynamo_assets.sandbox.athena.mount import Mount


@dataclass(frozen=True)
class Origin:
    """A table's own column that a value is, unchanged: what prunes partitions."""

    mount: Mount
    sql: str


@dataclass(frozen=True)
class Typed:
    """An analysed expression: DuckDB's SQL, which nests anywhere, and Athena's type."""

    sql: str
    type: pa.DataType
    origin: Origin | None = None


@dataclass(frozen=True)
class Field:
    """A column in scope.

    Attributes:
        name: In lower case; None where the query gave it none.
        sql: Its name in the generated SQL, which no other column of the query has.
        qualifier: The relation's name and what it is qualified by: `(catalog, schema, table)`, or `(alias,)`.
    """

    name: str | None
    sql: str
    type: pa.DataType
    qualifier: tuple[str, ...] = ()
    origin: Origin | None = None

    def typed(self) -> Typed:
        """The field as an expression."""
        return Typed(self.sql, self.type, self.origin)

    def is_of(self, qualifier: tuple[str, ...]) -> bool:
        """Whether a qualifier, or none, names the field's relation."""
        return self.qualifier[len(self.qualifier) - len(qualifier) :] == qualifier

    def without_origin(self) -> Field:
        """The field where rows are no longer the table's own: conditions on it say nothing of partitions."""
        return replace(self, origin=None)


@dataclass
class Scope:
    """The fields that an expression may name.

    Attributes:
        fields: Of the relations in FROM.
        outer: The scope around a subquery.
        aliases: The select list by its names, in ORDER BY only.
        parameters: Of the lambdas around the expression.
        safe: Inside TRY: what fails gives NULL.
        references: The origins of what was named so far; None for a value that has none, or is the outer query's.
        aggregates: Whether an aggregate was met; `windows`, whether a window function was.
    """

    fields: list[Field] = dataclass_field(default_factory=list)
    outer: Scope | None = None
    aliases: dict[str, Typed] = dataclass_field(default_factory=dict)
    parameters: dict[str, Typed] = dataclass_field(default_factory=dict)
    safe: bool = False
    references: list[Origin | None] = dataclass_field(default_factory=list)
    aggregates: bool = False
    windows: bool = False
    _by_name: tuple[list[Field], dict[str | None, list[Field]]] | None = None

    def resolve(self, column: exp.Column) -> Typed:
        """What a dotted name means: a field, or a part of one that is a row.

        Raises:
            QueryFailure: COLUMN_NOT_FOUND, or AMBIGUOUS_NAME.
        """
        parts = [part.name.lower() for part in column.parts]
        if parts[0] in self.parameters:
            return subfield(self.parameters[parts[0]], parts[1:], column)
        if len(parts) == 1 and parts[0] in self.aliases:
            return self.aliases[parts[0]]
        scope, is_own = self, True
        while scope is not None:
            if found := scope._find(parts, column):
                self.references.append(found.origin if is_own else None)
                return found
            scope, is_own = scope.outer, False
        if parts[-1].startswith("$"):
            raise unsupported(f"have the column {parts[-1]}", column)
        raise QueryFailure(
            "COLUMN_NOT_FOUND",
            f"Column '{'.'.join(parts)}' cannot be resolved or requester is not authorized to access requested "
            "resources",
            position(column),
        )

    def _find(self, parts: list[str], column: exp.Column) -> Typed | None:
        # The longest qualifier wins: in `a.b`, a table `a` before a row `a`.
        for width in range(min(len(parts) - 1, 3), -1, -1):
            qualifier, name = tuple(parts[:width]), parts[width]
            found = [field for field in self._named(name) if field.is_of(qualifier)]
            if len(found) > 1:
                raise QueryFailure("AMBIGUOUS_NAME", f"Column '{'.'.join(parts)}' is ambiguous", position(column))
            if found:
                return subfield(found[0].typed(), parts[width + 1 :], column)
        return None

    def _named(self, name: str) -> list[Field]:
        # A query of a wide table names as many columns as the table has.
        if self._by_name is None or self._by_name[0] is not self.fields:
            self._by_name = (self.fields, {})
            for known in self.fields:
                self._by_name[1].setdefault(known.name, []).append(known)
        return self._by_name[1].get(name, [])


def subfield(value: Typed, path: list[str], node: exp.Expr) -> Typed:
    """A row's field, and its field's field.

    Raises:
        QueryFailure: It is no row, or has no such field.
    """
    for name in path:
        fields = value.type.fields if isinstance(value.type, pa.StructType) else []
        found = next((candidate for candidate in fields if candidate.name.lower() == name), None)
        if found is None:
            raise QueryFailure(
                "COLUMN_NOT_FOUND",
                f"Column '{node.sql('trino').replace(chr(34), '').lower()}' cannot be resolved or requester is not "
                "authorized to access requested resources",
                position(node),
            )
        quoted = found.name.replace('"', '""')
        value = Typed(f'({value.sql})."{quoted}"', found.type)
    return value
