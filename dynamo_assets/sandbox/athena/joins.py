"""FROM: tables, subqueries, UNNEST and the joins between them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.types as is_a
from sqlglot import exp

from dynamo_assets.sandbox.athena import types
from dynamo_assets.sandbox.athena.errors import QueryFailure, position, unsupported
from dynamo_assets.sandbox.athena.expressions import Translator
from dynamo_assets.sandbox.athena.operators import only
from dynamo_assets.sandbox.athena.partition_pruning import restrict
from dynamo_assets.sandbox.athena.relations import Relation, renamed
from dynamo_assets.sandbox.athena.scopes import Field, Scope, Typed

if TYPE_CHECKING:
    from dynamo_assets.sandbox.athena.analyzer import Analyzer

_KINDS = ("", "INNER", "CROSS", "LEFT", "RIGHT", "FULL")


class FromClause:
    """Analyses one FROM; leaves its fields in the scope.

    Args:
        analyzer: Of the whole query.
        scope: The SELECT's.
        ctes: The CTEs known here.
    """

    def __init__(self, analyzer: Analyzer, scope: Scope, ctes: dict[str, Relation]) -> None:
        self.analyzer = analyzer
        self.scope = scope
        self.ctes = ctes
        self.translator = Translator(scope, analyzer.subqueries(ctes))

    def analyse(self, clause: exp.From, joins: list[exp.Join]) -> str:
        """The SQL after FROM.

        Raises:
            QueryFailure: It is wrong, or beyond the sandbox.
        """
        relation = self._joined(clause.this, joins)
        self.scope.fields = relation.fields
        return relation.sql

    def _joined(self, first: exp.Expr, joins: list[exp.Join]) -> Relation:
        relation = self._item(first)
        for join in joins:
            relation = self._join(relation, join)
        return relation

    def _item(self, node: exp.Expr) -> Relation:
        if isinstance(node, exp.Table):
            return self._table(node)
        if isinstance(node, exp.Subquery):
            return self._parenthesised(node)
        if isinstance(node, exp.Values):
            only(node, "expressions", "alias")
            return _aliased(self.analyzer.values(node, self.translator), node)
        if isinstance(node, exp.Unnest):
            return self._unnest(node, Relation("(SELECT 1 AS one)", []), keeps_all=False)
        raise unsupported(f"have {type(node).__name__.upper()} in FROM", node)

    def _table(self, node: exp.Table) -> Relation:
        only(node, "this", "db", "catalog", "alias", "joins")
        if not isinstance(node.this, exp.Identifier):
            problem = f"Table function '{node.this.name.lower()}' not registered"
            raise QueryFailure("FUNCTION_NOT_FOUND", problem, position(node))
        return _aliased(self.analyzer.cte(node, self.ctes) or self.analyzer.tables(node, self.analyzer), node)

    def _parenthesised(self, node: exp.Subquery) -> Relation:
        if isinstance(node.this, exp.Table):
            only(node, "this")
            relation = self._joined(node.this, node.this.args.get("joins") or [])
            return Relation(f"({relation.sql})", relation.fields)
        inner = node.copy()
        inner.set("alias", None)
        relation = self.analyzer.query(inner, self.scope.outer, self.ctes)
        unqualified = [replace(found, qualifier=()) for found in relation.fields]
        return _aliased(Relation(f"({relation.sql})", unqualified), node)

    def _join(self, left: Relation, join: exp.Join) -> Relation:
        only(join, "this", "on", "using", "side", "kind")
        kind = " ".join(filter(None, (join.side, join.kind))).upper().removesuffix("OUTER").strip()
        if kind not in _KINDS:
            raise unsupported(f"execute {kind} JOIN", join)
        if isinstance(join.this, exp.Unnest):
            return self._join_unnest(left, join, kind)
        right = self._item(join.this)
        if using := join.args.get("using"):
            return self._join_using(left, right, kind, [name.name.lower() for name in using])
        if (on := join.args.get("on")) is None:
            return Relation(f"{left.sql} CROSS JOIN {right.sql}", left.fields + right.fields)
        self.scope.fields = left.fields + right.fields
        condition = self.translator.condition(on)
        # An outer join keeps the rows of one side whatever the condition says of them.
        prunable = {"LEFT": right.fields, "RIGHT": left.fields, "FULL": []}.get(kind, self.scope.fields)
        restrict(on, prunable, self.scope)
        return Relation(f"{left.sql} {kind} JOIN {right.sql} ON {condition}", _joined_fields(left, right, kind))

    def _join_using(self, left: Relation, right: Relation, kind: str, names: list[str]) -> Relation:
        conditions, merged, merged_sql = [], [], []
        for name in names:
            sides = [next((found for found in side.fields if found.name == name), None) for side in (left, right)]
            data_type = types.common(sides[0].type, sides[1].type) if sides[0] and sides[1] else None
            if data_type is None:
                raise QueryFailure("COLUMN_NOT_FOUND", f"Column '{name}' is missing from a side of the join")
            one, other = (side.sql for side in sides if side)
            merged.append(Field(name, self.analyzer.names.column(name), data_type))
            merged_sql.append(f"coalesce({one}, {other}) AS {merged[-1].sql}")
            conditions.append(f"{one} = {other}")
        joined = f"{left.sql} {kind} JOIN {right.sql} ON {' AND '.join(conditions)}"
        rest = [found for found in _joined_fields(left, right, kind) if found.name not in names]
        return Relation(f"(SELECT {', '.join(merged_sql)}, * FROM {joined})", merged + rest)

    def _join_unnest(self, left: Relation, join: exp.Join, kind: str) -> Relation:
        on = join.args.get("on")
        is_true = isinstance(on, exp.Boolean) and on.this
        if kind not in ("", "CROSS", "LEFT") or (on is not None and not is_true):
            raise unsupported(f"execute {kind} JOIN UNNEST, but CROSS JOIN, or LEFT JOIN ... ON TRUE", join)
        return self._unnest(join.this, left, keeps_all=kind == "LEFT")

    def _unnest(self, node: exp.Unnest, left: Relation, *, keeps_all: bool) -> Relation:
        """The rows of `left`, each as often as its arrays have elements; DuckDB does so in a select list."""
        only(node, "expressions", "alias", "offset")
        self.scope.fields = left.fields
        columns: list[tuple[str | None, str, pa.DataType]] = []
        lengths: list[str] = []
        for argument in node.expressions:
            columns += _unnested(self.translator.translate(argument), argument)
            lengths.append(f"len({columns[-1][1]})")
        if offset := node.args.get("offset"):
            name = offset.name.lower() if isinstance(offset, exp.Identifier) else None
            columns.append((name, f"range(1, greatest({', '.join(lengths)}) + 1)", types.BIGINT))
            if (alias := node.args.get("alias")) and alias.args.get("columns"):
                # The parser took the ordinality's name from the end of the list.
                node = node.copy()
                node.args["alias"].append("columns", exp.to_identifier(name))
        if keeps_all:
            any_element = f"coalesce(greatest({', '.join(lengths)}), 0) > 0"
            columns = [
                (name, f"CASE WHEN {any_element} THEN {sql} ELSE [NULL] END", kind) for name, sql, kind in columns
            ]
        fields = [Field(name, self.analyzer.names.column(name), kind) for name, _, kind in columns]
        unnests = ", ".join(f"unnest({sql}) AS {new.sql}" for (_, sql, _), new in zip(columns, fields, strict=True))
        return Relation(f"(SELECT *, {unnests} FROM {left.sql})", left.fields + renamed(fields, node))


def _aliased(relation: Relation, node: exp.Expr) -> Relation:
    return Relation(relation.sql, renamed(relation.fields, node))


def _joined_fields(left: Relation, right: Relation, kind: str) -> list[Field]:
    """Both sides' fields; those of a side that an outer join fills with NULLs lose their origins."""
    lefts = [found.without_origin() for found in left.fields] if kind in ("RIGHT", "FULL") else left.fields
    rights = [found.without_origin() for found in right.fields] if kind in ("LEFT", "FULL") else right.fields
    return lefts + rights


def _unnested(value: Typed, node: exp.Expr) -> list[tuple[str | None, str, pa.DataType]]:
    """The columns that an unnested value gives: the name, a list as SQL, and the type of its elements."""
    if isinstance(value.type, pa.MapType):
        keys, values = f"map_keys({value.sql})", f"map_values({value.sql})"
        return [(None, keys, value.type.key_type), (None, values, value.type.item_type)]
    if not is_a.is_list(value.type):
        raise QueryFailure("TYPE_MISMATCH", f"Cannot unnest type: {types.display(value.type)}", position(node))
    element = value.type.value_type
    if not isinstance(element, pa.StructType):
        return [(None, value.sql, element)]
    return [
        (found.name.lower(), f"list_transform({value.sql}, lambda e: (e).{types.quote(found.name)})", found.type)
        for found in element.fields
    ]
