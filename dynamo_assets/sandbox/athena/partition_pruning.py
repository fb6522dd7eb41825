"""Partition pruning: the conditions of a query that say which partitions its rows can come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
from sqlglot import exp

from dynamo_assets.sandbox.athena.expressions import Translator
from dynamo_assets.sandbox.athena.scopes import Field, Scope


def restrict(condition: exp.Expr, fields: list[Field], scope: Scope) -> None:
    """Notes the parts of a condition that concern one table's partition keys alone on that table's mount.

    The condition itself stays in the query: pruning only spares it rows that it would drop.

    Args:
        condition: What every row of the result meets.
        fields: Those that it may prune by: all in scope, or one side of an outer join.
        scope: In which the condition stands.
    """
    originals = [replace(found, sql=found.origin.sql) if found.origin else found for found in fields]
    for part in _conjuncts(condition):
        if not _is_simple(part):
            continue
        of_origins = Scope(fields=originals, outer=scope)
        sql = Translator(of_origins, _no_subqueries).condition(part)
        mounts = {origin.mount if origin else None for origin in of_origins.references}
        if len(mounts) == 1 and (mount := mounts.pop()):
            mount.restrictions.append(sql)


def _conjuncts(node: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(node, exp.Paren):
        yield from _conjuncts(node.this)
    elif isinstance(node, exp.And):
        yield from _conjuncts(node.left)
        yield from _conjuncts(node.right)
    else:
        yield node


def _is_simple(node: exp.Expr) -> bool:
    """Whether a condition is computed from its row alone, the same each time."""
    return not any(
        isinstance(part, exp.Exists | exp.Query)
        or (isinstance(part, exp.Anonymous) and part.name.lower() in ("random", "rand"))
        for part in node.walk()
    )


def _no_subqueries(query: exp.Expr, outer: Scope) -> tuple[str, list[pa.DataType]]:
    raise AssertionError(f"a condition with a subquery prunes nothing: {query.sql()} in {outer}")
