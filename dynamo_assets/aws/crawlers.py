"""Glue crawlers: keep one as configured, run it, wait for the crawl that counts, and say why it failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dynamo_assets.aws.console import crawler_url
from dynamo_assets.aws.storage_formats import other_suffixes
from dynamo_assets.aws.waiting import stopping, wait_until
from dynamo_assets.errors import AwsOperationError
from dynamo_assets.naming import Layout, crawler_name

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

MANAGED_FIELDS = ("Role", "DatabaseName", "TablePrefix", "SchemaChangePolicy", "RecrawlPolicy", "Classifiers")

CSV_CLASSIFIER: dict[str, Any] = {
    "Name": "dynamo_assets_csv",
    "Delimiter": ",",
    "QuoteSymbol": '"',
    "ContainsHeader": "PRESENT",
    "AllowSingleColumn": True,
    "DisableValueTrimming": True,
    "Serde": "OpenCSVSerDe",
}
"""Glue's own classifier takes a header for data where all columns are text, and knows no file of one column."""


def crawler_definition(name: str, format: str, *, database: str, role_arn: str, layout: Layout) -> dict[str, Any]:
    """The crawler of one table, as CreateCrawler and UpdateCrawler take it.

    One table, whatever the files' schemas: `CombineCompatibleSchemas` alone still makes several where they differ
    much, so the folder's level is named too (Glue developer guide, "Customizing crawler behavior"). A crawl changes
    the table's columns and adds partitions, which inherit them; it deletes nothing, because only the catalog asset
    knows which snapshots are complete. Files of other formats are of older snapshots, which are registered already;
    with them the crawler would make several tables.
    """
    prefix = layout.snapshots_prefix(name)
    level = 1 + prefix.count("/")
    return {
        "Name": crawler_name(database, name),
        "Role": role_arn,
        "DatabaseName": database,
        "Description": f"Keeps {database}.snapshots_{name}; made by dynamo-assets",
        "Targets": {
            "S3Targets": [
                {"Path": layout.uri(prefix), "Exclusions": [f"**{suffix}" for suffix in other_suffixes(format)]}
            ]
        },
        "Classifiers": [CSV_CLASSIFIER["Name"]] if format == "csv" else [],
        "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"},
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
        "Configuration": json.dumps(
            {
                "Version": 1.0,
                "Grouping": {
                    "TableGroupingPolicy": "CombineCompatibleSchemas",
                    "TableLevelConfiguration": level,
                },
                "CrawlerOutput": {
                    "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"},
                    "Tables": {"AddOrUpdateBehavior": "MergeNewColumns"},
                },
            }
        ),
    }


_SAME_START = timedelta(seconds=5)
"""GetCrawler and ListCrawls may not round alike."""


@dataclass(frozen=True)
class Crawl:
    """A crawl that ended well.

    Attributes:
        crawler: Its crawler.
        started_at: When it began.
        url: The crawler's page in the console.
        dpu_hours: What Glue counts, and bills; None where it does not say.
    """

    crawler: str
    started_at: datetime
    url: str
    dpu_hours: float | None = None


