from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dynamo_assets.aws.crawlers import Crawlers, crawler_definition
from dynamo_assets.naming import Layout
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, Endpoint
from tests.conftest import own_client

ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/dynamodb-exports"


def test_of_two_runs_that_make_one_crawler_at_once_neither_fails(
    aws: Endpoint, bucket: str, unique: Callable[[str], str]
) -> None:
    """As the runs of a backfill do that find a new table without a crawler."""
    database = unique("exports")
    aws.client("glue").create_database(DatabaseInput={"Name": database})
    definition = crawler_definition("orders", "parquet", database=database, role_arn=ROLE, layout=Layout(bucket))
    glue: Any = own_client(aws, "glue")
    others: list[str] = []

    def somebody_is_faster(**_: Any) -> None:
        if not others:
            others.append(Crawlers(aws.client("glue")).ensure(definition, timeout=timedelta(seconds=5)))

    glue.meta.events.register("before-call.glue.CreateCrawler", somebody_is_faster)
    assert Crawlers(glue).ensure(definition, timeout=timedelta(seconds=5)) == "unchanged"
    assert others == ["created"]
