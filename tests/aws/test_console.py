from __future__ import annotations

import pytest

from dynamo_assets.aws import console


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_links_lead_to_the_console_of_their_partition(region: str, host: str) -> None:
    links = [
        console.glue_run_url(region, "job", "jr_1"),
        console.crawler_url(region, "crawler"),
        console.catalog_table_url(region, "db", "table"),
        console.athena_query_url(region, "id"),
        console.s3_folder_url(region, "bucket", "a/b/"),
        console.dynamodb_table_url(region, "Orders"),
    ]
    assert all(link.startswith(f"https://{host}/") and f"region={region}" in link for link in links)


def test_names_are_escaped_in_links() -> None:
    assert "a%20b%2Fc" in console.glue_run_url("eu-west-1", "a b/c", "jr_1")
