"""Whole queries, analysed as Athena's engine does: names resolved and types known before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import pyarrow as pa
from sqlglot import exp

from dynamo_assets.sandbox.athena import types
from dynamo_assets.sandbox.athena.casts import convert
from dynamo_assets.sandbox.athena.errors import QueryFailure, position, unsupported
from dynamo_assets.sandbox.athena.expressions import Translator
from dynamo_assets.sandbox.athena.mount import Mount
from dynamo_assets.sandbox.athena.operators import only
from dynamo_assets.sandbox.athena.relations import TAIL, Names, Relation, renamed, tail_sql
from dynamo_assets.sandbox.athena.scopes import Field, Origin, Scope
from dynamo_assets.sandbox.athena.selects import Select


class Tables(Protocol):
    """Finds what a name in FROM stands for in the catalog."""

    def __call__(self, node: exp.Table, analyzer: Analyzer) -> Relation:
        """The table or view.

        Raises:
            QueryFailure: There is none.
        """
        ...


class Analyzer:
    """Analyses one query and the views it reads.

    Attributes:
        mounts: Every mention of a table, as it is met.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.names = Names()
        self.mounts: list[Mount] = []

    def query(self, node: exp.Expr, outer: Scope | None = None, ctes: dict[str, Relation] | None = None) -> Relation:
        """A whole query; its SQL is a SELECT, without parentheses.

        Raises:
            QueryFailure: It is wrong, or beyond the sandbox.
        """
        ctes, prefix = self._with(node, outer, ctes or {})
        if isinstance(node, exp.Subquery):
            only(node, "this", "with_", *TAIL)
            inner = self.query(node.this, outer, ctes)
            sql = f"{prefix}SELECT * FROM ({inner.sql})" if prefix else inner.sql
            return self._tail(node, replace(inner, sql=sql), outer)
        if isinstance(node, exp.Select):
            relation = Select(self, node, outer, ctes).analyse()
        elif isinstance(node, exp.SetOperation):
            relation = self._set_operation(node, outer, ctes)
        elif isinstance(node, exp.Values):
            only(node, "expressions", "with_", *TAIL)
            rows = self.values(node, Translator(Scope(outer=outer), self.subqueries(ctes)))
            relation = self._tail(node, replace(rows, sql=f"SELECT * FROM {rows.sql}"), outer)
        else:
            raise unsupported(f"execute {type(node).__name__.upper()} statements", node)
        return replace(relation, sql=prefix + relation.sql)

    def subqueries(self, ctes: dict[str, Relation]) -> Subqueries:
        """What analyses the subqueries of an expression in which these CTEs are known."""
        return Subqueries(self, ctes)

    def mount(self, mount: Mount, qualifier: tuple[str, ...]) -> Relation:
        """A table of the catalog, as a relation."""
        self.mounts.append(mount)
        fields = []
        for column in mount.columns:
            origin = Origin(mount, column.sql) if column in mount.keys else None
            fields.append(Field(column.name, column.sql, column.type, qualifier, origin))
        return Relation(mount.name, fields)

    def _with(self, node: exp.Expr, outer: Scope | None, ctes: dict[str, Relation]) -> tuple[dict[str, Relation], str]:
        clause = node.args.get("with_")
        if clause is None:
            return ctes, ""
        if clause.args.get("recursive"):
            raise unsupported("execute WITH RECURSIVE", node)
        known, parts = dict(ctes), []
        for cte in clause.expressions:
            query = self.query(cte.this, outer, known)
            # Read in several places: what one place asks of it does not prune the others.
            fields = [found.without_origin() for found in query.fields]
            name = self.names.table()
            known[cte.alias.lower()] = Relation(name, renamed(fields, cte))
            parts.append(f"{name} AS ({query.sql})")
        return known, f"WITH {', '.join(parts)} "

    def cte(self, node: exp.Table, ctes: dict[str, Relation]) -> Relation | None:
        """A reference to a CTE, with columns of its own; None where the name is no CTE's."""
        found = ctes.get(node.name.lower()) if not node.db else None
        if found is None:
            return None
        fields = [replace(old, sql=self.names.column(old.name), qualifier=(node.name.lower(),)) for old in found.fields]
        columns = ", ".join(f"{old.sql} AS {new.sql}" for old, new in zip(found.fields, fields, strict=True))
        return Relation(f"(SELECT {columns} FROM {found.sql})", fields)

    def values(self, node: exp.Values, translator: Translator) -> Relation:
        """Rows written in the query."""
        rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
        if len({len(row) for row in rows}) > 1:
            raise QueryFailure("SYNTAX_ERROR", "Values rows have mismatched sizes", position(node))
        fields, columns = [], []
        for cells in zip(*rows, strict=True):
            sqls, data_type = translator.unified(list(cells), "All values of a column")
            columns.append(sqls)
            fields.append(Field(None, self.names.column(None), data_type))
        selects = " UNION ALL ".join(
            "SELECT "
            + ", ".join(
                f"CAST({sql} AS {types.duckdb_name(found.type)}) AS {found.sql}"
                for sql, found in zip(row, fields, strict=True)
            )
            for row in zip(*columns, strict=True)
        )
        return Relation(f"({selects})", fields)

    def _set_operation(self, node: exp.SetOperation, outer: Scope | None, ctes: dict[str, Relation]) -> Relation:
        only(node, "this", "expression", "distinct", "with_", *TAIL)
        word = {exp.Union: "UNION", exp.Intersect: "INTERSECT", exp.Except: "EXCEPT"}[type(node)]
        sides = [self.query(side, outer, ctes) for side in (node.this, node.expression)]
        left, right = (side.fields for side in sides)
        if len(left) != len(right):
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"{word} query has different number of fields: {len(left)}, {len(right)}",
                position(node),
            )
        fields = []
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            data_type = types.common(one.type, other.type)
            if data_type is None:
                raise QueryFailure(
                    "TYPE_MISMATCH",
                    f"column {index + 1} in {word} query has incompatible types: {types.display(one.type)}, "
                    f"{types.display(other.type)}",
                    position(node),
                )
            fields.append(Field(one.name, self.names.column(one.name), data_type))
        selects = [
            "SELECT "
            + ", ".join(
                f"{convert(old.sql, old.type, new.type) or old.sql} AS {new.sql}"
                for old, new in zip(side.fields, fields, strict=True)
            )
            + f" FROM ({side.sql})"
            for side in sides
        ]
        joined = f" {word}{'' if node.args.get('distinct') else ' ALL'} ".join(selects)
        return self._tail(node, Relation(joined, fields), outer)

    def _tail(self, node: exp.Expr, relation: Relation, outer: Scope | None) -> Relation:
        """ORDER BY, OFFSET and LIMIT around a query that is no plain SELECT."""
        if not any(node.args.get(name) for name in TAIL):
            return relation
        scope = Scope(relation.fields, outer)
        tail = tail_sql(node, relation.fields, Translator(scope, self.subqueries({})))
        fields = [found.without_origin() for found in relation.fields]
        return Relation(f"SELECT * FROM ({relation.sql}){tail}", fields)


@dataclass(frozen=True)
class Subqueries:
    """Analyses the queries inside an expression; see `operators.Subqueries`."""

    analyzer: Analyzer
    ctes: dict[str, Relation]

    def __call__(self, query: exp.Expr, outer: Scope) -> tuple[str, list[pa.DataType]]:
        """The query's SQL, and the types of its columns."""
        relation = self.analyzer.query(query, outer, self.ctes)
        return relation.sql, [found.type for found in relation.fields]
