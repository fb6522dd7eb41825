"""Crawlers as boto3 sees them: definition, states, errors, history, metrics and log."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.lake import Lake


def refused(call: Any, **arguments: Any) -> tuple[str, str]:
    """The code and message of the error that a call must raise."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.fixture
def busy(lake: Lake) -> str:
    """A crawler that has just been started on so many files that it is still running."""
    for number in range(150):
        lake.put_json(f"many/{number}.json", {"number": number, "text": "x" * 100})
    name = lake.crawler("many/")
    lake.glue.start_crawler(Name=name)
    return name


def test_a_crawler_is_described_as_it_was_defined(lake: Lake) -> None:
    policy = {"UpdateBehavior": "LOG", "DeleteBehavior": "DELETE_FROM_DATABASE"}
    name = lake.crawler(
        "orders/",
        exclusions=["**.tmp"],
        configuration={"CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}}},
        TablePrefix="snapshots_",
        Description="orders",
        SchemaChangePolicy=policy,
    )
    crawler = lake.glue.get_crawler(Name=name)["Crawler"]
    assert crawler["Targets"]["S3Targets"] == [{"Path": f"s3://{lake.bucket}/orders/", "Exclusions": ["**.tmp"]}]
    assert crawler["Role"] == "service-role/crawler"  # Glue answers with the role's name
    assert (crawler["DatabaseName"], crawler["TablePrefix"]) == (lake.database, "snapshots_")
    assert crawler["SchemaChangePolicy"] == policy
    assert crawler["RecrawlPolicy"] == {"RecrawlBehavior": "CRAWL_EVERYTHING"}
    assert json.loads(crawler["Configuration"])["Version"] == 1.0
    assert (crawler["State"], crawler["Version"], crawler["CrawlElapsedTime"]) == ("READY", 1, 0)
    assert "LastCrawl" not in crawler
    assert crawler["CreationTime"] == crawler["LastUpdated"]


def test_policies_that_are_not_given_are_glues_defaults(lake: Lake) -> None:
    crawler = lake.glue.get_crawler(Name=lake.crawler(""))["Crawler"]
    assert crawler["SchemaChangePolicy"] == {
        "UpdateBehavior": "UPDATE_IN_DATABASE",
        "DeleteBehavior": "DEPRECATE_IN_DATABASE",
    }


def test_an_update_changes_what_it_names_and_nothing_else(lake: Lake) -> None:
    name = lake.crawler("orders/", Description="before", TablePrefix="a_")
    lake.glue.update_crawler(Name=name, TablePrefix="b_")
    crawler = lake.glue.get_crawler(Name=name)["Crawler"]
    assert (crawler["TablePrefix"], crawler["Description"], crawler["Version"]) == ("b_", "before", 2)
    assert crawler["LastUpdated"] > crawler["CreationTime"]


def test_crawlers_are_listed_page_by_page(lake: Lake) -> None:
    names = {lake.crawler("") for _ in range(3)}
    pages = [
        [crawler["Name"] for crawler in page["Crawlers"]]
        for page in lake.glue.get_paginator("get_crawlers").paginate(PaginationConfig={"PageSize": 2})
    ]
    assert max(map(len, pages)) == 2
    assert names <= {name for page in pages for name in page}
    first = lake.glue.list_crawlers(MaxResults=2)
    rest = lake.glue.list_crawlers(NextToken=first["NextToken"])
    assert len(first["CrawlerNames"]) == 2
    assert names <= {*first["CrawlerNames"], *rest["CrawlerNames"]}
    answer = lake.glue.batch_get_crawlers(CrawlerNames=[*names, "none"])
    assert {crawler["Name"] for crawler in answer["Crawlers"]} == names
    assert answer["CrawlersNotFound"] == ["none"]


def test_a_deleted_crawler_is_gone(lake: Lake) -> None:
    name = lake.crawler("")
    lake.glue.delete_crawler(Name=name)
    expected = ("EntityNotFoundException", f"Crawler entry with name {name} does not exist")
    for operation in ("get_crawler", "delete_crawler", "start_crawler", "stop_crawler", "update_crawler"):
        assert refused(getattr(lake.glue, operation), Name=name) == expected
    assert refused(lake.glue.list_crawls, CrawlerName=name) == expected


def test_a_second_crawler_of_one_name_is_refused(lake: Lake) -> None:
    name = lake.crawler("")
    with pytest.raises(lake.glue.exceptions.AlreadyExistsException):
        lake.crawler("", Name=name)


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        ({"Schedule": "cron(0 1 * * ? *)"}, "InvalidInputException", "The sandbox does not run crawlers on a schedule"),
        ({"Classifiers": ["mine"]}, "EntityNotFoundException", "Classifier entry with name mine does not exist"),
        (
            {"Targets": {"DynamoDBTargets": [{"Path": "orders"}]}},
            "InvalidInputException",
            "The sandbox does not crawl other data stores than S3",
        ),
        (
            {"LakeFormationConfiguration": {"UseLakeFormationCredentials": True}},
            "InvalidInputException",
            "The sandbox does not use Lake Formation",
        ),
        (
            {"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVENT_MODE"}},
            "InvalidInputException",
            "The sandbox does not crawl by S3 events",
        ),
        ({"Targets": {"S3Targets": []}}, "InvalidInputException", "at least one crawl target"),
        ({"Targets": {"S3Targets": [{"Path": "orders"}]}}, "InvalidInputException", "is not a path of the form s3://"),
        (
            {"Targets": {"S3Targets": [{"Path": "s3://nobodys-bucket/x/"}]}},
            "InvalidInputException",
            "S3 bucket nobodys-bucket does not exist.",
        ),
        (
            {"SchemaChangePolicy": {"UpdateBehavior": "MERGE"}},
            "ValidationException",
            "Value 'MERGE' at 'schemaChangePolicy.updateBehavior' failed to satisfy constraint",
        ),
        (
            {"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}},
            "InvalidInputException",
            '"Crawl new folders only" Amazon S3 target can have only LOG DeleteBehavior value and LOG UpdateBehavior',
        ),
    ],
)
def test_what_glue_or_the_sandbox_does_not_take_is_refused(
    lake: Lake, settings: dict[str, Any], code: str, message: str
) -> None:
    found = refused(lake.crawler, path="", **settings)
    assert found[0] == code
    assert message in found[1]


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        (
            {"CrawlerOutput": {"Partitions": {"UpdateBehavior": "LOG"}}},
            "CrawlerOutput.Partitions contains unsupported keys: UpdateBehavior.",
        ),
        ({"Grouping": {"Policy": 1}}, "Grouping contains unsupported keys: Policy."),
        ({"Colour": 1}, "Configuration contains unsupported keys: Colour."),
        ({"Grouping": {"TableLevelConfiguration": 0}}, "Grouping.TableLevelConfiguration has the unsupported value 0."),
        (
            {"CrawlerOutput": {"Tables": {"AddOrUpdateBehavior": "Replace"}}},
            'CrawlerOutput.Tables.AddOrUpdateBehavior has the unsupported value "Replace".',
        ),
        ({"Version": 2.0}, "Version has the unsupported value 2.0."),
    ],
)
def test_a_configuration_that_glue_does_not_know_is_refused(
    lake: Lake, configuration: dict[str, Any], message: str
) -> None:
    assert refused(lake.crawler, path="", configuration=configuration) == ("InvalidInputException", message)


