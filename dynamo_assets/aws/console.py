"""Links to the AWS console, for every partition of AWS."""

from __future__ import annotations

from urllib.parse import quote

_HOSTS = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


def _console(region: str) -> str:
    host = next((host for prefix, host in _HOSTS.items() if region.startswith(prefix)), "console.aws.amazon.com")
    return f"https://{region}.{host}"


def glue_run_url(region: str, job_name: str, run_id: str) -> str:
    """One run of a Glue job, in Glue Studio."""
    return f"{_console(region)}/gluestudio/home?region={region}#/job/{quote(job_name, safe='')}/run/{run_id}"


def crawler_url(region: str, name: str) -> str:
    """A Glue crawler and its history."""
    return f"{_console(region)}/glue/home?region={region}#/v2/data-catalog/crawlers/view/{quote(name, safe='')}"


def catalog_table_url(region: str, database: str, table: str) -> str:
    """A table or view of the Data Catalog."""
    return (
        f"{_console(region)}/glue/home?region={region}#/v2/data-catalog/tables/view/{quote(table, safe='')}"
        f"?database={quote(database, safe='')}"
    )


def athena_query_url(region: str, query_execution_id: str) -> str:
    """One Athena query: its SQL, state and result."""
    return f"{_console(region)}/athena/home?region={region}#/query-editor/history/{query_execution_id}"


def s3_folder_url(region: str, bucket: str, prefix: str) -> str:
    """A folder of a bucket."""
    return f"{_console(region)}/s3/buckets/{bucket}?region={region}&prefix={quote(prefix)}"


def dynamodb_table_url(region: str, table: str) -> str:
    """A DynamoDB table."""
    return f"{_console(region)}/dynamodbv2/home?region={region}#table?name={quote(table, safe='')}"


def dynamodb_exports_url(region: str) -> str:
    """DynamoDB's exports to S3."""
    return f"{_console(region)}/dynamodbv2/home?region={region}#exports"
