"""SELECT: its list, its groups, and what of a table's columns comes through it unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from dynamo_assets.sandbox.athena.errors import QueryFailure, position
from dynamo_assets.sandbox.athena.expressions import Translator
from dynamo_assets.sandbox.athena.joins import FromClause
from dynamo_assets.sandbox.athena.operators import only
from dynamo_assets.sandbox.athena.partition_pruning import restrict
from dynamo_assets.sandbox.athena.relations import TAIL, Relation, ordinal, tail_sql
from dynamo_assets.sandbox.athena.scopes import Field, Scope, Typed

if TYPE_CHECKING:
    from dynamo_assets.sandbox.athena.analyzer import Analyzer

_GROUPINGS = {exp.Rollup: "ROLLUP", exp.Cube: "CUBE", exp.GroupingSets: "GROUPING SETS"}


@dataclass(frozen=True)
class _Output:
    """A column of a select list."""

    name: str | None
    value: Typed


class Select:
    """Analyses one SELECT.

    Args:
        analyzer: Of the whole query.
        node: The SELECT.
        outer: The scope around it, if it is a subquery.
        ctes: The CTEs known here.
    """

    def __init__(self, analyzer: Analyzer, node: exp.Select, outer: Scope | None, ctes: dict[str, Relation]) -> None:
        only(node, "expressions", "from_", "joins", "where", "group", "having", "distinct", "with_", *TAIL)
        self.analyzer = analyzer
        self.node = node
        self.ctes = ctes
        self.scope = Scope(outer=outer)
        self.translator = Translator(self.scope, analyzer.subqueries(ctes))

    def analyse(self) -> Relation:
        """The SELECT as a relation.

        Raises:
            QueryFailure: It is wrong, or beyond the sandbox.
        """
        node, clauses = self.node, []
        if source := node.args.get("from_"):
            from_clause = FromClause(self.analyzer, self.scope, self.ctes)
            clauses.append(f"FROM {from_clause.analyse(source, node.args.get('joins') or [])}")
        if where := node.args.get("where"):
            clauses.append(f"WHERE {self.translator.condition(where.this)}")
            restrict(where.this, self.scope.fields, self.scope)
        outputs = [output for item in node.expressions for output in self._outputs(item)]
        fields = [Field(output.name, self.analyzer.names.column(output.name), output.value.type) for output in outputs]
        keys: set[str] | None = None
        if group := node.args.get("group"):
            grouping, keys = self._group(group, outputs, fields)
            clauses.append(f"GROUP BY {grouping}")
        if having := node.args.get("having"):
            clauses.append(f"HAVING {self.translator.condition(having.this)}")
        self.scope.aliases = {output.name: output.value for output in outputs if output.name}
        tail = tail_sql(node, fields, self.translator)
        distinct = ""
        if node.args.get("distinct"):
            only(node.args["distinct"])
            distinct = "DISTINCT "
        items = ", ".join(f"{output.value.sql} AS {found.sql}" for output, found in zip(outputs, fields, strict=True))
        return Relation(
            f"SELECT {distinct}{items} {' '.join(clauses)}{tail}", self._with_origins(outputs, fields, keys)
        )

    def _with_origins(self, outputs: list[_Output], fields: list[Field], keys: set[str] | None) -> list[Field]:
        """The fields; where a condition on them would drop the same rows of the tables, with their origins.

        So it is not after a LIMIT or a window function, and after a GROUP BY for its keys only.
        """
        if self.scope.windows or self.node.args.get("limit") or self.node.args.get("offset"):
            return fields
        if keys is None and self.scope.aggregates:
            return fields
        return [
            replace(found, origin=output.value.origin) if keys is None or output.value.sql in keys else found
            for output, found in zip(outputs, fields, strict=True)
        ]

    def _outputs(self, item: exp.Expr) -> Iterator[_Output]:
        if isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
            yield from self._star(item)
            return
        expression = item.this if isinstance(item, exp.Alias) else item
        name = item.alias.lower() if isinstance(item, exp.Alias) else None
        if name is None and isinstance(expression, exp.Column | exp.Dot):
            name = (expression.expression if isinstance(expression, exp.Dot) else expression).name.lower()
        yield _Output(name, self.translator.translate(expression))

    def _star(self, item: exp.Expr) -> Iterator[_Output]:
        only(item if isinstance(item, exp.Star) else item.this)
        qualifier = tuple(part.name.lower() for part in item.parts[:-1]) if isinstance(item, exp.Column) else ()
        found = [field for field in self.scope.fields if field.is_of(qualifier)]
        if not found and qualifier:
            raise QueryFailure("TABLE_NOT_FOUND", f"Table '{'.'.join(qualifier)}' not found", position(item))
        if not found:
            raise QueryFailure("SYNTAX_ERROR", "SELECT * not allowed in queries without FROM clause", position(item))
        for field in found:
            yield _Output(field.name, field.typed())

    def _group(self, clause: exp.Group, outputs: list[_Output], fields: list[Field]) -> tuple[str, set[str]]:
        """The SQL after GROUP BY, and the keys by which every group is told apart."""
        only(clause, "expressions")
        keys: set[str] = set()

        def key(node: exp.Expr) -> str:
            if isinstance(node, exp.Tuple | exp.Paren):
                parts = node.expressions if isinstance(node, exp.Tuple) else [node.this]
                return f"({', '.join(key(part) for part in parts)})"
            if word := _GROUPINGS.get(type(node)):
                return f"{word} ({', '.join(key(part) for part in node.expressions)})"
            place = ordinal(node, fields, "GROUP BY")
            sql = outputs[place].value.sql if place is not None else self.translator.translate(node).sql
            keys.add(sql)
            return sql

        text = ", ".join(key(node) for node in clause.expressions)
        # A grouping set leaves keys out: their NULLs are no partition's.
        return text, set() if any(type(node) in _GROUPINGS for node in clause.expressions) else keys
