"""Function calls: the signature that fits the arguments, and its SQL; aggregates and windows with their clauses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import pyarrow.types as is_a
from sqlglot import exp

from dynamo_assets.sandbox.athena import functions, types
from dynamo_assets.sandbox.athena.casts import convert, local
from dynamo_assets.sandbox.athena.errors import QueryFailure, position, unsupported
from dynamo_assets.sandbox.athena.functions import Signature
from dynamo_assets.sandbox.athena.scopes import Scope, Typed
from dynamo_assets.sandbox.athena.types import literal

_LITERALS = ("unit", "zone", "format", "replacement")
_UNITS = {"millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"}
_UNITS_OF_A_DATE = {"day", "week", "month", "quarter", "year"}

# MySQL's format letters, which Athena's date_format and date_parse take, as strftime's.
_FORMAT_LETTERS = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I", "I": "%I", "i": "%M",
    "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "r": "%I:%M:%S %p", "S": "%S", "s": "%S",
    "T": "%H:%M:%S", "W": "%A", "Y": "%Y", "y": "%y", "%": "%%",
}  # fmt: skip
_PLACEHOLDER = re.compile(
    r"\{(?:(?P<all>\*)(?::(?P<separator>[^}]*))?|(?P<index>\d+)(?P<interval>:interval)?|(?P<over>over)"
    r"|(?P<letter>\w)\.(?P<attribute>\w+))\}"
)


@dataclass
class _Call:
    """A call with its clauses: `max(DISTINCT x ORDER BY y) FILTER (WHERE z) OVER (...)`."""

    function: exp.Anonymous
    distinct: bool = False
    order: exp.Order | None = None
    ignore_nulls: bool = False
    filter: exp.Expr | None = None
    window: exp.Window | None = None


@dataclass
class _Fit:
    """Arguments matched to a signature."""

    signature: Signature
    arguments: list[str] = field(default_factory=list)
    bound: dict[str, pa.DataType] = field(default_factory=dict)


class Calls:
    """The part of a translator that knows calls."""

    scope: Scope

    def translate(self, node: exp.Expr) -> Typed:  # noqa: D102 - the translator's own
        raise NotImplementedError

    def condition(self, node: exp.Expr) -> str:  # noqa: D102 - the translator's own
        raise NotImplementedError

    def call(self, node: exp.Expr) -> Typed:
        """A call, with the clauses around it.

        Raises:
            QueryFailure: FUNCTION_NOT_FOUND: no function of that name takes these arguments.
        """
        call = _unwrap(node)
        name = call.function.name.lower()
        if name == "try":
            return self._try(call.function)
        if name == "row":
            return self._row(call.function)
        if name == "date":
            return self.translate(exp.Cast(this=call.function.expressions[0], to=exp.DataType.build("date")))
        forms = functions.signatures(name)
        if not forms:
            if name in functions.KNOWN_TO_ATHENA.split():
                raise unsupported(f"implement Athena's function {name}", node)
            raise QueryFailure("FUNCTION_NOT_FOUND", f"Function '{name}' not registered", position(node))
        arguments = [self._argument(argument) for argument in call.function.expressions]
        for form in forms:
            if fit := self._fit(form, arguments, node):
                return self._render(fit, call)
        shown = ", ".join(types.display(argument.type) if isinstance(argument, Typed) else "function"
                          for argument in arguments)  # fmt: skip
        expected = ", ".join(form.text.split(" -> ")[0] for form in forms)
        raise QueryFailure(
            "FUNCTION_NOT_FOUND",
            f"Unexpected parameters ({shown}) for function {name}. Expected here: {expected}",
            position(node),
        )

    def _try(self, node: exp.Anonymous) -> Typed:
        was_safe, self.scope.safe = self.scope.safe, True
        try:
            value = self.translate(node.expressions[0])
        finally:
            self.scope.safe = was_safe
        # DuckDB has no TRY around what may differ from one evaluation to the next.
        return replace(value, sql=f"TRY({value.sql})", origin=None) if "random()" not in value.sql else value

    def _row(self, node: exp.Anonymous) -> Typed:
        values = [self.translate(argument) for argument in node.expressions]
        named = ", ".join(f'"field{index}" := {value.sql}' for index, value in enumerate(values))
        return Typed(f"struct_pack({named})", pa.struct([(f"field{i}", value.type) for i, value in enumerate(values)]))

    def _argument(self, node: exp.Expr) -> Typed | exp.Expr:
        """The argument's value; its syntax where a signature must say what it is: a lambda, or a star."""
        return node if isinstance(node, exp.Lambda | exp.Star) else self.translate(node)

    # --- Which signature

    def _fit(self, form: Signature, arguments: list[Any], node: exp.Expr) -> _Fit | None:
        patterns = list(form.arguments)
        if form.variadic:
            patterns += patterns[-1:] * (len(arguments) - len(patterns))
            patterns = patterns[: max(len(arguments), 1)]
        if form.text.startswith("count(") and (not arguments or isinstance(arguments[0], exp.Star)):
            return _Fit(form, ["*"])
        if len(patterns) != len(arguments):
            return None
        fit = _Fit(form)
        # Twice: a letter may widen at a later argument, and the earlier ones are then converted to it.
        for _ in range(2):
            fit.arguments = []
            for pattern, argument in zip(patterns, arguments, strict=True):
                sql = self._match(pattern, argument, fit.bound, node)
                if sql is None:
                    return None
                fit.arguments.append(sql)
        return fit

    def _match(self, pattern: Any, argument: Any, bound: dict[str, pa.DataType], node: exp.Expr) -> str | None:
        """The argument's SQL as the pattern wants it; None where it does not fit."""
        if isinstance(argument, exp.Lambda):
            return self._lambda(pattern, argument, bound)
        if isinstance(argument, exp.Star) or (isinstance(pattern, tuple) and pattern[0] == "lambda"):
            return None
        if pattern in _LITERALS:
            return self._text(pattern, argument, bound, node)
        if pattern == "local" or (pattern == types.TIMESTAMP_UTC and types.is_temporal(argument.type)):
            wanted = local if pattern == "local" else partial(convert, target=types.TIMESTAMP_UTC)
            return wanted(argument.sql, argument.type) if types.is_temporal(argument.type) else None
        target = _bind(pattern, argument.type, bound)
        return (convert(argument.sql, argument.type, target) or argument.sql) if target is not None else None

    def _lambda(self, pattern: Any, node: exp.Lambda, bound: dict[str, pa.DataType]) -> str | None:
        if not isinstance(pattern, tuple) or pattern[0] != "lambda" or len(node.expressions) != 1:
            return None
        name = node.expressions[0].name.lower()
        # Its own name would be taken for a column's where one is called so.
        sql_name = f"p{len(self.scope.parameters)}"
        outer = self.scope.parameters
        self.scope.parameters = {**outer, name: Typed(sql_name, bound[pattern[1]])}
        try:
            body = self.translate(node.this)
        finally:
            self.scope.parameters = outer
        target = _bind(pattern[2], body.type, bound)
        return f"lambda {sql_name}: {convert(body.sql, body.type, target)}" if target is not None else None

    def _text(self, kind: str, argument: Typed, bound: dict[str, pa.DataType], node: exp.Expr) -> str | None:
        if argument.type != types.VARCHAR:
            return None
        if not (argument.sql.startswith("'") and argument.sql.endswith("'")):
            raise unsupported(f"compute a {kind}: write it as a literal", node)
        text = argument.sql[1:-1].replace("''", "'")
        if kind == "zone":
            zone = self.zone_name(text, node)
            bound["zone"] = pa.timestamp("ms", tz=zone)
            return literal(zone)
        if kind == "unit":
            return self._unit(text.lower(), bound.get("X"), node)
        if kind == "format":
            return literal(re.sub("%(.)", lambda match: _format_letter(match.group(1), node), text))
        return literal(re.sub(r"\$(\d)", r"\\\1", text.replace("\\", "\\\\")))

    def _unit(self, unit: str, time: pa.DataType | None, node: exp.Expr) -> str:
        known = _UNITS_OF_A_DATE if time == types.DATE else _UNITS
        if unit not in known:
            kind = "DATE" if time == types.DATE else "TIMESTAMP"
            raise QueryFailure("INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid {kind} field", position(node))
        if time is not None and types.is_zoned(time) and time.tz != "UTC":
            raise unsupported("compute with calendar fields outside UTC", node)
        return literal(unit)

    def zone_name(self, text: str, node: exp.Expr) -> str:
        """A time zone's name, checked.

        Raises:
            QueryFailure: No such zone, or one without a name.
        """
        if text.upper() in ("UTC", "Z", "+00:00"):
            return "UTC"
        try:
            return ZoneInfo(text).key
        except (ZoneInfoNotFoundError, ValueError) as error:
            if re.fullmatch(r"[+-]\d\d:?\d\d", text):
                raise unsupported("keep an offset as a time zone: name the zone, or use UTC", node) from error
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT", f"'{text}' is not a valid time zone", position(node)
            ) from error

    # --- Its SQL

    def _render(self, fit: _Fit, call: _Call) -> Typed:
        form = fit.signature
        data_type = functions.result_type(form.returns, fit.bound)
        if form.kind == "scalar":
            if call.window or call.filter or call.distinct or call.order:
                raise QueryFailure(
                    "FUNCTION_NOT_AGGREGATE", f"{call.function.name} is not an aggregate", position(call.function)
                )
            sql = _fill(form.template, fit, "")
        else:
            sql = self._render_aggregate(fit, call)
        return Typed(f"CAST({sql} AS {types.duckdb_name(data_type)})", data_type)

    def _render_aggregate(self, fit: _Fit, call: _Call) -> str:
        if call.window is None and fit.signature.kind == "window":
            raise QueryFailure(
                "MISSING_OVER", f"Window function {call.function.name} requires an OVER clause", position(call.function)
            )
        if call.window is None:
            self.scope.aggregates = True
        else:
            self.scope.windows = True
        if call.distinct:
            fit.arguments[0] = f"DISTINCT {fit.arguments[0]}"
        over = self._over(call)
        sql = _fill(fit.signature.template, fit, over)
        if "{over}" in fit.signature.template:
            return sql
        order = f" ORDER BY {self.order(call.order)}" if call.order else ""
        nulls = " IGNORE NULLS" if call.ignore_nulls else ""
        return f"{sql[:-1]}{order}{nulls}){over}"

    def _over(self, call: _Call) -> str:
        over = f" FILTER (WHERE {self.condition(call.filter)})" if call.filter else ""
        if (window := call.window) is None:
            return over
        unknown = {name for name, value in window.args.items() if value} - {
            "this", "partition_by", "order", "spec", "over",
        }  # fmt: skip
        if unknown:
            raise unsupported("have named windows", window)
        parts = []
        if partition := window.args.get("partition_by"):
            parts.append(f"PARTITION BY {', '.join(self.translate(key).sql for key in partition)}")
        if order := window.args.get("order"):
            parts.append(f"ORDER BY {self.order(order)}")
        if spec := window.args.get("spec"):
            parts.append(self._frame(spec))
        return f"{over} OVER ({' '.join(parts)})"

    def _frame(self, spec: exp.WindowSpec) -> str:
        def bound(name: str) -> str:
            value, side = spec.args.get(name), spec.args.get(f"{name}_side") or ""
            text = value if isinstance(value, str) else self.translate(value).sql if value else "CURRENT ROW"
            return f"{text} {side}"

        return f"{spec.args['kind']} BETWEEN {bound('start')} AND {bound('end')}"

    def order(self, node: exp.Order) -> str:
        """The keys of an ORDER BY inside an expression."""
        return ", ".join(ordering(key, self.translate(key.this).sql) for key in node.expressions)