class Crawlers:
    """Glue crawlers."""

    def __init__(self, glue: GlueClient):
        self._glue = glue

    def ensure(self, definition: Mapping[str, Any], *, timeout: timedelta) -> str:
        """Creates the crawler, or updates it where it differs; waits while it is running.

        Returns:
            `created`, `updated` or `unchanged`.

        Raises:
            AwsTimeoutError: The crawler went on running past the time limit.
        """
        if CSV_CLASSIFIER["Name"] in definition["Classifiers"]:
            self._ensure_csv_classifier()
        try:
            current = self._glue.get_crawler(Name=definition["Name"])["Crawler"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            if self._create(definition):
                return "created"
            return self.ensure(definition, timeout=timeout)
        if not _differs(current, definition):
            return "unchanged"
        wait_until(
            lambda: self._when_idle(lambda: self._glue.update_crawler(**definition)),
            what=f"crawler {definition['Name']}: waiting for its running crawl before updating it",
            timeout=timeout,
            interval_seconds=10.0,
        )
        return "updated"

    def _create(self, definition: Mapping[str, Any]) -> bool:
        """False where another run has made it since it was looked for, as runs of a backfill do."""
        try:
            self._glue.create_crawler(**definition)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AlreadyExistsException":
                raise
            return False
        return True

    def _ensure_csv_classifier(self) -> None:
        try:
            self._glue.create_classifier(CsvClassifier=CSV_CLASSIFIER)  # pyright: ignore[reportArgumentType]
        except ClientError as error:
            if error.response["Error"]["Code"] != "AlreadyExistsException":
                raise

    def crawl(self, name: str, *, timeout: timedelta, on_progress: Callable[[str], None]) -> Crawl:
        """Runs the crawler once, from a start after this call: a crawl already running does not count.

        Args:
            name: The crawler.
            timeout: For waiting and crawling together.
            on_progress: Called with what is happening, for the log.

        Raises:
            AwsOperationError: The crawl failed or was cancelled.
            AwsTimeoutError: It did not end within the time limit; it has been stopped.
        """
        before = self._start(name, timeout=timeout, on_progress=on_progress)

        def poll() -> Mapping[str, Any] | None:
            crawler = self._glue.get_crawler(Name=name)["Crawler"]
            last = crawler.get("LastCrawl", {})
            # Another run may have started the next crawl already: then this one has ended although it is not READY.
            ended = last.get("StartTime") is not None and last.get("StartTime") != before
            return last if ended else None

        url = crawler_url(self._glue.meta.region_name, name)
        with stopping(lambda: self.stop(name), what=f"The crawl ({url})"):
            last = wait_until(poll, what=f"crawl by {name}", timeout=timeout, interval_seconds=10.0)
        if last.get("Status") != "SUCCEEDED":
            reason = last.get("ErrorMessage") or "Glue gave no reason"
            raise AwsOperationError(
                f"crawler {name}: its crawl ended {last.get('Status')}: {reason}. The views are untouched; mend the "
                f"cause and materialize this asset again. {url}"
            )
        return Crawl(name, last["StartTime"], url, self._dpu_hours(name, last["StartTime"]))

    def _dpu_hours(self, name: str, started_at: datetime) -> float | None:
        try:
            crawls = self._glue.list_crawls(CrawlerName=name, MaxResults=10)["Crawls"]
        except ClientError:
            return None  # whoever may not ask, or asks too often, goes without: the crawl is done
        ours = (crawl for crawl in crawls if abs(crawl.get("StartTime", started_at) - started_at) <= _SAME_START)
        return next((crawl.get("DPUHour") for crawl in ours), None)

    def stop(self, name: str) -> None:
        """Stops the running crawl; an idle crawler is left as it is."""
        try:
            self._glue.stop_crawler(Name=name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"CrawlerNotRunningException", "CrawlerStoppingException"}:
                raise

    def _start(self, name: str, *, timeout: timedelta, on_progress: Callable[[str], None]) -> datetime | None:
        """Starts a crawl as soon as none is running; returns when the crawl before it began.

        That is read while the crawler is idle: were it read while one runs, and started when that has ended, that one
        would be taken for ours. A crawl by somebody else that begins and ends between the reading and the start is
        taken for ours, and may be: it began after this call too.
        """
        before: datetime | None = None
        waiting_was_told = False

        def attempt() -> bool | None:
            nonlocal before, waiting_was_told
            crawler = self._glue.get_crawler(Name=name)["Crawler"]
            before = crawler.get("LastCrawl", {}).get("StartTime")
            if crawler["State"] == "READY" and self._when_idle(lambda: self._glue.start_crawler(Name=name)):
                return True
            if not waiting_was_told:
                on_progress(f"Crawler {name} is running for somebody else; its own crawl starts when that one ends")
                waiting_was_told = True
            return None

        wait_until(
            attempt, what=f"crawler {name}: waiting for its running crawl", timeout=timeout, interval_seconds=10.0
        )
        on_progress(f"Crawler {name} started")
        return before

    def _when_idle(self, action: Callable[[], object]) -> bool | None:
        """Does the action and says True; None where a running crawl forbids it."""
        try:
            action()
        except ClientError as error:
            if error.response["Error"]["Code"] == "CrawlerRunningException":
                return None
            raise
        return True


def _differs(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    def targets(crawler: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
        return [(target["Path"], target.get("Exclusions", [])) for target in crawler["Targets"]["S3Targets"]]

    # Glue answers with the role's name where it was given an ARN.
    roles = {current.get("Role"), str(current.get("Role")).rsplit("/", 1)[-1]}
    return (
        targets(current) != targets(wanted)
        or not {wanted["Role"], wanted["Role"].rsplit("/", 1)[-1]} & roles
        or json.loads(current.get("Configuration") or "{}") != json.loads(wanted["Configuration"])
        or any(current.get(field) != wanted[field] for field in MANAGED_FIELDS if field in wanted and field != "Role")
    )
