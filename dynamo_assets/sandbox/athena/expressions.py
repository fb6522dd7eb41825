"""Expressions: every operator and call of a query, typed as Athena types it and written for DuckDB.

Only what stands in `_TRANSLATIONS` is known; anything else is refused, never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.types as is_a
from sqlglot import exp

from dynamo_assets.sandbox.athena import types
from dynamo_assets.sandbox.athena.calls import Calls
from dynamo_assets.sandbox.athena.casts import checked, convert
from dynamo_assets.sandbox.athena.errors import QueryFailure, position, unsupported
from dynamo_assets.sandbox.athena.operators import OPERATORS, Operators, Subqueries, only
from dynamo_assets.sandbox.athena.scopes import Scope, Typed, subfield
from dynamo_assets.sandbox.athena.types import BOOLEAN, VARCHAR, display, literal


class Translator(Operators, Calls):
    """Translates the expressions of one scope."""

    def __init__(self, scope: Scope, subqueries: Subqueries) -> None:
        self.scope = scope
        self.subqueries = subqueries

    def translate(self, node: exp.Expr) -> Typed:
        """An expression's SQL and type.

        Raises:
            QueryFailure: It is wrong, or beyond the sandbox.
        """
        translation = _TRANSLATIONS.get(type(node))
        if translation is None:
            raise unsupported(f"execute {type(node).__name__}: {node.sql('trino')}", node)
        return translation(self, node)

    # --- Names and literals

    def _column(self, node: exp.Column) -> Typed:
        return self.scope.resolve(node)

    def _identifier(self, node: exp.Identifier) -> Typed:
        return self.scope.resolve(exp.Column(this=node))

    def _dot(self, node: exp.Dot) -> Typed:
        return subfield(self.translate(node.this), [node.expression.name.lower()], node)

    def _literal(self, node: exp.Literal) -> Typed:
        if node.is_string:
            return Typed(literal(node.this), VARCHAR)
        if node.this.isdigit():
            value = int(node.this)
            if value > 2**63 - 1:
                raise QueryFailure("INVALID_LITERAL", f"Invalid numeric literal: {value}", position(node))
            data_type = types.INTEGER if value < 2**31 else types.BIGINT
            return Typed(f"{value}::{types.duckdb_name(data_type)}", data_type)
        if "e" in node.this.lower():
            return Typed(f"{node.this}::DOUBLE", types.DOUBLE)
        whole, _, fraction = node.this.partition(".")
        digits = len(whole.lstrip("0")) + len(fraction)
        data_type = types.decimal(max(digits, 1), len(fraction))
        return Typed(f"CAST('{node.this}' AS {types.duckdb_name(data_type)})", data_type)

    def _null(self, _node: exp.Null) -> Typed:
        return Typed("NULL", types.UNKNOWN)

    def _boolean(self, node: exp.Boolean) -> Typed:
        return Typed("true" if node.this else "false", BOOLEAN)

    def _hex_string(self, node: exp.HexString) -> Typed:
        return Typed(f"unhex({literal(node.this)})", types.VARBINARY)

    def _interval(self, node: exp.Interval) -> Typed:
        unit = node.text("unit").upper()
        if not isinstance(node.this, exp.Literal) or not re.fullmatch(r"[+-]?\d+", node.this.this):
            raise unsupported(f"read {node.sql('trino')}: write one whole number and one unit", node)
        if unit in ("DAY", "HOUR", "MINUTE", "SECOND"):
            return Typed(f"INTERVAL '{node.this.this}' {unit}", types.DAY_TIME)
        if unit in ("YEAR", "MONTH"):
            return Typed(f"INTERVAL '{node.this.this}' {unit}", types.YEAR_MONTH)
        raise unsupported(f"have intervals of {unit}", node)

    # --- Conditionals, conversions, constructors

    def _case(self, node: exp.Case) -> Typed:
        branches = node.args["ifs"]
        otherwise = node.args.get("default") or exp.Null()
        results, data_type = self.unified(
            [*(branch.args["true"] for branch in branches), otherwise], "All CASE results"
        )
        tests = [
            self.condition(branch.this)
            if node.this is None
            else self._comparison(exp.EQ(this=node.this, expression=branch.this)).sql
            for branch in branches
        ]
        whens = " ".join(f"WHEN {test} THEN {result}" for test, result in zip(tests, results[:-1], strict=True))
        return Typed(f"CASE {whens} ELSE {results[-1]} END", data_type)

    def _if(self, node: exp.If) -> Typed:
        return self._case(
            exp.Case(ifs=[exp.If(this=node.this, true=node.args["true"])], default=node.args.get("false"))
        )

    def _cast(self, node: exp.Cast) -> Typed:
        only(node, "this", "to", "safe")
        value, target = self.translate(node.this), types.from_syntax(node.to)
        if types.is_zoned(target) and isinstance(node.this, exp.Literal):
            value, target = self._zoned_literal(node.this)
        safe = isinstance(node, exp.TryCast) or self.scope.safe
        sql = convert(value.sql, value.type, target, safe=safe)
        if sql is None:
            raise QueryFailure(
                "TYPE_MISMATCH", f"Cannot cast {display(value.type)} to {display(target)}", position(node)
            )
        if target == VARCHAR and node.to.expressions:
            # A length cuts.
            sql = f"substr({sql}, 1, {int(node.to.expressions[0].name)})"
        return Typed(f"({sql})", target, value.origin if value.type == target else None)

    def _zoned_literal(self, node: exp.Literal) -> tuple[Typed, pa.DataType]:
        wall_clock, _, zone = node.this.strip().rpartition(" ")
        if not re.fullmatch(r"[A-Za-z]+(/\w+)*", zone):
            return Typed(literal(node.this), VARCHAR), types.TIMESTAMP_UTC
        name = self.zone_name(zone, node)
        local = convert(literal(wall_clock), VARCHAR, types.TIMESTAMP, safe=self.scope.safe)
        data_type = pa.timestamp("ms", tz=name)
        return Typed(f"({local} AT TIME ZONE {literal(name)})", data_type), data_type

    def _at_time_zone(self, node: exp.AtTimeZone) -> Typed:
        value = self.translate(node.this)
        if not types.is_temporal(value.type) or not isinstance(node.args["zone"], exp.Literal):
            raise unsupported(f"execute {node.sql('trino')}: name the zone as a literal", node)
        target = pa.timestamp("ms", tz=self.zone_name(node.args["zone"].name, node))
        return Typed(convert(value.sql, value.type, types.TIMESTAMP_UTC) or value.sql, target)

    def _array(self, node: exp.Array) -> Typed:
        elements, data_type = self.unified(node.expressions, "All ARRAY elements")
        return Typed(f"[{', '.join(elements)}]", pa.list_(data_type))

    def _bracket(self, node: exp.Bracket) -> Typed:
        value, [index_node] = self.translate(node.this), node.expressions
        if isinstance(value.type, pa.MapType):
            key = self.converted(index_node, value.type.key_type)
            message = f"'INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || CAST({key} AS VARCHAR)"
            missing = f"NOT list_contains(map_keys({value.sql}), {key})"
            return Typed(checked(missing, message, f"({value.sql})[{key}]", safe=self.scope.safe), value.type.item_type)
        if not is_a.is_list(value.type):
            raise QueryFailure("TYPE_MISMATCH", f"Cannot use a subscript on {display(value.type)}", position(node))
        index = self.converted(index_node, types.BIGINT)
        message = (
            "'INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: ' || "
            f"CAST({index} AS VARCHAR) || ' > ' || CAST(len({value.sql}) AS VARCHAR)"
        )
        outside = f"{index} < 1 OR {index} > len({value.sql})"
        return Typed(checked(outside, message, f"({value.sql})[{index}]", safe=self.scope.safe), value.type.value_type)

    def _extract(self, node: exp.Extract) -> Typed:
        return self.call(exp.Anonymous(this=node.name.lower(), expressions=[node.expression]))

    def _trim(self, node: exp.Trim) -> Typed:
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position")), "trim")
        characters = node.expression
        arguments = [self.converted(part, VARCHAR) for part in (node.this, characters) if part]
        return Typed(f"{name}({', '.join(arguments)})", VARCHAR)

    def _substring(self, node: exp.Substring) -> Typed:
        arguments = [node.args.get(name) for name in ("this", "start", "length")]
        return self.call(exp.Anonymous(this="substr", expressions=[part for part in arguments if part]))

    def _position(self, node: exp.StrPosition) -> Typed:
        return self.call(exp.Anonymous(this="strpos", expressions=[node.this, node.args["substr"]]))

    def _current_date(self, node: exp.CurrentDate) -> Typed:
        only(node)
        return Typed("current_date", types.DATE)

    def _current_timestamp(self, node: exp.Expr) -> Typed:
        only(node)
        now = "date_trunc('millisecond', now())"
        if isinstance(node, exp.Localtimestamp):
            return Typed(f"({now} AT TIME ZONE 'UTC')", types.TIMESTAMP)
        return Typed(now, types.TIMESTAMP_UTC)


_TRANSLATIONS: dict[type[exp.Expr], Callable[[Any, Any], Typed]] = {
    **OPERATORS,
    **dict.fromkeys((exp.Anonymous, exp.Window, exp.Filter, exp.IgnoreNulls, exp.WithinGroup), Translator.call),
    **dict.fromkeys((exp.CurrentTimestamp, exp.Localtimestamp), Translator._current_timestamp),
    **dict.fromkeys((exp.Cast, exp.TryCast), Translator._cast),
    exp.Column: Translator._column,
    exp.Identifier: Translator._identifier,
    exp.Dot: Translator._dot,
    exp.Literal: Translator._literal,
    exp.Null: Translator._null,
    exp.Boolean: Translator._boolean,
    exp.HexString: Translator._hex_string,
    exp.Interval: Translator._interval,
    exp.Case: Translator._case,
    exp.If: Translator._if,
    exp.AtTimeZone: Translator._at_time_zone,
    exp.Array: Translator._array,
    exp.Bracket: Translator._bracket,
    exp.Extract: Translator._extract,
    exp.Trim: Translator._trim,
    exp.Substring: Translator._substring,
    exp.StrPosition: Translator._position,
    exp.CurrentDate: Translator._current_date,
}