def ordering(key: exp.Ordered, sql: str) -> str:
    """One key of an ORDER BY, its direction and place of NULLs written out."""
    nulls = "FIRST" if key.args.get("nulls_first") else "LAST"
    return f"{sql} {'DESC' if key.args.get('desc') else 'ASC'} NULLS {nulls}"


def _unwrap(node: exp.Expr) -> _Call:
    parts: dict[str, Any] = {}
    while not isinstance(node, exp.Anonymous):
        if isinstance(node, exp.Window):
            parts["window"] = node
        elif isinstance(node, exp.Filter):
            parts["filter"] = node.expression.this
        elif isinstance(node, exp.IgnoreNulls):
            parts["ignore_nulls"] = True
        elif isinstance(node, exp.WithinGroup):
            parts["order"] = node.expression
        else:
            raise unsupported(f"execute {node.sql('trino')}", node)
        node = node.this
    call = _Call(node, **parts)
    arguments = list(node.expressions)
    if arguments and isinstance(arguments[-1], exp.Order):
        call.order = arguments[-1]
        arguments[-1] = call.order.this
    if arguments and isinstance(arguments[0], exp.Distinct):
        call.distinct = True
        arguments[:1] = arguments[0].expressions
    if call.distinct or call.order:
        call.function = exp.Anonymous(this=node.this, expressions=arguments)
        call.function.update_positions(node)
    return call


