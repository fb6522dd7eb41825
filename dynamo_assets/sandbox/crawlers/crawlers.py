"""Glue crawlers as boto3 sees them: their definitions, their state, their history. Each crawl is a thread.

A crawler goes READY, RUNNING, STOPPING, READY, as AWS's does: STOPPING is the time after the last write, or after
StopCrawler. A crawl takes as long as its work does; nothing is slowed down to look like AWS.

Where AWS is undocumented or more lenient: the database must be there before the crawl; a file that cannot be
classified fails the crawl, which then writes nothing (`classify.py`); how types widen is `crawling/schema_merge.py`'s,
how files become tables `crawling/grouping.py`'s. Schedules, custom classifiers but for CSV, samples, events, Lake
Formation and targets other than S3 are refused.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from dynamo_assets.sandbox.crawlers.classifiers import Classifiers
from dynamo_assets.sandbox.crawlers.crawl import Crawl
from dynamo_assets.sandbox.crawlers.crawler import Crawler, describe_crawl
from dynamo_assets.sandbox.crawlers.settings import DEFAULTS, CrawlerSettings, refuse
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION, Endpoint
from dynamo_assets.sandbox.glue_catalog.pages import page_of

_SHUTDOWN_SECONDS = 10.0
_FILTERS = {
    "CRAWL_ID": lambda crawl: crawl["CrawlId"],
    "STATE": lambda crawl: crawl["State"],
    "START_TIME": lambda crawl: crawl["StartTime"].timestamp() * 1000,
    "END_TIME": lambda crawl: crawl["EndTime"].timestamp() * 1000 if "EndTime" in crawl else None,
    "DPU_HOUR": lambda crawl: crawl["DPUHour"],
}
_OPERATORS = {
    "EQ": lambda left, right: left == right,
    "NE": lambda left, right: left != right,
    "GT": lambda left, right: left > right,
    "GE": lambda left, right: left >= right,
    "LT": lambda left, right: left < right,
    "LE": lambda left, right: left <= right,
}


class Crawlers:
    """All crawlers of a sandbox. Each public method answers the Glue request of its name.

    The methods take a request's parameters and return its result; they raise `GlueError` with
    Glue's error codes.
    """

    def __init__(self, endpoint: Endpoint, classifiers: Classifiers):
        self._endpoint = endpoint
        self._classifiers = classifiers
        self._lock = threading.RLock()
        self._crawlers: dict[str, Crawler] = {}
        self._clients: dict[str, Any] = {}
        self._threads: set[threading.Thread] = set()

    def create_crawler(self, request: Mapping[str, Any]) -> None:
        """Defines a crawler."""
        definition = copy.deepcopy(DEFAULTS) | {k: v for k, v in request.items() if k != "Tags" and v is not None}
        settings = CrawlerSettings.of(definition)
        self._check_buckets(settings)
        self._classifiers.find(definition["Classifiers"])
        with self._lock:
            if settings.name in self._crawlers:
                refuse(f"Crawler entry with name {settings.name} already exists", "AlreadyExistsException")
            self._crawlers[settings.name] = Crawler(definition, settings)
        if tags := request.get("Tags"):
            arn = f"arn:aws:glue:{REGION}:{ACCOUNT_ID}:crawler/{settings.name}"
            self._client("glue").tag_resource(ResourceArn=arn, TagsToAdd=tags)

    def update_crawler(self, request: Mapping[str, Any]) -> None:
        """Changes what the request names of a crawler that is not running."""
        with self._lock:
            crawler = self._find(request["Name"])
            changes = {key: value for key, value in request.items() if value is not None}
            definition = copy.deepcopy(crawler.definition) | changes
            settings = CrawlerSettings.of(definition)
            if crawler.settings.new_folders_only and settings.targets != crawler.settings.targets:
                refuse("The Amazon S3 targets of a crawler that crawls new folders only cannot be changed")
        self._check_buckets(settings)
        self._classifiers.find(definition["Classifiers"])
        with self._lock:
            if crawler.running:
                refuse("Cannot update Crawler while running", "CrawlerRunningException")
            crawler.redefine(definition, settings)

    def delete_crawler(self, request: Mapping[str, Any]) -> None:
        """Forgets a crawler that is not running, and its history."""
        with self._lock:
            if self._find(request["Name"]).running:
                refuse("Cannot delete Crawler while running", "CrawlerRunningException")
            del self._crawlers[request["Name"]]

    def get_crawler(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Describes a crawler."""
        with self._lock:
            return {"Crawler": self._find(request["Name"]).describe()}

    def get_crawlers(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Describes all crawlers."""
        with self._lock:
            return page_of("Crawlers", [crawler.describe() for crawler in self._crawlers.values()], request, 1000)

    def batch_get_crawlers(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Describes some crawlers, and names those that are not there."""
        with self._lock:
            found = [self._crawlers[name] for name in request["CrawlerNames"] if name in self._crawlers]
            missing = [name for name in request["CrawlerNames"] if name not in self._crawlers]
            return {"Crawlers": [crawler.describe() for crawler in found], "CrawlersNotFound": missing}

    def list_crawlers(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Names all crawlers."""
        if request.get("Tags"):
            refuse("The sandbox does not list crawlers by tags")
        with self._lock:
            return page_of("CrawlerNames", list(self._crawlers), request, 1000)

    def start_crawler(self, request: Mapping[str, Any]) -> None:
        """Starts a crawl, on a thread of its own."""
        with self._lock:
            crawler = self._find(request["Name"])
            if crawler.running:
                refuse(f"Crawler with name {request['Name']} has already started", "CrawlerRunningException")
            crawl = crawler.begin(self._classifiers.find(crawler.definition["Classifiers"]))
            thread = threading.Thread(target=self._run, args=(crawler, crawl), name=f"crawl {crawl.id}", daemon=True)
            self._threads.add(thread)
        thread.start()

    def stop_crawler(self, request: Mapping[str, Any]) -> None:
        """Asks the running crawl to end where it is."""
        with self._lock:
            crawler = self._find(request["Name"])
            if crawler.state == "STOPPING":
                refuse(f"Crawler with name {request['Name']} is already stopping", "CrawlerStoppingException")
            if not crawler.running:
                refuse(f"Crawler with name {request['Name']} isn't running", "CrawlerNotRunningException")
            crawler.state = "STOPPING"
            crawler.crawls[-1].stopping.set()

    def get_crawler_metrics(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Says how long crawls took, and what the latest changed."""
        with self._lock:
            names = request.get("CrawlerNameList") or list(self._crawlers)
            metrics = [self._crawlers[name].metrics() for name in names if name in self._crawlers]
            return page_of("CrawlerMetricsList", metrics, request, 1000)

    def list_crawls(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A crawler's crawls, the latest first."""
        filters = request.get("Filters") or []
        with self._lock:
            crawls = [describe_crawl(crawl) for crawl in reversed(self._find(request["CrawlerName"]).crawls)]
        matching = [crawl for crawl in crawls if all(_matches(crawl, wanted) for wanted in filters)]
        return page_of("Crawls", matching, {"MaxResults": 20, **request}, 100)

    def shut_down(self) -> None:
        """Ends the running crawls."""
        with self._lock:
            for crawler in self._crawlers.values():
                if crawler.running:
                    crawler.crawls[-1].stopping.set()
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout=_SHUTDOWN_SECONDS)

    def _find(self, name: str) -> Crawler:
        if name not in self._crawlers:
            refuse(f"Crawler entry with name {name} does not exist", "EntityNotFoundException")
        return self._crawlers[name]

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._endpoint.client(service)
            return self._clients[service]

    def _check_buckets(self, settings: CrawlerSettings) -> None:
        for bucket in {target.bucket for target in settings.targets}:
            try:
                self._client("s3").head_bucket(Bucket=bucket)
            except ClientError:
                refuse(f"S3 bucket {bucket} does not exist.")

    def _run(self, crawler: Crawler, crawl: Crawl) -> None:
        state = "FAILED"
        try:
            state = crawl.run({service: self._client(service) for service in ("s3", "glue", "logs")})
        except Exception as error:  # the crawl's thread ends here, whatever it was
            logging.getLogger(__name__).exception("crawl %s could not write its log", crawl.id)
            crawl.error = f"Internal Service Exception: {error}"
        finally:
            with self._lock:
                crawler.end(crawl, state)
                self._threads.discard(threading.current_thread())


def _matches(crawl: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Whether a crawl passes one filter of ListCrawls; times are epoch milliseconds."""
    name, operator, text = (wanted.get(key) for key in ("FieldName", "FilterOperator", "FieldValue"))
    if name not in _FILTERS or operator not in _OPERATORS or text is None:
        refuse(f"Invalid Filter Provided: FieldName: {name}, FilterOperator: {operator}, FieldValue: {text}")
    value: Any = _FILTERS[name](crawl)
    if name in {"CRAWL_ID", "STATE"}:
        if operator not in {"EQ", "NE"}:
            refuse(f"Only EQ or NE operator is allowed for field : {name}")
        return _OPERATORS[operator](value, text)
    try:
        return value is not None and _OPERATORS[operator](value, float(text))
    except ValueError:
        refuse(f"The value {text!r} of the filter {name} is not a number")
