"""The checks that a user declares in `tables.yaml`: a query, and the value that it must give."""

from __future__ import annotations

from dynamo_assets.aws.athena import Athena
from dynamo_assets.configuration.table_settings import DeclaredCheck, Table
from dynamo_assets.errors import QueryError
from dynamo_assets.verification.finding import Finding, finding_of


def run_declared(table: Table, query: str, athena: Athena) -> list[Finding]:
    """Runs a table's declared checks on what its view is going to show.

    Args:
        table: Whose they are.
        query: The SQL that the view is going to have; `{view}` in a check stands for it.
        athena: Runs them.

    Raises:
        AwsTimeoutError: One took too long.
    """
    return [_run(check, table, query, athena) for check in table.checks]


def _run(check: DeclaredCheck, table: Table, query: str, athena: Athena) -> Finding:
    advice = f"Mend the data, or the check in tables.yaml ({table.table}): `{check.sql}`"
    try:
        # Not `format`: braces are a part of SQL.
        result = athena.query(check.sql.replace("{view}", f"({query})"), subject=f"{table.table}: {check.name}")
    except QueryError as error:
        return finding_of(check.name, [str(error)], good="", advice=advice, level=check.level)
    if len(result.rows) != 1 or len(result.columns) != 1:
        problem = f"gives {len(result.rows)} rows of {len(result.columns)} columns, and must give one value"
        return finding_of(check.name, [problem], good="", advice=advice, level=check.level)
    value = result.scalar()
    return finding_of(
        check.name,
        [] if _is(value, check.expect) else [f"gives {value!r}, and {check.expect!r} is expected"],
        good=f"gives {value!r}",
        advice=advice,
        level=check.level,
        figures={"value": _plotted(value), "expected": _plotted(check.expect), "athena_query": result.url},
    )


def _plotted(value: object) -> int | float | str:
    """Numbers stay numbers, of which the UI plots how they go."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _is(value: object, expected: object) -> bool:
    """Whether a value of Athena's is the one in YAML; dates, decimals and the like are compared by their text."""
    return value == expected or (value is not None and expected is not None and str(value) == str(expected))
