"""Scripts that read DynamoDB tables through `awsglue`, run as Glue jobs; they say what they found.

A run costs seconds, so a script finds out much.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.sandbox.dynamodb_tables import put_all, table_maker
from tests.sandbox.glue_client import Glue

READING = """
from pyspark.context import SparkContext
from awsglue.context import GlueContext

glue_context = GlueContext(SparkContext.getOrCreate())

def read(table, **options):
    return glue_context.create_dynamic_frame.from_options(
        connection_type="dynamodb",
        connection_options={"dynamodb.input.tableName": table, "dynamodb.throughput.read.percent": "1.0", **options},
    )

def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, dict):  # Row.asDict has made dicts of rows
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value

def rows(frame):
    found = [plain(row.asDict(recursive=True)) for row in frame.toDF().collect()]
    return {row.pop("pk"): row for row in found}

def types(frame):
    return dict(frame.toDF().dtypes)

def refused(call, *arguments, **more):
    try:
        call(*arguments, **more)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "nothing was raised"
"""


class Reader:
    """Runs scripts that read one table, `TABLE`."""

    def __init__(self, sandbox: Endpoint, bucket: str, unique: Callable[[str], str]) -> None:
        self._glue = Glue(sandbox, bucket, unique)
        self.dynamodb = sandbox.client("dynamodb")
        self.new_table = table_maker(self.dynamodb, unique)

    def table(self, *items: dict[str, Any], **more: Any) -> str:
        """A table of such items; their keys are `0`, `1`, ..."""
        table = self.new_table("S", **more)
        put_all(self.dynamodb, table, [{"pk": {"S": str(n)}, **item} for n, item in enumerate(items)])
        return table

    def run(self, table: str, source: str, **definition: Any) -> Any:
        """What the script says as `found`."""
        self._glue.succeed(f"TABLE = {table!r}\n{READING}\n{textwrap.dedent(source)}", **definition)
        return self._glue.said("found")
