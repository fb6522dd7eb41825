"""Operators: comparisons, arithmetic and conditions, with Athena's types for both sides and for the result."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.types as is_a
from sqlglot import exp

from dynamo_assets.sandbox.athena import types
from dynamo_assets.sandbox.athena.casts import checked, convert
from dynamo_assets.sandbox.athena.errors import QueryFailure, position, unsupported
from dynamo_assets.sandbox.athena.scopes import Scope, Typed
from dynamo_assets.sandbox.athena.types import BOOLEAN, VARCHAR, display

_COMPARISONS = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM", exp.NullSafeNEQ: "IS DISTINCT FROM",
}  # fmt: skip
_ARITHMETIC = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
# The words of a query that the parser keeps under another name.
_CLAUSES = {"sample": "TABLESAMPLE", "method": "NATURAL", "version": "AS OF", "except_": "EXCEPT", "windows": "WINDOW"}


class Subqueries(Protocol):
    """Analyses a query that stands inside an expression."""

    def __call__(self, query: exp.Expr, outer: Scope) -> tuple[str, list[pa.DataType]]:
        """The query's SQL, and the types of its columns."""
        ...


def only(node: exp.Expr, *known: str) -> None:
    """Refuses a syntax tree with a part the sandbox does not know.

    Raises:
        QueryFailure: NOT_SUPPORTED; names the part.
    """
    for name, value in node.args.items():
        if value not in (None, False, []) and name not in known:
            clause = _CLAUSES.get(name, name.strip("_").replace("_", " ").upper())
            raise unsupported(f"execute {clause} here: {node.sql('trino')}", node)