def _bind(pattern: Any, data_type: pa.DataType, bound: dict[str, pa.DataType]) -> pa.DataType | None:
    """The type that a pattern asks of an argument, letters bound on the way; None where it does not fit."""
    if isinstance(pattern, pa.DataType):
        is_interval = pattern == types.DAY_TIME and data_type == types.YEAR_MONTH
        return data_type if is_interval else pattern if types.common(data_type, pattern) == pattern else None
    if isinstance(pattern, tuple):
        return _bind_nested(pattern, data_type, bound)
    fits = {"N": types.is_numeric, "X": types.is_temporal, "D": is_a.is_decimal}.get(pattern)
    # NULL is of any type, but no decimal has its precision.
    is_null = data_type == types.UNKNOWN and pattern != "D"
    if fits is not None and not is_null and not fits(data_type):
        return None
    target = types.common(bound.get(pattern, types.UNKNOWN), data_type)
    if target is not None:
        bound[pattern] = target
    return target


def _bind_nested(pattern: tuple[Any, ...], data_type: pa.DataType, bound: dict[str, pa.DataType]) -> pa.DataType | None:
    if pattern[0] == "array" and (is_a.is_list(data_type) or data_type == types.UNKNOWN):
        element = _bind(pattern[1], getattr(data_type, "value_type", types.UNKNOWN), bound)
        return pa.list_(element) if element is not None else None
    if pattern[0] == "map" and (isinstance(data_type, pa.MapType) or data_type == types.UNKNOWN):
        key = _bind(pattern[1], getattr(data_type, "key_type", types.UNKNOWN), bound)
        item = _bind(pattern[2], getattr(data_type, "item_type", types.UNKNOWN), bound)
        return types.map_of(key, item) if key is not None and item is not None else None
    return None


def _fill(template: str, fit: _Fit, over: str) -> str:
    def replacement(match: re.Match[str]) -> str:
        if match["all"]:
            return (match["separator"] or ", ").join(fit.arguments)
        if match["index"]:
            argument = fit.arguments[int(match["index"])]
            return f"INTERVAL 1 {argument[1:-1].upper()}" if match["interval"] else argument
        if match["over"]:
            return over
        data_type = fit.bound[match["letter"]]
        return literal(types.display(data_type)) if match["attribute"] == "name" else str(data_type.scale)  # pyright: ignore[reportAttributeAccessIssue] - only decimals have a scale

    return _PLACEHOLDER.sub(replacement, template)


def _format_letter(letter: str, node: exp.Expr) -> str:
    if letter not in _FORMAT_LETTERS:
        raise unsupported(f"have %{letter} in time formats", node)
    return _FORMAT_LETTERS[letter]