def test_an_update_is_checked_as_a_creation_is(lake: Lake) -> None:
    name = lake.crawler("orders/")
    code, message = refused(lake.glue.update_crawler, Name=name, Schedule="cron(0 1 * * ? *)")
    assert (code, message) == ("InvalidInputException", "The sandbox does not run crawlers on a schedule")
    assert "Schedule" not in lake.glue.get_crawler(Name=name)["Crawler"]


def test_a_crawl_runs_after_start_crawler_has_answered_and_ends_in_ready(lake: Lake, busy: str) -> None:
    crawler = lake.glue.get_crawler(Name=busy)["Crawler"]
    assert crawler["State"] == "RUNNING"
    assert crawler["CrawlElapsedTime"] > 0
    assert "LastCrawl" not in crawler
    assert lake.glue.list_crawls(CrawlerName=busy)["Crawls"][0]["State"] == "RUNNING"
    last = lake.finish(busy)
    assert last["Status"] == "SUCCEEDED"
    assert datetime.now(UTC) - timedelta(minutes=5) < last["StartTime"] < datetime.now(UTC)
    assert list(lake.tables()) == ["many"]


def test_a_running_crawler_is_neither_started_nor_changed_nor_deleted(lake: Lake, busy: str) -> None:
    assert refused(lake.glue.start_crawler, Name=busy) == (
        "CrawlerRunningException",
        f"Crawler with name {busy} has already started",
    )
    assert refused(lake.glue.update_crawler, Name=busy, Description="x")[0] == "CrawlerRunningException"
    assert refused(lake.glue.delete_crawler, Name=busy)[0] == "CrawlerRunningException"
    assert lake.finish(busy)["Status"] == "SUCCEEDED"
    lake.crawl(busy)
    assert len(lake.glue.list_crawls(CrawlerName=busy)["Crawls"]) == 2


