"""What FROM gives and a query is: SQL with columns of its own names, and what its tail of ORDER BY and LIMIT adds.

Every column of the generated SQL has a name of its own (`c1`, `c2`), so that no name of the query's can be mistaken.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlglot import exp

from dynamo_assets.sandbox.athena.calls import ordering
from dynamo_assets.sandbox.athena.errors import QueryFailure, position
from dynamo_assets.sandbox.athena.expressions import Translator
from dynamo_assets.sandbox.athena.operators import only
from dynamo_assets.sandbox.athena.scopes import Field

TAIL = ("order", "limit", "offset")


@dataclass(frozen=True)
class Relation:
    """What FROM gives: SQL that stands in a FROM clause, and its columns."""

    sql: str
    fields: list[Field]


@dataclass
class Names:
    """Makes the names of the generated SQL, and remembers what they stand for.

    Attributes:
        columns: The query's name of each generated column.
    """

    columns: dict[str, str] = field(default_factory=dict)
    tables: int = 0

    def column(self, name: str | None) -> str:
        """A new column's name."""
        generated = f"c{len(self.columns)}"
        self.columns[generated] = name or f"_col{len(self.columns)}"
        return generated

    def table(self) -> str:
        """A new table's name."""
        self.tables += 1
        return f"t{self.tables}"


def tail_sql(node: exp.Expr, outputs: list[Field], translator: Translator) -> str:
    """The ORDER BY, OFFSET and LIMIT of a query whose columns are `outputs`."""
    parts = []
    if order := node.args.get("order"):
        parts.append("ORDER BY " + ", ".join(_order_key(key, outputs, translator) for key in order.expressions))
    if limit := node.args.get("limit"):
        if isinstance(limit, exp.Fetch) and (options := limit.args.get("limit_options")):
            only(options, "rows")
        count = limit.args.get("count") if isinstance(limit, exp.Fetch) else limit.expression
        if not (isinstance(count, exp.Column) and count.name.upper() == "ALL"):
            parts.append(f"LIMIT {_whole_number(count, 'LIMIT')}")
    if offset := node.args.get("offset"):
        parts.append(f"OFFSET {_whole_number(offset.expression, 'OFFSET')}")
    return "".join(f" {part}" for part in parts)


def _order_key(key: exp.Expr, outputs: list[Field], translator: Translator) -> str:
    if not isinstance(key, exp.Ordered):
        key = exp.Ordered(this=key, nulls_first=False)
    only(key, "this", "desc", "nulls_first")
    place = ordinal(key.this, outputs, "ORDER BY")
    if place is None and isinstance(key.this, exp.Column) and not key.this.table:
        same = [index for index, found in enumerate(outputs) if found.name == key.this.name.lower()]
        if len(same) > 1:
            raise QueryFailure("AMBIGUOUS_NAME", f"Column '{key.this.name.lower()}' is ambiguous", position(key))
        place = same[0] if same else None
    return ordering(key, str(place + 1) if place is not None else translator.translate(key.this).sql)


def ordinal(node: exp.Expr, outputs: list[Field], clause: str) -> int | None:
    """The output that a number in GROUP BY or ORDER BY means; None for anything but a number.

    Raises:
        QueryFailure: There is no such output.
    """
    if not (isinstance(node, exp.Literal) and node.is_int):
        return None
    if not 1 <= int(node.this) <= len(outputs):
        raise QueryFailure("INVALID_COLUMN_REFERENCE", f"{clause} position {node.this} is not in select list")
    return int(node.this) - 1


def _whole_number(node: exp.Expr | None, clause: str) -> int:
    if not (isinstance(node, exp.Literal) and node.is_int):
        raise QueryFailure("SYNTAX_ERROR", f"{clause} must be a whole number")
    return int(node.this)


def renamed(fields: list[Field], node: exp.Expr) -> list[Field]:
    """Fields under a relation's alias and, where it has them, its column names.

    Raises:
        QueryFailure: MISMATCHED_COLUMN_ALIASES.
    """
    alias = node.args.get("alias")
    if alias is None:
        return fields
    columns = [column.name.lower() for column in alias.args.get("columns") or []]
    if columns and len(columns) != len(fields):
        raise QueryFailure(
            "MISMATCHED_COLUMN_ALIASES",
            f"Column alias list has {len(columns)} entries but '{alias.name.lower()}' has {len(fields)} columns "
            "available",
            position(node),
        )
    names = columns or [found.name for found in fields]
    qualifier = (alias.name.lower(),) if alias.name else ()
    return [replace(found, name=name, qualifier=qualifier) for found, name in zip(fields, names, strict=True)]