class Operators:
    """The part of a translator that knows operators."""

    scope: Scope
    subqueries: Subqueries

    def translate(self, node: exp.Expr) -> Typed:  # noqa: D102 - the translator's own
        raise NotImplementedError

    def condition(self, node: exp.Expr) -> str:
        """The SQL of an expression that must be boolean."""
        value = self.translate(node)
        if value.type not in (BOOLEAN, types.UNKNOWN):
            raise QueryFailure(
                "TYPE_MISMATCH", f"must evaluate to a boolean: actual type {display(value.type)}", position(node)
            )
        return value.sql

    def converted(self, node: exp.Expr, target: pa.DataType) -> str:
        """The SQL of an expression of a type, or one that Athena widens to it by itself."""
        value = self.translate(node)
        if types.common(value.type, target) != target:
            raise QueryFailure(
                "TYPE_MISMATCH", f"must be of type {display(target)}: {display(value.type)}", position(node)
            )
        return convert(value.sql, value.type, target) or value.sql

    def unified(self, nodes: list[exp.Expr], where: str) -> tuple[list[str], pa.DataType]:
        """Expressions that give one column, such as the branches of a CASE, in their common type."""
        values = [self.translate(node) for node in nodes]
        target: pa.DataType = types.UNKNOWN
        for node, value in zip(nodes, values, strict=True):
            widened = types.common(target, value.type)
            if widened is None:
                raise QueryFailure(
                    "TYPE_MISMATCH",
                    f"{where} must be the same type or coercible to a common type. Cannot find common type between "
                    f"{display(target)} and {display(value.type)}",
                    position(node),
                )
            target = widened
        return [convert(value.sql, value.type, target) or value.sql for value in values], target

    def _paren(self, node: exp.Paren) -> Typed:
        return self.translate(node.this)

    def _comparison(self, node: exp.Binary) -> Typed:
        left, right = self.translate(node.this), self.translate(node.expression)
        operator = _COMPARISONS[type(node)]
        is_time = types.is_temporal(left.type) and types.is_temporal(right.type)
        target = types.common(left.type, right.type)
        if target is None and not is_time:
            raise self._mismatch(operator, left, right, node)
        if target is not None and not types.is_zoned(target):
            left_sql, right_sql = (convert(side.sql, side.type, target) or side.sql for side in (left, right))
        else:
            left_sql, right_sql = left.sql, right.sql
        return Typed(f"({left_sql} {operator} {right_sql})", BOOLEAN)

    def _mismatch(self, operator: str, left: Typed, right: Typed, node: exp.Expr) -> QueryFailure:
        return QueryFailure(
            "TYPE_MISMATCH",
            f"Cannot apply operator: {display(left.type)} {operator} {display(right.type)}",
            position(node),
        )

    def _arithmetic(self, node: exp.Binary) -> Typed:
        left, right = self.translate(node.this), self.translate(node.expression)
        operator = _ARITHMETIC[type(node)]
        if {types.DAY_TIME, types.YEAR_MONTH} & {left.type, right.type}:
            return self._time_arithmetic(operator, left, right, node)
        if types.UNKNOWN in (left.type, right.type):
            left, right = (right, left) if left.type == types.UNKNOWN else (left, right)
            return Typed("NULL", left.type)
        if not (types.is_numeric(left.type) and types.is_numeric(right.type)):
            raise self._mismatch(operator, left, right, node)
        widened = types.common(left.type, right.type)
        assert widened is not None
        if is_a.is_decimal(widened):
            return self._decimal_arithmetic(operator, left, right)
        name = types.duckdb_name(widened)
        sides = f"CAST({left.sql} AS {name}) {'//' if operator == '/' else operator} CAST({right.sql} AS {name})"
        if is_a.is_floating(widened):
            return Typed(f"CAST({sides.replace(' // ', ' / ', 1) if operator == '/' else sides} AS {name})", widened)
        return Typed(self._guarded(operator, right.sql, f"CAST({sides} AS {name})"), widened)

    def _guarded(self, operator: str, divisor: str, value: str) -> str:
        # A literal's SQL begins with its digits; without a check it can stand in GROUP BY and DISTINCT too.
        if operator not in ("/", "%") or re.match(r"(CAST\(')?0*[1-9]", divisor):
            return f"({value})"
        return checked(f"({divisor}) = 0", "'DIVISION_BY_ZERO: Division by zero'", value, safe=self.scope.safe)

    def _decimal_arithmetic(self, operator: str, left: Typed, right: Typed) -> Typed:
        one, other = types.as_decimal(left.type), types.as_decimal(right.type)
        if operator == "/":
            scale = max(one.scale, other.scale)
            result = types.decimal(one.precision + other.scale + max(0, other.scale - one.scale), scale)
            sides = ", ".join(f"CAST({side.sql} AS VARCHAR)" for side in (left, right))
            value = f"CAST(athena_quotient({sides}, {scale}) AS {types.duckdb_name(result)})"
            return Typed(self._guarded(operator, right.sql, value), result)
        if operator == "*":
            if one.scale + other.scale > types.MAX_PRECISION:
                problem = f"DECIMAL scale must be in range [0, 38]: {one.scale + other.scale}"
                raise QueryFailure("NUMERIC_VALUE_OUT_OF_RANGE", problem)
            result = types.decimal(one.precision + other.precision, one.scale + other.scale)
        elif operator == "%":
            scale = max(one.scale, other.scale)
            result = types.decimal(min(one.precision - one.scale, other.precision - other.scale) + scale, scale)
        else:
            scale = max(one.scale, other.scale)
            result = types.decimal(max(one.precision - one.scale, other.precision - other.scale) + scale + 1, scale)
        value = f"CAST({left.sql} {operator} {right.sql} AS {types.duckdb_name(result)})"
        return Typed(self._guarded(operator, right.sql, value), result)

    def _time_arithmetic(self, operator: str, left: Typed, right: Typed, node: exp.Expr) -> Typed:
        if operator == "+" and types.is_temporal(right.type):
            left, right = right, left
        if operator not in "+-" or not types.is_temporal(left.type) or types.is_temporal(right.type):
            raise self._mismatch(operator, left, right, node)
        if left.type == types.DATE and re.search("HOUR|MINUTE|SECOND", right.sql):
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT", "Cannot add hour, minutes or seconds to a date", position(node)
            )
        return Typed(f"CAST({left.sql} {operator} {right.sql} AS {types.duckdb_name(left.type)})", left.type)

    def _concatenation(self, node: exp.DPipe) -> Typed:
        left, right = self.translate(node.this), self.translate(node.expression)
        target = types.common(left.type, right.type)
        if target is None or not (target in (VARCHAR, types.VARBINARY, types.UNKNOWN) or is_a.is_list(target)):
            raise QueryFailure(
                "FUNCTION_NOT_FOUND",
                f"Unexpected parameters ({display(left.type)}, {display(right.type)}) for function concat",
                position(node),
            )
        return Typed(f"({left.sql} || {right.sql})", target)

    def _negation(self, node: exp.Neg) -> Typed:
        value = self.translate(node.this)
        if not types.is_numeric(value.type):
            raise QueryFailure("TYPE_MISMATCH", f"Cannot negate {display(value.type)}", position(node))
        return Typed(f"(-({value.sql}))", value.type)

    def _connective(self, node: exp.Connector) -> Typed:
        word = "AND" if isinstance(node, exp.And) else "OR"
        return Typed(f"({self.condition(node.left)} {word} {self.condition(node.right)})", BOOLEAN)

    def _not(self, node: exp.Not) -> Typed:
        return Typed(f"(NOT {self.condition(node.this)})", BOOLEAN)

    def _is(self, node: exp.Is) -> Typed:
        if not isinstance(node.expression, exp.Null):
            raise unsupported(f"execute {node.sql('trino')}", node)
        return Typed(f"({self.translate(node.this).sql} IS {'NOT ' * bool(node.args.get('negate'))}NULL)", BOOLEAN)

    def _like(self, node: exp.Like) -> Typed:
        escape = ""
        if isinstance(node, exp.Escape):
            escape = f" ESCAPE {self.converted(node.expression, VARCHAR)}"
            node = node.this
        if type(node) is not exp.Like:
            raise unsupported(f"execute {node.sql('trino')}: Athena has LIKE only", node)
        only(node, "this", "expression", "negate")
        sides = f"{self.converted(node.this, VARCHAR)} LIKE {self.converted(node.expression, VARCHAR)}{escape}"
        return Typed(f"({'NOT ' * bool(node.args.get('negate'))}({sides}))", BOOLEAN)

    def _between(self, node: exp.Between) -> Typed:
        only(node, "this", "low", "high", "negate")
        low = self._comparison(exp.GTE(this=node.this, expression=node.args["low"]))
        high = self._comparison(exp.LTE(this=node.this, expression=node.args["high"]))
        return Typed(f"({'NOT ' * bool(node.args.get('negate'))}({low.sql} AND {high.sql}))", BOOLEAN)

    def _in(self, node: exp.In) -> Typed:
        only(node, "this", "expressions", "query")
        if query := node.args.get("query"):
            sql, column_types = self._subquery_parts(query)
            value = self.translate(node.this)
            if len(column_types) != 1 or types.common(value.type, column_types[0]) is None:
                raise self._mismatch("IN", value, Typed(sql, pa.struct([("", kind) for kind in column_types])), node)
            return Typed(f"({value.sql} IN ({sql}))", BOOLEAN)
        options, _ = self.unified([node.this, *node.expressions], "All IN list values")
        return Typed(f"({options[0]} IN ({', '.join(options[1:])}))", BOOLEAN)

    def _subquery_parts(self, node: exp.Expr) -> tuple[str, list[pa.DataType]]:
        self.scope.references.append(None)
        return self.subqueries(node.unnest(), self.scope)

    def _exists(self, node: exp.Exists) -> Typed:
        return Typed(f"EXISTS ({self._subquery_parts(node.this)[0]})", BOOLEAN)

    def _subquery(self, node: exp.Subquery) -> Typed:
        sql, column_types = self._subquery_parts(node)
        if len(column_types) != 1:
            raise QueryFailure(
                "SYNTAX_ERROR", "Multiple columns returned by subquery are not yet supported", position(node)
            )
        return Typed(f"({sql})", column_types[0])


OPERATORS: dict[type[exp.Expr], Callable[[Any, Any], Typed]] = {
    **dict.fromkeys(_COMPARISONS, Operators._comparison),
    **dict.fromkeys(_ARITHMETIC, Operators._arithmetic),
    **dict.fromkeys((exp.And, exp.Or), Operators._connective),
    **dict.fromkeys((exp.Like, exp.Escape), Operators._like),
    exp.Paren: Operators._paren,
    exp.DPipe: Operators._concatenation,
    exp.Neg: Operators._negation,
    exp.Not: Operators._not,
    exp.Is: Operators._is,
    exp.Between: Operators._between,
    exp.In: Operators._in,
    exp.Exists: Operators._exists,
    exp.Subquery: Operators._subquery,
}
