"""Tables whose names mean something to SQL, to S3, to Dagster or to this package: names all the same."""

from __future__ import annotations

import pytest

from dynamo_assets.sandbox.endpoint import ACCOUNT_ID
from tests.acceptance.conftest import failure_of

KEY = 'a"; DROP VIEW x --'
NAMES = [
    "select.from-where",
    "1--drop",
    "...",
    "_manifests",
    "snapshots_of.snapshots",
    "information_schema",
    "x" * 220,
]


@pytest.mark.parametrize("method", ["crawler", "direct"])
def test_a_table_of_any_name_has_its_view_and_no_other_is_touched(make_pipeline, unique, method: str) -> None:
    """With a crawler only a few, for time's sake."""
    suffix = unique(".").removeprefix("._")
    arn = f"arn:aws:dynamodb:us-east-1:{ACCOUNT_ID}:table/by.arn-{suffix}"
    names = [f"{name}.{suffix}" for name in (NAMES if method == "direct" else NAMES[:2])]
    tables = [*names, arn] if method == "direct" else names
    pipeline = make_pipeline({table: {"engine": "in_process"} for table in tables}, catalog={"method": method})
    for number, table in enumerate(tables):
        pipeline.create_table(table.rpartition("/")[2], key=KEY)
        for item in range(number + 1):
            pipeline.put(table.rpartition("/")[2], {KEY: f"'; DROP TABLE {item}", "${HOME}": "{{ item }}"})

    for table in tables:
        result = pipeline.run(table)
        assert result.success, failure_of(result)

    for number, table in enumerate(tables):
        name = pipeline.table(table).name
        [rows] = pipeline.query(f'SELECT count(*), min("a___drop_view_x___"), min("__home_") FROM "{name}"')
        assert rows == (number + 1, "'; DROP TABLE 0", "{{ item }}")
    raw = {f"snapshots_{pipeline.table(table).name}" for table in tables}
    listed = pipeline.clients.glue.get_tables(DatabaseName=pipeline.database)["TableList"]
    assert {table["Name"] for table in listed} == raw | {pipeline.table(table).name for table in tables}