def test_a_stopped_crawl_is_cancelled_and_writes_nothing(lake: Lake, busy: str) -> None:
    lake.glue.stop_crawler(Name=busy)
    assert lake.finish(busy)["Status"] == "CANCELLED"
    assert lake.tables() == {}
    assert lake.glue.list_crawls(CrawlerName=busy)["Crawls"][0]["State"] == "STOPPED"
    lake.crawl(busy)
    assert list(lake.tables()) == ["many"]


def test_a_crawl_that_is_stopping_cannot_be_stopped_again(lake: Lake, busy: str) -> None:
    """It stops within milliseconds, so that the second call may come too late: then all is tried again."""
    code = ""
    for _ in range(20):
        lake.glue.stop_crawler(Name=busy)
        code, _message = refused(lake.glue.stop_crawler, Name=busy)
        if code == "CrawlerStoppingException":
            break
        assert code == "CrawlerNotRunningException"
        lake.glue.start_crawler(Name=busy)
    assert code == "CrawlerStoppingException"
    assert lake.finish(busy)["Status"] == "CANCELLED"


def test_a_crawler_that_does_not_run_cannot_be_stopped(lake: Lake) -> None:
    name = lake.crawler("")
    assert refused(lake.glue.stop_crawler, Name=name) == (
        "CrawlerNotRunningException",
        f"Crawler with name {name} isn't running",
    )


def test_a_missing_database_fails_the_crawl(lake: Lake) -> None:
    lake.put_json("orders/1.json", {"id": 1})
    message = lake.crawl_fails(lake.crawler("orders/", DatabaseName="nowhere"))
    assert message == "EntityNotFoundException: Database nowhere not found."


def test_a_bucket_that_has_gone_fails_the_crawl(lake: Lake) -> None:
    name = lake.crawler("orders/")
    lake.s3.delete_bucket(Bucket=lake.bucket)
    message = lake.crawl_fails(name)
    assert message.startswith("NoSuchBucket: ")
    assert lake.bucket in message


def test_the_history_says_what_each_crawl_did(lake: Lake) -> None:
    lake.put_json("orders/day=1/1.json", {"id": 1})
    name = lake.crawler("orders/")
    lake.crawl(name)
    lake.crawl(name)
    lake.put("orders/day=2/broken.parquet", b"PAR1 and then nothing")
    lake.crawl_fails(name)
    failed, unchanged, first = lake.glue.list_crawls(CrawlerName=name)["Crawls"]
    assert (failed["State"], unchanged["State"], first["State"]) == ("FAILED", "COMPLETED", "COMPLETED")
    assert "orders/day=2/broken.parquet" in failed["ErrorMessage"]
    assert "Summary" not in unchanged
    summary = json.loads(first["Summary"])
    assert json.loads(summary["TABLE"]["ADD"])["Details"]["names"] == ["orders"]
    assert json.loads(summary["PARTITION"]["ADD"])["Details"]["names"] == ["orders['1']"]
    assert first["StartTime"] < first["EndTime"] <= unchanged["StartTime"]
    assert len({crawl["CrawlId"] for crawl in (failed, unchanged, first)}) == 3


