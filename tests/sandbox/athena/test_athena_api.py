"""Athena's API: a query's life, workgroups, and the catalog's metadata."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandbox.warehouse import Warehouse, parquet

# Hours of work, were it not stopped.
ENDLESS = (
    "SELECT count(*) FROM UNNEST(sequence(1, 1000000)) AS a (x) CROSS JOIN UNNEST(sequence(1, 1000000)) AS b (y) "
    "WHERE x * y % 7 = 3"
)


@pytest.fixture
def invalid(warehouse: Warehouse) -> Any:
    return warehouse.athena.exceptions.InvalidRequestException


@pytest.fixture
def group(warehouse: Warehouse, unique: Any) -> str:
    """A workgroup that enforces its result location."""
    name = unique("group")
    warehouse.athena.create_work_group(
        Name=name,
        Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{warehouse.bucket}/enforced/"}},
    )
    return name


def _state(warehouse: Warehouse, query_id: str) -> str:
    return warehouse.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]["State"]


def test_a_query_that_succeeds_is_described_in_full(warehouse: Warehouse) -> None:
    warehouse.table("t", {"id": "bigint"})
    warehouse.put("t/f", parquet({"id": [1]}))
    query = warehouse.finish(warehouse.start("SELECT id FROM t"))
    assert query["Status"]["State"] == "SUCCEEDED"
    assert query["Status"]["SubmissionDateTime"] <= query["Status"]["CompletionDateTime"]
    assert "StateChangeReason" not in query["Status"]
    assert query["QueryExecutionContext"] == {"Database": warehouse.database}
    assert query["WorkGroup"] == "primary"
    assert query["EngineVersion"]["EffectiveEngineVersion"] == "Athena engine version 3"
    statistics = query["Statistics"]
    assert statistics["DataScannedInBytes"] > 0
    assert statistics["EngineExecutionTimeInMillis"] > 0
    assert statistics["TotalExecutionTimeInMillis"] >= statistics["EngineExecutionTimeInMillis"]
    assert statistics["EngineExecutionTimeInMillis"] >= statistics["QueryPlanningTimeInMillis"] > 0


def test_a_query_that_fails_says_why(warehouse: Warehouse, invalid: Any) -> None:
    query_id = warehouse.start("SELECT x FROM nosuch")
    status = warehouse.finish(query_id)["Status"]
    reason = f"TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{warehouse.database}.nosuch' does not exist"
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"] == reason
    assert status["AthenaError"] == {
        "ErrorCategory": 2, "ErrorType": 1110, "Retryable": False, "ErrorMessage": reason,
    }  # fmt: skip
    with pytest.raises(invalid, match="Final query state: FAILED"):
        warehouse.athena.get_query_results(QueryExecutionId=query_id)


def test_a_running_query_is_stopped_and_its_engine_with_it(warehouse: Warehouse, invalid: Any) -> None:
    query_id = warehouse.start(ENDLESS)
    deadline = time.monotonic() + 20
    while _state(warehouse, query_id) == "QUEUED":
        assert time.monotonic() < deadline
    assert _state(warehouse, query_id) == "RUNNING"
    with pytest.raises(invalid, match="Current state: RUNNING"):
        warehouse.athena.get_query_results(QueryExecutionId=query_id)
    warehouse.athena.stop_query_execution(QueryExecutionId=query_id)
    query = warehouse.finish(query_id)
    assert query["Status"]["State"] == "CANCELLED"
    assert query["Status"]["StateChangeReason"] == "Query cancelled by user"
    # Stopping what has ended changes nothing.
    warehouse.athena.stop_query_execution(QueryExecutionId=query_id)
    assert _state(warehouse, query_id) == "CANCELLED"


def test_a_query_that_waits_for_its_turn_is_stopped_before_it_begins(warehouse: Warehouse) -> None:
    busy = [warehouse.start(ENDLESS) for _ in range(8)]
    waiting = warehouse.start("SELECT 1")
    assert _state(warehouse, waiting) == "QUEUED"
    for query_id in [waiting, *busy]:
        warehouse.athena.stop_query_execution(QueryExecutionId=query_id)
    assert {warehouse.finish(query_id)["Status"]["State"] for query_id in [waiting, *busy]} == {"CANCELLED"}
    assert warehouse.rows("SELECT 1") == [(1,)]


def test_many_queries_at_once_do_not_mix(warehouse: Warehouse) -> None:
    warehouse.table("t", {"id": "bigint"}, keys={"at": "string"})
    for part in range(4):
        warehouse.put(f"t/{part}/f", parquet({"id": [part] * (part + 1)}))
        warehouse.partition("t", str(part))
    with ThreadPoolExecutor(8) as pool:
        sql = "SELECT count(*), max(id) FROM t WHERE at = '{}'"
        found = list(pool.map(lambda one: warehouse.rows(sql.format(one % 4)), range(24)))
    assert found == [[(one % 4 + 1, one % 4)] for one in range(24)]


def test_a_repeated_token_starts_one_query(warehouse: Warehouse, invalid: Any, unique: Any) -> None:
    token = unique("t") * 10
    first = warehouse.start("SELECT 1", ClientRequestToken=token)
    assert warehouse.start("SELECT 1", ClientRequestToken=token) == first
    assert warehouse.start("SELECT 1", ClientRequestToken=token[::-1]) != first
    with pytest.raises(invalid, match="Idempotent parameters do not match"):
        warehouse.start("SELECT 2", ClientRequestToken=token)


def test_queries_are_listed_and_described_in_batches(warehouse: Warehouse, group: str) -> None:
    started = [warehouse.start(f"SELECT {one}", WorkGroup=group) for one in range(3)]
    listed = warehouse.athena.list_query_executions(WorkGroup=group, MaxResults=2)
    assert listed["QueryExecutionIds"] == started[:0:-1]
    rest = warehouse.athena.list_query_executions(WorkGroup=group, MaxResults=2, NextToken=listed["NextToken"])
    assert rest["QueryExecutionIds"] == started[:1]
    assert "NextToken" not in rest
    batch = warehouse.athena.batch_get_query_execution(QueryExecutionIds=[started[1], "no-such"])
    assert [query["Query"] for query in batch["QueryExecutions"]] == ["SELECT 1"]
    assert [query["QueryExecutionId"] for query in batch["UnprocessedQueryExecutionIds"]] == ["no-such"]


def test_an_unknown_query_is_an_invalid_request(warehouse: Warehouse, invalid: Any) -> None:
    for ask in ("get_query_execution", "get_query_results", "stop_query_execution"):
        with pytest.raises(invalid, match="QueryExecution no-such was not found"):
            getattr(warehouse.athena, ask)(QueryExecutionId="no-such")


def test_more_than_a_thousand_rows_at_once_are_refused(warehouse: Warehouse, invalid: Any) -> None:
    query_id = warehouse.start("SELECT 1")
    warehouse.finish(query_id)
    with pytest.raises(invalid, match=r"'maxResults' failed .* less than or equal to 1000"):
        warehouse.athena.get_query_results(QueryExecutionId=query_id, MaxResults=1001)


# --- Workgroups


def test_a_workgroup_enforces_its_result_location(warehouse: Warehouse, group: str) -> None:
    elsewhere = {"OutputLocation": f"s3://{warehouse.bucket}/elsewhere/"}
    query = warehouse.finish(warehouse.start("SELECT 1", WorkGroup=group, ResultConfiguration=elsewhere))
    assert query["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{warehouse.bucket}/enforced/")
    assert query["WorkGroup"] == group
    keys = [found["Key"] for found in warehouse.s3.list_objects_v2(Bucket=warehouse.bucket)["Contents"]]
    assert sorted(keys) == [f"enforced/{query['QueryExecutionId']}.csv{suffix}" for suffix in ("", ".metadata")]
    assert warehouse.cursor(s3_staging_dir=None, work_group=group).execute("SELECT 1").fetchall() == [(1,)]

    warehouse.athena.update_work_group(
        WorkGroup=group, ConfigurationUpdates={"EnforceWorkGroupConfiguration": False}
    )  # fmt: skip
    query = warehouse.finish(warehouse.start("SELECT 1", WorkGroup=group, ResultConfiguration=elsewhere))
    assert query["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{warehouse.bucket}/elsewhere/")


def test_a_query_with_no_result_location_at_all_is_refused(warehouse: Warehouse, invalid: Any) -> None:
    with pytest.raises(invalid, match="No output location provided"):
        warehouse.start("SELECT 1", ResultConfiguration={})
    with pytest.raises(invalid, match="Unable to verify/create output bucket nosuch-bucket"):
        warehouse.start("SELECT 1", ResultConfiguration={"OutputLocation": "s3://nosuch-bucket/x/"})
    with pytest.raises(invalid, match="not a valid S3 path"):
        warehouse.start("SELECT 1", ResultConfiguration={"OutputLocation": "/tmp/x"})


def test_an_unknown_or_disabled_workgroup_is_refused(warehouse: Warehouse, invalid: Any, group: str) -> None:
    for ask in (
        lambda: warehouse.start("SELECT 1", WorkGroup="nosuch"),
        lambda: warehouse.athena.get_work_group(WorkGroup="nosuch"),
        lambda: warehouse.athena.update_work_group(WorkGroup="nosuch"),
        lambda: warehouse.athena.delete_work_group(WorkGroup="nosuch"),
    ):
        with pytest.raises(invalid, match="WorkGroup nosuch is not found"):
            ask()
    warehouse.athena.update_work_group(WorkGroup=group, State="DISABLED")
    with pytest.raises(invalid, match=f"WorkGroup {group} is disabled"):
        warehouse.start("SELECT 1", WorkGroup=group)


def test_workgroups_are_described_listed_and_deleted(warehouse: Warehouse, invalid: Any, group: str) -> None:
    warehouse.athena.update_work_group(
        WorkGroup=group,
        Description="for exports",
        ConfigurationUpdates={
            "BytesScannedCutoffPerQuery": 10_000_000,
            "ResultConfigurationUpdates": {"OutputLocation": f"s3://{warehouse.bucket}/moved/"},
        },
    )
    found = warehouse.athena.get_work_group(WorkGroup=group)["WorkGroup"]
    assert (found["Name"], found["State"], found["Description"]) == (group, "ENABLED", "for exports")
    assert found["Configuration"]["EnforceWorkGroupConfiguration"] is True
    assert found["Configuration"]["BytesScannedCutoffPerQuery"] == 10_000_000
    assert found["Configuration"]["ResultConfiguration"] == {"OutputLocation": f"s3://{warehouse.bucket}/moved/"}
    listed, page = set(), warehouse.athena.list_work_groups()
    while True:
        listed |= {one["Name"] for one in page["WorkGroups"]}
        if "NextToken" not in page:
            break
        page = warehouse.athena.list_work_groups(NextToken=page["NextToken"])
    assert {"primary", group} <= listed
    with pytest.raises(invalid, match="is already created"):
        warehouse.athena.create_work_group(Name=group)
    warehouse.athena.delete_work_group(WorkGroup=group)
    with pytest.raises(invalid, match="is not found"):
        warehouse.athena.get_work_group(WorkGroup=group)
    with pytest.raises(invalid, match="Primary workgroup cannot be deleted"):
        warehouse.athena.delete_work_group(WorkGroup="primary")


def test_a_query_that_scans_more_than_its_workgroup_allows_is_cancelled(warehouse: Warehouse, group: str) -> None:
    warehouse.table("t", {"id": "bigint"})
    size = warehouse.put("t/f", parquet({"id": list(range(3_000_000))}))
    assert size > 11_000_000
    warehouse.athena.update_work_group(
        WorkGroup=group, ConfigurationUpdates={"BytesScannedCutoffPerQuery": 10_000_000}
    )  # fmt: skip
    query = warehouse.finish(warehouse.start("SELECT max(id) FROM t", WorkGroup=group))
    assert query["Status"]["State"] == "CANCELLED"
    assert query["Status"]["StateChangeReason"] == "Bytes scanned limit was exceeded"
    assert warehouse.rows("SELECT max(id) FROM t") == [(2_999_999,)]


# --- Metadata


def test_the_catalogs_metadata_is_told(warehouse: Warehouse) -> None:
    warehouse.table("t", {"Id": "bigint"}, keys={"at": "string"})
    warehouse.rows("CREATE VIEW v AS SELECT id FROM t")
    where = {"CatalogName": "AwsDataCatalog", "DatabaseName": warehouse.database}
    table = warehouse.athena.get_table_metadata(**where, TableName="T")["TableMetadata"]
    assert (table["Name"], table["TableType"]) == ("t", "EXTERNAL_TABLE")
    assert [(column["Name"], column["Type"]) for column in table["Columns"]] == [("id", "bigint")]
    assert [(column["Name"], column["Type"]) for column in table["PartitionKeys"]] == [("at", "string")]
    assert table["Parameters"]["location"] == f"s3://{warehouse.bucket}/t/"
    listed = warehouse.athena.list_table_metadata(**where)["TableMetadataList"]
    assert [(one["Name"], one["TableType"]) for one in listed] == [("t", "EXTERNAL_TABLE"), ("v", "VIRTUAL_VIEW")]
    databases = warehouse.athena.get_paginator("list_databases").paginate(CatalogName="AwsDataCatalog")
    assert warehouse.database in [one["Name"] for page in databases for one in page["DatabaseList"]]
    assert warehouse.athena.get_database(**where)["Database"]["Name"] == warehouse.database
    assert warehouse.athena.list_data_catalogs()["DataCatalogsSummary"] == [
        {"CatalogName": "AwsDataCatalog", "Type": "GLUE"}
    ]


def test_missing_metadata_is_a_metadata_exception(warehouse: Warehouse, invalid: Any) -> None:
    where = {"CatalogName": "AwsDataCatalog", "DatabaseName": warehouse.database}
    missing = warehouse.athena.exceptions.MetadataException
    with pytest.raises(missing, match="Table nosuch not found"):
        warehouse.athena.get_table_metadata(**where, TableName="nosuch")
    with pytest.raises(missing, match="Database nosuch not found"):
        warehouse.athena.list_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="nosuch")
    with pytest.raises(invalid, match="Catalog other was not found"):
        warehouse.athena.list_databases(CatalogName="other")


def test_pyathenas_sqlalchemy_dialect_reflects_tables(warehouse: Warehouse) -> None:
    from sqlalchemy import create_engine, inspect

    warehouse.table("t", {"id": "bigint", "price": "decimal(10,2)"})
    host = f"athena.us-east-1.amazonaws.com:443/{warehouse.database}?s3_staging_dir=s3://{warehouse.bucket}/results/"
    inspector = inspect(create_engine(f"awsathena+rest://:@{host}"))
    assert inspector.get_table_names() == ["t"]
    assert [column["name"] for column in inspector.get_columns("t")] == ["id", "price"]


@pytest.mark.parametrize(
    ("operation", "request_members"),
    [
        (
            "create_prepared_statement",
            {"StatementName": "statement", "WorkGroup": "primary", "QueryStatement": "SELECT 1"},
        ),
        ("create_data_catalog", {"Name": "other", "Type": "GLUE"}),
        ("create_capacity_reservation", {"Name": "r", "TargetDpus": 24}),
        ("get_query_runtime_statistics", {"QueryExecutionId": "x"}),
        ("start_session", {"WorkGroup": "primary", "EngineConfiguration": {"MaxConcurrentDpus": 2}}),
    ],
)
def test_an_operation_that_the_sandbox_lacks_is_refused(
    warehouse: Warehouse, invalid: Any, operation: str, request_members: dict[str, Any]
) -> None:
    with pytest.raises(invalid, match="The sandbox does not"):
        getattr(warehouse.athena, operation)(**request_members)
