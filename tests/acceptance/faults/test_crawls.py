"""Crawlers that are busy, fail, hang, or make two tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from dynamo_assets.naming import crawler_name
from tests.acceptance.conftest import failure_of
from tests.acceptance.faults.answers import THROTTLED, When, after, before, changed, refused, to
from tests.acceptance.faults.watched import Watched
from tests.faults.proxy import Exchange, pass_on


@dataclass
class Hanging:
    """A crawl that goes on until it is stopped: what the crawler says of itself is what it said before."""

    said: list[dict[str, Any]] = field(default_factory=list)
    stopped: bool = False

    def __call__(self, exchange: Exchange) -> None:
        operation = exchange.request.operation
        self.stopped |= operation == "glue.StopCrawler"
        behave = changed(self._repeat) if operation == "glue.GetCrawler" and not self.stopped else pass_on
        behave(exchange)

    def _repeat(self, answer: dict[str, Any]) -> None:
        self.said.append(answer["Crawler"])
        answer["Crawler"] = self.said[0]


@pytest.fixture
def watched(watch) -> Watched:
    return watch(method="crawler")


def test_a_crawl_that_fails_or_hangs_publishes_nothing_and_the_next_one_does(watched: Watched) -> None:
    glue, database = watched.aws("glue"), watched.pipeline.database
    crawler = crawler_name(database, watched.name)
    reason = "The role has no access to the bucket"

    def edit(answer: dict[str, Any]) -> None:
        if failing.met and answer["Crawler"]["State"] == "READY":
            answer["Crawler"]["LastCrawl"] |= {"Status": "FAILED", "ErrorMessage": reason}

    failing = When(to("glue.GetCrawler"), changed(edit))
    watched.meets(failing, ["ended FAILED", reason, "views are untouched", "materialize", "/crawlers/view/"])

    def stop() -> None:
        glue.stop_crawler(Name=crawler)

    stopped = When(to("glue.StartCrawler"), after(stop))
    watched.meets(stopped, ["ended CANCELLED", "materialize"])

    busy = When(to("glue.StartCrawler"), refused(400, "CrawlerRunningException"))
    short = watched.with_limits(catalog={"time_limit": timedelta(seconds=1)})
    start = watched.before_fault()
    result = short.run(busy)
    watched.after_fault(start, result, ["running crawl", "time limit of 0:00:01", "raise `time_limit`"])

    start = watched.before_fault()
    result = short.run(Hanging())
    watched.after_fault(start, result, ["crawl by", "time limit of 0:00:01"])


def test_another_crawl_that_ends_just_before_ours_begins_does_not_count(watched: Watched) -> None:
    """Defect 5: it may have begun before the data was there."""
    last = watched.aws("glue").list_crawls(CrawlerName=crawler_name(watched.pipeline.database, watched.name))
    [foreign] = last["Crawls"]
    running = When(to("glue.GetCrawler"), changed(lambda answer: answer["Crawler"].update(State="RUNNING")), times=2)
    watched.grow()

    result = watched.run(running)

    assert result.success, failure_of(result)
    [catalog] = result.asset_materializations_for_node(f"{watched.pipeline.database}__snapshots_{watched.name}")
    started_at: Any = catalog.metadata["crawl_started_at"].value
    finished_at = datetime.fromisoformat(watched.pipeline.latest(watched.table).finished_at)
    assert started_at > foreign["StartTime"].timestamp()
    assert started_at >= finished_at.timestamp()
    watched.assert_nothing_runs()


@pytest.mark.usefixtures("no_waiting")
def test_a_crawl_is_not_lost_to_throttling(watched: Watched) -> None:
    throttled = When(to("glue.GetCrawler", "glue.StartCrawler"), THROTTLED, times=40)
    started = When(to("glue.StartCrawler"), throttled)
    watched.grow()

    def from_its_start_on(exchange: Exchange) -> None:
        behave = throttled if started.met else started
        behave(exchange)

    result = watched.run(from_its_start_on)
    assert result.success, failure_of(result)
    assert len(throttled.met) == 40
    assert watched.shown().rows == watched.items


def test_a_second_table_beside_the_raw_one_is_named_and_nothing_is_published(watched: Watched) -> None:
    glue, database = watched.aws("glue"), watched.pipeline.database
    raw = glue.get_table(DatabaseName=database, Name=f"snapshots_{watched.name}")["Table"]
    second = {key: raw[key] for key in ("StorageDescriptor", "PartitionKeys", "TableType", "Parameters")}
    second = {**second, "Name": "reviews_by_hand", "Parameters": {"classification": "parquet"}}
    glue.create_table(DatabaseName=database, TableInput=second)
    start = watched.before_fault()

    result = watched.run()

    glue.delete_table(DatabaseName=database, Name="reviews_by_hand")
    watched.after_fault(start, result, ["reviews_by_hand", "exactly", "delete the others"])


def test_a_second_table_that_the_crawler_made_goes_without_a_person(watched: Watched) -> None:
    """The raw table's name is another table's: then a crawler puts a hash behind it, and goes on with that table."""
    glue, database = watched.aws("glue"), watched.pipeline.database
    raw, crawler = f"snapshots_{watched.name}", crawler_name(watched.pipeline.database, watched.name)

    def take_the_name() -> None:
        glue.delete_table(DatabaseName=database, Name=raw)
        elsewhere = {"Columns": [], "Location": "s3://another-bucket/another/place/"}
        glue.create_table(DatabaseName=database, TableInput={"Name": raw, "StorageDescriptor": elsewhere})

    def tables() -> set[str]:
        return {table["Name"] for table in glue.get_tables(DatabaseName=database)["TableList"]}

    watched.grow()
    result = watched.run(When(to("glue.StartCrawler"), before(take_the_name)))
    message = failure_of(result)
    assert all(part in message for part in (raw, "is another table", "another/place", "another `name:`")), message
    assert tables() == {watched.name, raw}

    # As a run leaves it that dies after such a crawl.
    glue.start_crawler(Name=crawler)
    watched.assert_nothing_runs()
    [second] = tables() - {watched.name, raw}
    assert second.startswith(f"{raw}_")
    glue.delete_table(DatabaseName=database, Name=raw)
    watched.runs_well()
    assert tables() == {watched.name, raw}