def test_the_history_is_filtered_and_paged(lake: Lake) -> None:
    name = lake.crawler("orders/")
    for _ in range(3):
        lake.crawl(name)
    crawls = lake.glue.list_crawls(CrawlerName=name)["Crawls"]

    def filtered(field: str, operator: str, value: str) -> list[Any]:
        wanted = {"FieldName": field, "FilterOperator": operator, "FieldValue": value}
        return lake.glue.list_crawls(CrawlerName=name, Filters=[wanted])["Crawls"]

    assert filtered("CRAWL_ID", "EQ", crawls[1]["CrawlId"]) == [crawls[1]]
    assert filtered("STATE", "NE", "COMPLETED") == []
    middle = str(crawls[1]["StartTime"].timestamp() * 1000)
    assert filtered("START_TIME", "GT", middle) == crawls[:1]
    assert refused(filtered, field="STATE", operator="GT", value="COMPLETED")[0] == "InvalidInputException"
    first = lake.glue.list_crawls(CrawlerName=name, MaxResults=2)
    rest = lake.glue.list_crawls(CrawlerName=name, MaxResults=2, NextToken=first["NextToken"])
    assert first["Crawls"] + rest["Crawls"] == crawls
    assert "NextToken" not in rest


def test_metrics_count_what_the_latest_crawl_changed(lake: Lake) -> None:
    lake.put_json("a/1.json", {"id": 1, "b": 1, "c": 1, "d": 1})
    name = lake.crawler("a/", SchemaChangePolicy={"DeleteBehavior": "DELETE_FROM_DATABASE"})

    def metrics() -> tuple[int, int, int]:
        found = lake.glue.get_crawler_metrics(CrawlerNameList=[name])["CrawlerMetricsList"][0]
        assert found["CrawlerName"] == name
        assert 0 < found["LastRuntimeSeconds"] < 60
        assert found["MedianRuntimeSeconds"] > 0
        return found["TablesCreated"], found["TablesUpdated"], found["TablesDeleted"]

    lake.crawl(name)
    assert metrics() == (1, 0, 0)
    lake.crawl(name)
    assert metrics() == (0, 0, 0)
    lake.put_json("a/2.json", {"id": 2, "b": 1, "c": 1, "d": 1, "more": "x"})
    lake.crawl(name)
    assert metrics() == (0, 1, 0)
    lake.delete("a/1.json")
    lake.delete("a/2.json")
    lake.crawl(name)
    assert metrics() == (0, 0, 1)


def test_the_log_of_a_crawl_lies_in_cloudwatch_under_the_crawlers_name(lake: Lake) -> None:
    lake.put_json("orders/day=1/1.json", {"id": 1})
    name = lake.crawler("orders/")
    lake.crawl(name)
    last = lake.glue.get_crawler(Name=name)["Crawler"]["LastCrawl"]
    assert (last["LogGroup"], last["LogStream"]) == ("/aws-glue/crawlers", name)
    lines = lake.log(name)
    assert all(line.startswith(f"[{last['MessagePrefix']}] ") for line in lines)
    texts = [line.split("] ", 1)[1] for line in lines]
    expected = [
        f"BENCHMARK : Running Start Crawl for Crawler {name}",
        f"BENCHMARK : Classification complete, writing results to database {lake.database}",
        f"INFO : Created table orders in database {lake.database}",
        f"INFO : Created partitions with values [['1']] for table orders in database {lake.database}",
        "BENCHMARK : Finished writing to Catalog",
        "INFO : Run Summary For PARTITION:",
        "INFO : ADD: 1",
        "BENCHMARK : Crawler has finished running and is in state READY",
    ]
    assert [text for text in texts if text in expected and text != "INFO : ADD: 1"] == [
        text for text in expected if text != "INFO : ADD: 1"
    ]


def test_two_crawlers_crawl_at_the_same_time(lake: Lake) -> None:
    for table in ("a", "b"):
        for number in range(20):
            lake.put_json(f"{table}/day={number}/1.json", {"id": number})
    names = [lake.crawler(f"{table}/") for table in ("a", "b")]
    for name in names:
        lake.glue.start_crawler(Name=name)
    deadline = time.monotonic() + 60
    assert [lake.finish(name)["Status"] for name in names] == ["SUCCEEDED", "SUCCEEDED"]
    assert time.monotonic() < deadline
    assert {table: len(lake.partitions(table)) for table in lake.tables()} == {"a": 20, "b": 20}


def test_tags_of_a_crawler_are_kept(lake: Lake) -> None:
    name = lake.crawler("", Tags={"team": "shop"})
    arn = f"arn:aws:glue:us-east-1:123456789012:crawler/{name}"
    assert lake.glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "shop"}
